"""What users get wrong on the command line: never a traceback, always the file or the argument."""

import errno
import gc
import re
import signal
import time
from pathlib import Path

import pytest

import jaxnn
from jaxnn import _command_line as _cli
from jaxnn._sweep import store as _store


pytest.importorskip("zarr")

SPEC = """\
[network]
n_wires = 12
box = 11e-6
[junction]
kind = "Resistor"
conductance = 1e-3
[drive]
kind = "Constant"
voltage = 0.1
[simulation]
dt = 1e-3
steps = 40
[grid]
"drive.voltage" = [0.1, 0.2]
[results]
final_conductance = {}
"""
GRID = '[grid]\n"drive.voltage" = [0.1, 0.2]'
SAMPLE = '[sample]\ncount = 2\n{}\n[sample.ranges]\n"drive.voltage" = {{ from = 0.1, to = 0.2 }}'
PATH = "n_wires = 12\nbox = 11e-6"


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setattr(_cli, "keep_compiled", lambda: None)


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def done(spec, tmp_path):
    """A finished sweep."""
    assert command("sweep", spec, "--out", tmp_path / "out", "--quiet", "--points", 1) == 0
    return tmp_path / "out"


def command(*arguments) -> int:
    return _cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("final_conductance = {}", 'a = { kind = ["a"] }', r"line 16: there is no reduction \['a'\]"),
        ("final_conductance = {}", 'events = { ratio = "a" }', "line 16: ratio of .* must be a number"),
        ("n_wires = 12", 'kind = ["a"]', r"line 2: network cannot be \['a'\]"),
        ('"Resistor"', "{ a = 1 }", "line 5: junction cannot be"),
        ("conductance = 1e-3\n", "", "line 4: Resistor needs 'conductance'"),
        (GRID, SAMPLE.format('seed = "a"'), "line 13: seed of Sample must be a whole number .*'a'"),
        (GRID, SAMPLE.format("method = [1]"), r"line 13: method of Sample must be one of .* got \[1\]"),
        (GRID, SAMPLE.format("").replace("0.1,", '"a",'), "line 17: The range of 'drive.voltage' must"),
        (GRID, "[sample]\ncount = 2\nranges = 5", "line 13: Sample needs at least one parameter"),
        ("n_wires = 12", 'n_wires = 12\nseed = "a"', "line 3: seed must be a number"),
        ("n_wires = 12", "n_wires = [12]", "spec.toml: .*`n_wires` must be a whole number"),
        ("steps = 40", "steps = 40\nterminals = [[0, 1]]", "line 13: terminals must be numbers of wires"),
        ("steps = 40", 'steps = 40\nterminals = { kind = "pair_at" }', "line 13: pair_at needs"),
        ("steps = 40", "steps = 40\ninterval = 5", "line 13: interval is a setting of method = .lyapunov"),
        ("steps = 40", 'method = "lyapunov_exponents"\nsteps = 200\nevery = 2', "every is a setting"),
        ("0.1, 0.2]", "0.1, 1979-05-27]", "line 14: 'drive.voltage' must go through"),
        (PATH, 'kind = "saved_network"\npath = "no.npz"', "There is no file .*no.npz"),
        (PATH, 'kind = "saved_network"\npath = "spec.toml"', "spec.toml is damaged or is not a file"),
        ("voltage = 0.1", "voltage = " + 3000 * "[" + 3000 * "]", "this is no TOML: .*recursion"),
        ("voltage = 0.1", "voltage = 1" + 5000 * "0", "this is no TOML: .*digits"),
    ],
)  # fmt: skip
def test_wrong_specifications(spec, tmp_path, capsys, old, new, message):
    """The same answer from both commands that read one, unless it is about what changes alone."""
    assert old in SPEC
    spec.write_text(SPEC.replace(old, new, 1))
    both = [("sweep", "--quiet"), *[("run",)] * ("[sample" not in new and "1979" not in new)]
    for name, *rest in both:
        assert command(name, spec, "--out", tmp_path / "out", *rest) == 2
        printed = capsys.readouterr().err
        assert re.search(message, printed), printed
        assert printed.startswith("jaxnn: ")
        assert len(printed.splitlines()) == 1
    assert not (tmp_path / "out" / "sweep.zarr").exists()


