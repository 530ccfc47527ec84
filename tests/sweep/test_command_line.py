"""The command line: what it prints, writes, refuses and returns."""

import re
import tomllib

import numpy as np
import pytest

import jaxnn
from helpers import ROOT
from jaxnn import _command_line as _cli
from jaxnn._sweep import show
from jaxnn._sweep.specification import Specification, SpecificationError


pytest.importorskip("zarr")

SPEC = """\
[network]
n_wires = 12
box = 11e-6

[junction]
kind = "TunnelJunction"
boost = 5

[drive]
kind = "Constant"
voltage = 0.1

[simulation]
terminals = { kind = "pair_at", path_length = 2 }
dt = 1e-3
steps = 40
every = 10

[grid]
"drive.voltage" = { from = 0.01, to = 0.2, count = 6 }
"network.seed" = { from = 1, to = 2 }

[results]
final_conductance = {}
active = { kind = "activation_time", conductance = 1e-7 }
"""


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    """The tests' own process keeps its settings."""
    monkeypatch.setattr(_cli, "keep_compiled", lambda: None)


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


def command(*arguments) -> int:
    return _cli.main([str(argument) for argument in arguments])


def test_sweep_and_show(spec, tmp_path, capsys):
    out = tmp_path / "out"
    assert command("sweep", spec, "--out", out, "--quiet", "--points", 3, "--netcdf", "all.nc") == 0
    assert "12 of 12 runs computed: 12 successful" in capsys.readouterr().out
    data = jaxnn.open_sweep(out)
    assert data.final_conductance.dims == ("voltage", "seed")
    np.testing.assert_allclose(data.voltage, np.linspace(0.01, 0.2, 6))
    assert data.active.long_name.endswith("conductance = 1e-07")
    assert (out / "all.nc").stat().st_size > 0
    # Again: nothing is left to do. Two maps and a curve.
    assert command("sweep", spec, "--out", out, "--quiet", "--points", 3) == 0
    assert command("show", out, "--axes", "voltage", "seed") == 0
    assert command("show", out, "--axes", "voltage", "--png", "curve.png", "--over", "mean") == 0
    assert (out / "final_conductance.png").stat().st_size > 5000
    assert (out / "curve.png").stat().st_size > 5000
    assert "voltage" in capsys.readouterr().out
    # What is wrong, and the code that says so.
    for arguments, message in (
        (("--result", "nothing"), "no result 'nothing'; there are"),
        (("--axes", "time"), "as its axes"),
        (("--png", "../x.png"), "lies outside"),
    ):
        assert command("show", out, *arguments) == 2
        assert message in capsys.readouterr().err
    spec.write_text(SPEC.replace("boost = 5", "boost = 6"))
    assert command("sweep", spec, "--out", out, "--quiet") == 2
    assert "holds another sweep: base.junction.boost is 5.0 there and 6.0 here" in capsys.readouterr().err


def test_run(spec, tmp_path, capsys):
    assert command("run", spec, "--out", tmp_path / "one") == 0
    printed = capsys.readouterr().out
    solution = jaxnn.Solution.load(tmp_path / "one" / "solution.npz")
    shown = re.search(r"final_conductance +(\S+) S", printed)
    assert shown
    np.testing.assert_allclose(float(shown[1]), solution.conductance[-1], rtol=1e-5)
    network = jaxnn.Network.load(tmp_path / "one" / "network.npz")
    assert f"{network.n_nodes} wires" in printed


def test_a_run_records_what_its_results_need(spec, capsys):
    spec.write_text(SPEC + "mean_power = {}\n")
    assert command("run", spec) == 0
    assert re.search(r"mean_power +\S+ W", capsys.readouterr().out)


def test_a_run_that_can_be_played(spec, tmp_path, capsys):
    out = tmp_path / "one"
    assert command("run", spec, "--out", out) == 0
    assert command("view", out / "solution.npz") == 2
    assert "jaxnn run --record" in capsys.readouterr().err
    assert command("run", spec, "--out", out, "--record") == 0
    assert command("view", out / "solution.npz") == 0
    assert (out / "solution.html").is_file()
    assert command("run", spec, "--out", out, "--record", "state", "power") == 0
    solution = jaxnn.Solution.load(out / "solution.npz")
    assert solution.state.shape[0] == solution.power.shape[0] == 4
    with pytest.raises(SystemExit):
        command("run", spec, "--record", "states")
    assert "invalid choice: 'states'" in capsys.readouterr().err
    changed = SPEC.replace("every = 10", 'method = "lyapunov_exponents"').partition("[results]")[0]
    spec.write_text(changed)
    assert command("run", spec, "--record") == 2
    assert '--record needs method = "simulate"' in capsys.readouterr().err


