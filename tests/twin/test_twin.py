"""Twins of devices whose wiring is known, and of the measured ones."""

import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import device
import jaxnn
from jaxnn import _command_line as _cli, data, twin
from jaxnn.twin._heard import find_heard
from jaxnn.twin._level import last_level
from jaxnn.twin._pickup import find_pickup
from jaxnn.twin._shares import memory_capacity


SPECIFICATION = """
[recording]
source = "s"
grounds = ["g"]

[split]
fit = 0.6
judge = 0.4

[model]
hidden = 1
"""
LAW = """
[law]
kind = "TunnelJunction"

[fit]
set_voltage = [0.005, 0.03]

[table]
starts = 2
dt = 5e-4
"""


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """The tests' own process keeps its settings."""
    monkeypatch.setattr(_cli, "keep_compiled", lambda: None)


@pytest.fixture(scope="module")
def found():
    return twin.compare(device.recording(), fit=0.6, judge=0.4)


def test_predicts_what_it_has_not_seen(found):
    assert found.twin.roles == data.PadRoles("s", ("g",), ("a", "b", "c", "d", "e"), ("f",))
    assert found.median("twin") > 0.99
    assert found.median("twin") > found.median("pole")
    assert np.all(found.scores["twin"] > found.scores["divider"])


def test_finds_the_network(found):
    known, fitted = device.network(), found.twin.network
    time, source = 0.2 * np.arange(200), np.random.default_rng(9).uniform(0.4, 1.0, 200)
    centred = lambda model: (x := np.asarray(model(time, source))) - x.mean(axis=0)
    miss = (centred(fitted) - centred(known)).std(axis=0) / centred(known).std(axis=0)
    # The second pad has a switch, which is no part of the network.
    assert np.all(miss[[0, 2, 3, 4]] < 0.05)
    # Of the charge of slow pads, not of those that settle before they are read.
    slow = lambda model: np.asarray(model.time_constants())[:3]
    np.testing.assert_allclose(slow(fitted), slow(known), rtol=0.1)


def test_finds_the_switch_and_the_mains(found):
    assert list(found.twin.switches) == ["b"]
    switch = found.twin.switches["b"]
    assert abs(switch.jump / device.JUMP - 1) < 0.1
    assert found.twin.pickup is not None
    # Scans would leave multiples of their rate, 5 Hz, open; mains are near 50 or 60 Hz.
    assert abs(found.twin.pickup.frequency - device.MAINS) < 0.05
    assert np.argmax(found.twin.pickup.share) == 2
    assert np.all(np.diff(found.twin.pickup.trust) <= 0)


def test_a_dead_pad_hears_the_mains(found):
    """What they add to pad c is known from pad f for as long as it listens."""
    heard = found.twin.heard.gain[0, 2]
    assert abs(heard) == pytest.approx(device.HEARD, rel=0.1)
    assert np.angle(heard) == pytest.approx(-device.BEHIND, abs=0.15)
    left = 1 - found.scores["twin_heard"]
    assert left[2] < 0.3 * (1 - found.scores["twin"])[2]
    assert np.all(left < 1 - found.scores["twin"] + 1e-3)


def test_who_hears_nothing_says_nothing(found):
    rng, recording = np.random.default_rng(1), device.recording()
    time, model = recording.time, found.twin.predict(recording.time, recording.voltage[:, 0], "memristive")
    residual = recording.voltage[:, 1:6] - model
    assert find_heard(time, residual, recording.voltage[:, 6:7], device.MAINS) is not None
    deaf = np.full((700, 1), np.nan), np.zeros((700, 1)), np.ones((700, 0))
    for silent in (rng.normal(size=(700, 2)), *deaf):
        assert find_heard(time, residual, silent, device.MAINS) is None


def test_a_twin_without_its_dead_pads(found):
    """They may be left out, and NaN; other numbers of them are refused."""
    recording = device.recording()
    predict = lambda **given: found.twin.predict(recording.time, recording.voltage[:, 0], **given)
    dead = recording.voltage[:, [6]]
    late = slice(420, None)
    np.testing.assert_array_equal(predict(dead=dead)[late], found.predicted["twin_heard"])
    np.testing.assert_array_equal(predict()[late], found.predicted["twin"])
    np.testing.assert_array_equal(predict(stage="static", dead=dead), predict(stage="static"))
    nothing = predict(dead=np.full_like(dead, np.nan))
    np.testing.assert_array_equal(nothing[:, 2], predict(stage="memristive")[:, 2])
    with pytest.raises(ValueError, match=r"a column for each dead pad, \(700, 1\), got \(700, 2\)"):
        predict(dead=np.ones((700, 2)))