def test_exponents_without_results(spec, tmp_path, capsys):
    """The method decides what is kept if nothing is asked for; what it does not give is said."""
    given = SPEC.replace("steps = 40", 'method = "lyapunov_exponents"\nsteps = 100')
    given = given.replace('"Resistor"\nconductance = 1e-3', '"TunnelJunction"')
    spec.write_text(given.partition("[results]")[0].replace("0.1, 0.2]", "0.1]"))
    assert command("sweep", spec, "--out", tmp_path / "out", "--quiet") == 0
    assert "largest_exponent" in capsys.readouterr().out
    spec.write_text(given)
    assert command("sweep", spec, "--out", tmp_path / "other", "--quiet") == 2
    assert "the reduction 'final_conductance' cannot be run" in capsys.readouterr().err


def test_names_of_files(spec, tmp_path, capsys, monkeypatch):
    """They are looked at before anything is computed, and what they are is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_cli, "sweep", None)
    for name, message in (
        ("../../x.nc", "lies outside"),
        ("", "is no name of a file"),
        (".", "is no name of a file"),
        ("sweep.zarr/zarr.json", "is a part of the sweep"),
        ("done/0.json", "is a part of the sweep"),
    ):
        assert command("sweep", spec, "--out", "out", "--netcdf", name) == 2
        assert message in capsys.readouterr().err
    for arguments in (["sweep", spec, "--out", ""], ["run", spec, "--out", " "], ["show", ""]):
        assert command(*arguments) == 2
        assert re.search(r"(--out|results) must be the name of a folder, got", capsys.readouterr().err)
    for arguments in (["sweep", tmp_path, "--out", "out"], ["run", tmp_path]):
        assert command(*arguments) == 2
        assert capsys.readouterr().err == f"jaxnn: {tmp_path}: Is a directory\n"
    assert command("sweep", tmp_path / "none", "--out", "out") == 2
    assert capsys.readouterr().err == f"jaxnn: {tmp_path / 'none'}: No such file or directory\n"
    assert command("run", spec, "--out", spec) == 1
    assert f"{spec}: File exists" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.toml"]


def test_pictures_and_files_of_a_sweep(done, capsys):
    before = (done / "sweep.zarr" / "zarr.json").read_bytes()
    for arguments, message in (
        (("--png", "sweep.zarr/zarr.json"), "is a part of the sweep"),
        (("--png", ""), "is no name of a file"),
        (("--netcdf", "sweep.json"), "is a part of the sweep"),
        (("--netcdf", "/tmp/x.nc"), "lies outside"),
        (("--png", "x.foo"), "foo"),
    ):
        assert command("show", done, *arguments) == 2
        assert message in capsys.readouterr().err
    assert (done / "sweep.zarr" / "zarr.json").read_bytes() == before
    assert command("show", done, "--netcdf", "more/all.nc", "--png", "more/map.png") == 0
    assert sorted(path.name for path in (done / "more").iterdir()) == ["all.nc", "map.png"]


def test_a_finished_sweep_in_a_folder_for_reading(spec, done, tmp_path, capsys, monkeypatch):
    """It is shown; only where something is left to write does it say that nothing can be."""

    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    again = ("sweep", spec, "--out", done, "--quiet", "--points", 1)
    with monkeypatch.context() as patched:
        # As the tests' user may write everywhere.
        for owner, name in ((Path, "mkdir"), (Path, "write_text"), (_store, "written_whole")):
            patched.setattr(owner, name, refused)
        capsys.readouterr()
        assert command(*again) == 0
        assert "2 of 2 runs computed" in capsys.readouterr().out
        (done / "done" / "1.json").unlink()
        assert command(*again) == 1
        printed = capsys.readouterr().err
    assert "the disk can only be read; 1 chunks are safe and no other was touched" in printed
    assert command(*again) == 0


@pytest.fixture
def heeds_interruptions():
    """What a shell starts in the background ignores Ctrl-C, and so would what is tested."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interruptions")
def test_an_interruption_in_a_callback_of_the_garbage_collector(spec, tmp_path, capsys, monkeypatch):
    """Python can only print that it ignored it: it is heeded a moment later."""
    write = _store.Store.write_chunk

    def interrupted(phase, _):
        if phase == "start":
            gc.callbacks.remove(interrupted)
            raise KeyboardInterrupt

    def slow(self, index, *arguments):
        if index == 1:
            gc.callbacks.append(interrupted)
            gc.collect()
            for _ in range(200):
                time.sleep(0.02)
        write(self, index, *arguments)

    monkeypatch.setattr(_store.Store, "write_chunk", slow)
    assert command("sweep", spec, "--out", tmp_path / "out", "--points", 1, "--quiet") == 130
    assert "1 of 2 runs are saved" in capsys.readouterr().err
    assert int((jaxnn.open_sweep(tmp_path / "out").diagnosis >= 0).sum()) == 1