def test_interrupted(spec, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxnn._sweep.store.Store.write_chunk", interrupted)
    assert command("sweep", spec, "--out", tmp_path / "out", "--points", 3, "--quiet") == 130
    printed = capsys.readouterr().err
    assert "0 of 12 runs are saved" in printed
    assert f"jaxnn sweep {spec} --out {tmp_path / 'out'}" in printed


def test_failure_to_write(spec, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command("sweep", spec, "--out", tmp_path / "file", "--quiet") == 1
    assert "cannot write to" in capsys.readouterr().err


def test_info(capsys):
    assert command("info") == 0
    printed = capsys.readouterr().out
    assert "jaxnn 0." in printed
    assert "cache" in printed
    assert "cpu" in printed


def test_help_is_complete(capsys):
    for name in ("sweep", "run", "show", "info"):
        with pytest.raises(SystemExit) as ended:
            command(name, "--help")
        assert ended.value.code == 0
        printed = capsys.readouterr().out
        options = set(re.findall(r"--[a-z0-9-]+", printed))
        assert "--help" in options
        for line in printed.split("options:")[1].splitlines():
            # Each option has a text, on its line or the next.
            assert not re.fullmatch(r"\s+--[a-z-]+( [A-Z:]+)?\s*", line) or len(line) > 20
    with pytest.raises(SystemExit) as ended:
        command("swep")
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("[network]", "[network", 1, "this is no TOML"),
        ("[grid]", "[gird]", 19, r"no section \[gird\]"),
        ("n_wires = 12", "wires = 12", 2, "nanowire_network has no 'wires'; it has"),
        ('kind = "TunnelJunction"', 'kind = "os.system"', 6, "junction cannot be 'os.system'"),
        ("boost = 5", "boost = -5", 7, "boost must be at least 0"),
        ("voltage = 0.1\n", 'voltage = "high"\n', 11, "voltage must be a number"),
        ('kind = "pair_at"', 'kind = "pair"', 14, "terminals cannot be 'pair'"),
        ("path_length = 2", "length = 2", 14, "pair_at has no 'length'"),
        ("dt = 1e-3", "dx = 1e-3", 15, "simulation has no setting 'dx'"),
        ("steps = 40", "steps = 40.5", 16, "steps must be a whole number, got 40.5"),
        ("steps = 40", "method = 3\nsteps = 40", 16, "method cannot be 3: it must be one of"),
        ("[junction]", '[terminals]\nkind = "pair_at"\n[junction]', 5, r"no section \[terminals\]"),
        ("count = 6", "cout = 6", 20, "must be a list or"),
        ("from = 0.01, to = 0.2, count = 6", "from = 0.01, to = 0.2", 20, "needs a count"),
        ("drive.voltage", "drive.voltages", 20, "drive.voltages is not a number of Constant"),
        ("final_conductance = {}", "final = {}", 24, "no reduction 'final'; there are"),
        ("conductance = 1e-7", "level = 1e-7", 25, "has no setting 'level'"),
        ("active =", '"../active" =', 25, "must be a Python identifier"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(spec, tmp_path, capsys, old, new, line, message):
    assert old in SPEC
    spec.write_text(SPEC.replace(old, new, 1))
    assert command("sweep", spec, "--out", tmp_path / "out", "--quiet") == 2
    printed = capsys.readouterr().err
    assert re.search(message, printed), printed
    assert re.search(rf"line {line}\b", printed), printed
    assert not (tmp_path / "out" / "sweep.zarr").exists()


def test_version(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        command("--version")
    assert capsys.readouterr().out == f"jaxnn {jaxnn.__version__}\n"


def test_sections_of_all_kinds(tmp_path):
    path = tmp_path / "spec.toml"
    jaxnn.Network(3, [(0, 1), (1, 2)]).save(tmp_path / "line.npz")
    path.write_text(
        """
        [network]
        kind = "saved_network"
        path = "line.npz"
        [drive]
        kind = "Sine"
        amplitude = 0.1
        frequency = 2
        [simulation]
        terminals = [0, 2]
        dt = 1e-3
        steps = 10
        [sample]
        count = 4
        method = "random"
        [sample.ranges]
        "drive.phase" = { from = 0.0, to = 3.14 }
        "junction.off_conductance" = { from = 1e-9, to = 1e-6, scale = "log" }
        [grid]
        drive.frequency = [1, 2, 3]
        [table]
        "junction.boost" = [1.0, 2.0]
        "drive.amplitude" = [0.1, 0.2]
        """
    )
    specification = Specification(path)
    sizes = [[axis.size for axis in part.axes()] for part in specification.over()]
    assert sizes == [[3], [4], [2]]
    arguments = specification.arguments()
    assert arguments["terminals"] == (0, 2)
    assert arguments["network"]().n_nodes == 3
    assert float(arguments["drive"].frequency) == 2
    path.write_text("[network]\n[simulation]\n")
    with pytest.raises(SpecificationError, match=r"section \[drive\] is missing"):
        Specification(path)


def test_the_examples_are_valid():
    """The specification in the experiments, and the one in the documentation."""
    example = Specification(ROOT / "experiments" / "hochstetter2021" / "activation_map.toml")
    axes = [axis for part in example.over() for axis in part.axes()]
    assert {axis.name: axis.size for axis in axes} == {
        "drive.voltage": 16,
        "junction.off_conductance": 16,
        "network.seed": 64,
    }
    assert example.arguments()["steps"] * example.arguments()["dt"] == 4
    page = (ROOT / "docs" / "sweeps.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        assert tomllib.loads(block).keys() <= {"network", "drive", "simulation", "grid"}


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.geomspace(0.1, 2.0, 5), "log"),
        (np.linspace(0.1, 2.0, 5), "linear"),
        (np.array([1.0, 2.0]), "linear"),
        (1 + 1e-5 * np.arange(4), "linear"),
        (np.array([-1.0, 1.0, -1.0]), "linear"),
        (np.array([1.0, 40.0]), "log"),
    ],
)
def test_scales_of_what_was_swept(values, scale):
    assert show._scale_of_axis(values) == scale