@pytest.mark.parametrize("stage", ["static", "pickup"])
def test_a_twin_wants_a_number_for_each_scan(found, stage):
    for time, source in ((5, 0), (0, 5), (5, 4)):
        with pytest.raises(ValueError, match=r"source has shape .* in time"):
            found.twin.predict(np.ones(time), np.ones(source), stage)


def test_levels_that_relax_go_on():
    r"""$0.1 - 0.02 \ln t$ is foretold; a level that jumps about is not taken to relax."""
    rng, time = np.random.default_rng(0), 100 + 0.2 * np.arange(1, 1501)
    relaxing = 0.1 - 0.02 * np.log(time - 100) + 1e-3 * rng.normal(size=1500)
    jumping = np.where(time % 40 < 20, 0.01, -0.01) + 1e-3 * rng.normal(size=1500)
    pads = np.stack([relaxing, jumping, np.full(1500, np.nan)], axis=1)
    pads[rng.random(pads.shape) < 0.05] = np.nan
    level = last_level(time[:1000], pads[:1000], 0.3)
    assert level.slope[0] == pytest.approx(-0.02, rel=0.02)
    np.testing.assert_array_equal(level.slope[1:], 0)
    np.testing.assert_array_equal(level(time)[:, 2], 0)
    assert np.nanmax(np.abs(level(time[1000:])[:, 0] - 0.1 + 0.02 * np.log(time[1000:] - 100))) < 1e-3
    assert np.all(np.isfinite(level(np.array([0.0, 100.0]))))


def test_the_parts_make_up_the_whole(found):
    np.testing.assert_allclose(sum(found.shares), 1, rtol=1e-9)
    stiff, charged, heard = 0, 3, 2
    assert found.shares.static[stiff] > 0.99
    assert found.shares.capacitive[charged] > 0.5
    assert found.shares.memristive[1] > 0.01
    assert found.shares.mains[heard] == max(found.shares.mains)
    assert found.capacity["static"] < 1.1 < found.capacity["capacitive"]


def test_reports(found):
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["scans"] == {"fitted": 420, "judged": 280}
    assert plain["r2"]["twin"]["a"] == pytest.approx(found.scores["twin"][0], rel=1e-5)
    assert "\nmedian " in found.report()
    assert len(twin.draw_predictions(found).axes) == 3
    assert len(twin.draw_scores(found).axes) == 1
    plt.close("all")


def test_the_command_writes_a_report(found, tmp_path, monkeypatch, capsys):
    """With the comparison at hand, which takes long."""
    given = []
    monkeypatch.setattr(twin, "compare", lambda *x, **named: given.append((*x, named)) or found)
    path = device.write(tmp_path / "device.txt", device.recording(300))
    (tmp_path / "spec.toml").write_text(SPECIFICATION)
    out = tmp_path / "results"
    assert _cli.main(["fit", str(path), str(tmp_path / "spec.toml"), "--out", str(out)]) == 0
    recording, roles, settings = given[0]
    assert len(recording) == 300
    assert roles.grounds == ("g",)
    assert settings == {"fit": 0.6, "judge": 0.4, "hidden": 1}
    assert json.loads((out / "report.json").read_text())["r2"] == found.to_dict()["r2"]
    assert {x.name for x in out.iterdir()} == {"report.json", "predictions.png", "scores.png"}
    assert found.report() in capsys.readouterr().out


