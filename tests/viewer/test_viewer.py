"""The page of a run: its numbers are the run's, it stays within its limit, and a browser plays it."""

import base64
import html
import json
import re
import shutil
import subprocess
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network
from jaxnn._command_line import main


RECORD = ("junction_conductance", "junction_voltage", "state", "node_potential")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def simulated(**changes) -> Any:
    network, terminals, path = small_network()
    setup: Any = {"terminals": terminals, "dt": 1e-3, "steps": 120, "record": RECORD} | changes
    return jaxnn.simulate(network, jaxnn.TunnelJunction(), jaxnn.Sine(0.2 * path, 10.0), **setup)


@pytest.fixture(scope="module")
def run():
    return simulated()


def payload(view) -> dict[str, Any]:
    """What stands in the page, as its script reads it."""
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', view.text, re.DOTALL)
    return json.loads(text)


def decoded(found, name) -> np.ndarray:
    """An array of the page, by what payload.py says of it."""
    one = found["arrays"][name]
    kind = {"f4": "<f4", "i4": "<i4", "u2": "<u2"}[one["kind"]]
    values = np.frombuffer(base64.b64decode(one["data"]), kind).reshape(one["shape"])
    if one["kind"] != "u2":
        return values
    numbers = one["low"] + values * (one["high"] - one["low"]) / 65534
    numbers = np.where(values == 65535, np.nan, numbers)
    return 10**numbers if one["log"] else numbers


def test_the_numbers_are_those_of_the_run(run):
    found = payload(run.view())
    assert found["moments"] == found["records"] == 120
    for name in ("junction_voltage", "state", "node_potential"):
        exact = np.asarray(getattr(run, name))
        half_a_step = np.ptp(exact) / 65534 / 2
        np.testing.assert_allclose(decoded(found, name)[0], exact, rtol=0, atol=1.001 * half_a_step)
    exact = np.asarray(run.junction_conductance)
    off = np.abs(np.log10(decoded(found, "junction_conductance")[0] / exact))
    assert off.max() <= 1.001 * np.ptp(np.log10(exact)) / 65534 / 2
    for name, exact in (("time", run.time), ("drive", run.drive), ("network_conductance", run.conductance)):
        np.testing.assert_array_equal(decoded(found, name)[0], np.asarray(exact, np.float32))
    np.testing.assert_array_equal(decoded(found, "edges"), run.network.edges)
    np.testing.assert_array_equal(decoded(found, "wires"), np.float32(run.network.wire_ends * 1e6))
    assert found["terminals"] == list(map(int, run.terminals))


def test_nothing_is_fetched(run):
    """The page opens without a network: no address in it, whatever it shows."""
    assert not re.findall(r"https?:|src=|href=|@import|url\(", run.view().text)


def test_the_limit_holds_and_keeps_first_and_last(run):
    whole, small = run.view(), run.view(limit=0.05)
    found = payload(small)
    size = sum(len(one["data"]) for one in found["arrays"].values())
    assert size <= 0.05e6 < len(whole.text)
    assert 20 <= found["moments"] < 120
    (kept,) = decoded(found, "time")
    assert kept[0] == np.float32(run.time[0])
    assert kept[-1] == np.float32(run.time[-1])
    with pytest.raises(ValueError, match=r"needs a limit of at least 0\.\d MB, got 0.0 MB"):
        run.view(limit=0.001)


def test_no_value_and_zero():
    """NaN stays NaN, and what has no logarithm is no value."""
    from jaxnn._viewer.payload import packed

    for log in (False, True):
        values = np.array([[1.0, np.nan], [10.0, 0.0]])
        back = decoded({"arrays": {"x": packed(values, log)}}, "x")
        expected = np.where(values > 0, values, np.nan) if log else values
        np.testing.assert_allclose(back, expected, rtol=1e-4, atol=1e-4)
    assert (decoded({"arrays": {"x": packed(np.full((2, 2), 3.0), False)}}, "x") == 3).all()
    assert np.isnan(decoded({"arrays": {"x": packed(np.full((2, 2), np.nan), True)}}, "x")).all()


def test_networks_without_wires_and_with_pads():
    for network in (line(3), small_network()[0].with_pads(0.2)):
        ends = (network.n_nodes - 2, network.n_nodes - 1)
        setup: Any = {"terminals": ends, "dt": 1e-3, "steps": 30, "record": "junction_voltage"}
        found = payload(
            jaxnn.simulate(network, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **setup).view()
        )
        assert list(found["variables"]) == ["junction_voltage"]
        active = np.flatnonzero(~network.passive)
        assert found["junctions"] == active.tolist()
        assert decoded(found, "junction_voltage").shape == (1, 30, active.size)
        assert np.isfinite(decoded(found, "places")).all()


def resistors(volts) -> Any:
    setup: Any = {"terminals": (0, 3), "dt": 1e-3, "steps": 20, "record": RECORD}
    return jaxnn.simulate(line(3), jaxnn.Resistor(1e-6), jaxnn.Constant(volts), **setup)