def test_the_command_fits_a_law(tmp_path, capsys):
    time = np.linspace(0, 1, 200)
    volts = 0.08 * np.sin(2 * np.pi * time)
    law = jaxnn.TunnelJunction(set_voltage=0.0135)
    current = np.asarray(jaxnn.fit.Response(None, time, volts, dt=1e-4)(law))
    current = current * (1 + 0.01 * np.random.default_rng(0).normal(size=200))
    path = tmp_path / "loop.csv"
    columns = np.stack([1e3 * time, 1e3 * volts, 1e6 * current], axis=1)
    np.savetxt(path, columns, "%.9g", ",", header="t[ms],V[mV],I[uA]", comments="")
    (tmp_path / "law.toml").write_text(LAW)
    assert _cli.main(["fit", str(path), str(tmp_path / "law.toml"), "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["parameters"]["set_voltage"]["estimate"] == pytest.approx(0.0135, rel=0.01)
    # The current is an exponential of what the steps round, so that these show, and the report says which.
    assert any("the time step of 0.0005 s shows" in problem for problem in found["problems"])
    assert (tmp_path / "out" / "fit.png").is_file()
    assert "set_voltage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[split]\nfits = 0.5", "[split] has no setting 'fits': it has fit, judge"),
        ("[split]\nfit = true", "fit of [split] must be int or float, got True"),
        ("[network]\nn = 3", "'network' is no section"),
        ("[law]\nkind = 'Diode'\n[fit]\nx = [0, 1]", "kind of [law] must be one of"),
        ("[law]\nsize = 3", "[law]"),
        ("[law]\n[fit]\nset_voltage = 3", "set_voltage of [fit] must be a number of TunnelJunction"),
        ("[law]", "[fit] must name what is fitted"),
        ("[law", "this is no TOML"),
        ("[law]\n[table]\ndt = '1 ms'", "dt of [table] must be int or float, got '1 ms'"),
        (
            "[law]\n[fit]\nset_voltage = [3, 1]",
            "set_voltage of [fit] must be from the least to the largest",
        ),
    ],
)
def test_bad_specifications(tmp_path, capsys, text, message):
    path = device.write(tmp_path / "device.txt", device.recording(30))
    (tmp_path / "spec.toml").write_text(text)
    assert _cli.main(["fit", str(path), str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "spec.toml" in said


def test_a_loop_without_a_law(tmp_path, capsys):
    (tmp_path / "loop.csv").write_text("t[s],V[V],I[A]\n0,0,0\n1,0.1,1e-6\n")
    assert _cli.main(["fit", str(tmp_path / "loop.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "`jaxnn fit loop.csv law.toml --out results`" in capsys.readouterr().err


def test_noise_has_no_mains():
    time = np.cumsum(np.random.default_rng(0).uniform(0.19, 0.21, 1000))
    assert find_pickup(time, np.random.default_rng(1).normal(size=(1000, 3))) is None


def test_capacity_counts_lags():
    """Pads that are the last three voltages remember these."""
    source = np.random.default_rng(0).uniform(size=2000)
    pads = np.stack([np.roll(source, lag) for lag in range(3)], axis=1)
    assert abs(memory_capacity(source, pads, 1000) - 3) < 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: (r.part(0, 150), {}), "must have 200 scans or more, got 75"),
        (lambda r: (r, {"fit": 0.9, "judge": 0.2}), "shares that leave 20 scans or more"),
        (lambda r: (r, {"roles": data.PadRoles("g", (), (), ())}), "no pad is live"),
        (lambda r: (r, {"hidden": -1}), "hidden must be at least 0, got -1"),
    ],
)
def test_bad_recordings(change, message):
    recording, settings = change(device.recording(450))
    with pytest.raises(ValueError, match=message):
        twin.compare(recording, **settings)


REAL = Path(os.environ.get("JAXNN_DATA") or "none") / "inrim"


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the measured networks are not in the data folder")
@pytest.mark.parametrize("name", ["011", "074"])
def test_the_measured_networks(name):
    """The figures of docs/measured-devices.md; what the twin adds is more than any simpler model has."""
    recording = data.read_recording(REAL / f"{name}_first70.txt")
    found = twin.compare(recording, fit=5 / 7, judge=2 / 7)
    simpler = ("divider", "pole", "black_box")
    assert found.median("twin") > 0.96
    assert found.median("twin") > max(found.median(x) for x in simpler)
    assert found.median("twin_heard") > 0.97
    if name == "074":
        best = np.max([found.scores[x] for x in simpler], axis=0)
        slow = [found.twin.roles.live.index(pad) for pad in ("9", "11", "21", "22")]
        assert np.all(found.scores["twin_heard"][slow] > best[slow])