def test_what_cannot_be_played(run):
    with pytest.raises(ValueError, match=r"nothing to play: simulate with record="):
        simulated(record=("power",)).view()
    with pytest.raises(ValueError, match="needs numbers: call it on what comes out"):
        jax.jit(lambda v: (resistors(v).view(), v)[1])(0.1)
    with pytest.raises(ValueError, match="limit must be"):
        run.view(limit=-1.0)
    for member in (0, (0,)):
        with pytest.raises(ValueError, match="this is one run: leave it out"):
            run.view(member=member)
    with pytest.raises(ValueError, match="got the Solution of an Ensemble"):
        jaxnn.simulate(
            jaxnn.Ensemble([line(3)]),
            jaxnn.Resistor(1e-6),
            jaxnn.Constant(0.1),
            terminals=[(0, 3)],
            dt=1e-3,
            steps=2,
            record=RECORD,
        ).view()


@pytest.fixture(scope="module")
def batch():
    """Six runs in two rows of three, each at a voltage of its own."""
    return jax.vmap(jax.vmap(resistors))(jnp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))


def test_a_batch(batch):
    """All of its runs are in the page, in one scale of colours, or the one that is asked for."""
    found = payload(batch.view())
    assert found["members"] == ["0, 0", "0, 1", "0, 2", "1, 0", "1, 1", "1, 2"]
    assert found["terminals"] == [0, 3]
    volts = decoded(found, "junction_voltage")
    assert volts.shape == (6, 20, 3)
    exact = np.asarray(batch.junction_voltage).reshape(6, 20, 3)
    np.testing.assert_allclose(volts, exact, rtol=0, atol=1.001 * np.ptp(exact) / 65534 / 2)
    assert payload(jax.tree.map(lambda x: x[0], batch).view())["members"] == ["0", "1", "2"]
    for member in ((1, 2), (-1, -1), np.array([1, 2])):
        one = payload(batch.view(member=member))
        assert one["members"] == ["1, 2"]
        alone = payload(jax.tree.map(lambda x: x[1, 2], batch).view())
        assert one | {"members": [""]} == alone


def test_members_that_there_are_not(batch):
    for member in (0, (0, 3), (2, 0), (-3, 0), (0, 0, 0), ()):
        with pytest.raises(
            ValueError, match=r"a whole number for each axis of the batch, of shape \(2, 3\)"
        ):
            batch.view(member=member)
    for member in ("0", 0.5, [[0, 1]]):
        with pytest.raises(ValueError, match="member must be"):
            batch.view(member=member)
    with pytest.raises(ValueError, match=r"a batch of 6 runs .* pick a run with member="):
        batch.view(limit=0.005)
    batch.view(member=(0, 0), limit=0.005)


def test_the_command(run, tmp_path, capsys):
    run.save(tmp_path / "run.npz")
    assert main(["view", str(tmp_path / "run.npz"), "--out", str(tmp_path / "page.html")]) == 0
    assert "page.html" in capsys.readouterr().out
    assert (tmp_path / "page.html").read_text("utf-8") == run.view().text
    assert main(["view", str(tmp_path / "run.npz")]) == 0
    assert (tmp_path / "run.html").is_file()
    assert main(["view", str(tmp_path / "missing.npz")]) == 2
    simulated(record=("power",)).save(tmp_path / "dull.npz")
    assert main(["view", str(tmp_path / "dull.npz")]) == 2
    assert "nothing to play" in capsys.readouterr().err


def test_the_command_picks_a_run(batch, tmp_path):
    batch.save(tmp_path / "batch.npz")
    out = ["--out", str(tmp_path / "page.html")]
    assert main(["view", str(tmp_path / "batch.npz"), "--member", "1", "0", *out]) == 0
    assert (tmp_path / "page.html").read_text("utf-8") == batch.view(member=(1, 0)).text
    assert main(["view", str(tmp_path / "batch.npz"), "--member", "9", "0", *out]) == 2


def test_a_notebook_shows_it_in_a_frame(run):
    shown = run.view()._repr_html_()
    assert shown.startswith("<iframe sandbox=")
    (inside,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(inside) == run.view().text
    assert "MB of HTML" in repr(run.view())


# What a reader does, and what has come of it, left where `--dump-dom` shows it.
ACTIONS = """<script>
const answers = {};
answers.wide = document.documentElement.scrollWidth <= innerWidth;
const of = document.getElementById("network"), box = of.getBoundingClientRect();
const send = (type, x, y) => of.dispatchEvent(new PointerEvent(type,
  {clientX: box.left + x, clientY: box.top + y, bubbles: true, pointerType: "mouse"}));
const x = sx(A.places[0]), y = sy(A.places[1]);
send("pointermove", x, y);
answers.tip = $("tip").hidden ? "" : $("tip").textContent;
send("pointerdown", x, y); send("pointerup", x, y);
const n = RUN.terminals[0], u = 0.03;
answers.picked = picked.map((one) => one.kind + one.n);
pick({kind: "wire", n});
answers.traces = picked.map((one) => seriesOf(one).at(3));
$("scrub").value = 50; $("scrub").oninput();
answers.moment = document.documentElement.dataset.moment;
answers.time = $("time").value;
answers.voltage = Array.from({length: J}, (_, j) => value("junction_voltage", 50, j));
$("variable").value = "state"; $("variable").onchange();
answers.ends = [$("low").textContent, $("high").textContent];
const fingers = (type, ...pairs) => {
  const one = ([x, y], identifier) =>
    new Touch({identifier, target: of, clientX: box.left + x, clientY: box.top + y});
  const touches = pairs.map(one), event = new TouchEvent(type, {touches, cancelable: true, bubbles: true});
  of.dispatchEvent(event);
  return event.defaultPrevented;
};
const pointOf = (px) => [px[0], px[1]].map((p, i) => (p - [view.x, view.y][i]) / view.scale);
const before = pointOf([100, 110]), count = picked.length;
answers.kept = [fingers("touchstart", [80, 110]), fingers("touchstart", [80, 110], [120, 110])];
fingers("touchmove", [50, 140], [170, 140]);
answers.pinched = [view.scale, of.style.touchAction];
answers.stays = pointOf([110, 140]).map((p, i) => p - before[i]);
send("pointerdown", 60, 60); fingers("touchend"); send("pointerup", 60, 60);
answers.unpicked = picked.length === count;
fingers("touchstart", [50, 140], [170, 140]); fingers("touchmove", [105, 150], [115, 150]);
fingers("touchend");
answers.back = [view.scale, view.x, view.y, of.style.touchAction];
const begun = performance.now();
for (let k = 0; k < 20; k++) { now = k; draw(); }
answers.frame = (performance.now() - begun) / 20;
const text = btoa(unescape(encodeURIComponent(JSON.stringify(answers))));
document.body.innerHTML = "<pre id=answers>" + text + "</pre>";
</script></body>"""


def in_a_browser(view, folder, width, actions=ACTIONS) -> dict[str, Any]:
    """The answers of the page at a width [pixels]: in a frame, narrower than a window may be."""
    (folder / "page.html").write_text(view.text.replace("</body>", actions), "utf-8")
    frame = f'<iframe id="f" src="page.html" style="width:{width}px;height:900px;border:0"></iframe>'
    script = """<script>f.onload = () => {
      document.body.innerHTML = f.contentDocument.getElementById("answers").outerHTML; }</script>"""
    (folder / "frame.html").write_text(f"<body>{frame}{script}</body>", "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    options += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=4000", "--dump-dom"]
    command = [str(CHROMIUM), *options, f"file://{folder}/frame.html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (text,) = re.findall(r'<pre id="answers">(.*?)</pre>', done.stdout)
    return json.loads(base64.b64decode(text))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_plays_it(width, run, tmp_path):
    """Hovering, clicking, scrubbing and colouring, on a desk and on a telephone."""
    found = in_a_browser(run.view(), tmp_path, width)
    a, b = run.network.edges[0]
    assert found["wide"], "the page is wider than the screen"
    assert found["tip"].startswith(f"junction 0: wires {a} and {b}\nvoltage: ")
    assert "conductance: " in found["tip"]
    assert found["picked"] == ["junction0"]
    conductance, second = found["traces"]
    np.testing.assert_allclose(conductance, float(run.junction_conductance[3, 0]), rtol=1e-3)
    assert second > 0
    assert found["moment"] == "50"
    assert found["time"] == "51.0 ms"
    half_a_step = np.ptp(np.asarray(run.junction_voltage)) / 65534
    np.testing.assert_allclose(found["voltage"], run.junction_voltage[50], rtol=0, atol=half_a_step)
    assert all(found["ends"])
    assert found["kept"] == [False, True], "one finger scrolls the page, two do not"
    assert found["pinched"] == [3, "none"]
    np.testing.assert_allclose(found["stays"], 0, atol=1e-9)
    assert found["unpicked"]
    assert found["back"] == [1, 0, 0, "pan-y"]
    assert found["frame"] < 100


# Of a batch: what a reader chooses, and what is shown of it.
CHOICES = """<script>
const answers = { hidden: $("which").hidden, names: [...$("member").options].map((o) => o.text) };
answers.volts = RUN.members.map((_, m) => {
  $("member").value = m; $("member").onchange(); return value("junction_voltage", 3, 1);
});
answers.summary = $("summary").textContent;
const text = btoa(unescape(encodeURIComponent(JSON.stringify(answers))));
document.body.innerHTML = "<pre id=answers>" + text + "</pre>";
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_a_browser_chooses_a_run(batch, run, tmp_path):
    found = in_a_browser(batch.view(), tmp_path, 390, CHOICES)
    assert not found["hidden"]
    assert found["names"] == ["0, 0", "0, 1", "0, 2", "1, 0", "1, 1", "1, 2"]
    exact = np.asarray(batch.junction_voltage)[:, :, 3, 1].ravel()
    np.testing.assert_allclose(found["volts"], exact, rtol=1e-4)
    assert found["summary"].endswith("20.0 ms, 6 runs")
    assert in_a_browser(run.view(), tmp_path, 390, CHOICES)["hidden"]
