"""Every file of a sweep damaged in turn: readers give right numbers, or name a file and say what to do."""

import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import jaxnn
import sweep_worker
from jaxnn import _command_line as _cli
from jaxnn._sweep.open import summary_of


pytest.importorskip("zarr")

ADVICE = ("un the same sweep again", "computed anew", "written anew")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Four chunks and their numbers."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sweep_worker, "VOLTAGES", sweep_worker.VOLTAGES[:4])
        out = tmp_path_factory.mktemp("whole") / "out"
        return out, sweep_worker.worker_sweep(out).load()


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def damages(data: bytes, count: int, seed: int):
    """What can become of a file: gone, empty, cut off, and some bits turned round one by one."""
    draws = random.Random(seed)
    yield "removed", None
    yield "emptied", b""
    yield "cut", data[: len(data) // 2]
    places = range(len(data)) if count >= len(data) else sorted(draws.sample(range(len(data)), count))
    for place in places:
        bit = draws.randrange(8)
        yield f"bit {bit} of byte {place}", flipped(data, place, bit)


def read(folder: Path, path: Path, wanted) -> str:
    """What a reader gets: "right", "absent" (not computed yet, it says), or "refused" with advice."""
    found, counts, message = None, {}, ""
    try:
        found = jaxnn.open_sweep(folder)
        counts = summary_of(found)
        found.load()
    except ValueError as error:
        message = str(error)
    if message or found is None:
        assert str(path) in message
        assert any(advice in message for advice in ADVICE), message
        assert "elete" not in message
        return "refused"
    missing = (found.diagnosis < 0).values
    assert counts["computed"] == counts["runs"] - missing.sum()
    for name in wanted.data_vars:
        there, here = wanted[name].values, found[name].values
        np.testing.assert_array_equal(there[~missing], here[~missing])
    for name in wanted.coords:
        np.testing.assert_array_equal(wanted[name], found[name])
    return "absent" if missing.any() else "right"


@pytest.mark.parametrize("count", [2, pytest.param(10**9, marks=pytest.mark.slow)])
def test_every_file_in_turn(whole, tmp_path, count, record_property):
    out, wanted = whole
    copy = shutil.copytree(out, tmp_path / "copy")
    tally = {"right": 0, "absent": 0, "refused": 0}
    for path in sorted(p for p in copy.rglob("*") if p.is_file()):
        data = path.read_bytes()
        for number, (what, damaged) in enumerate(damages(data, count, seed=len(data))):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            found = read(copy, path, wanted)
            tally[found] += 1
            if path.parent.name != "done":
                # Only a record that is lost makes a chunk one that is not there yet.
                assert found == "refused" or (path.name, what) == ("sweep.json", "removed"), (path, what)
            elif number == 0:
                assert found == "absent"
            path.write_bytes(data)
    assert tally["refused"] > tally["right"] + tally["absent"]
    record_property("tally", tally)
    print(tally)


def test_without_checksums(whole, tmp_path):
    """A store of an earlier version, whose group was damaged so that it still is JSON."""
    out, _ = whole
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "sweep.json").unlink()
    group = copy / "sweep.zarr" / "zarr.json"
    text = group.read_text()
    assert r"\"lengths\": [" in text
    for old, new in ((r"\"lengths\": [", r"\"lengths\": [0, "), (r"\"structural\"", r"\"structurel\"")):
        group.write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=r"zarr.json is damaged, .*chunks in .* are kept"):
            jaxnn.open_sweep(copy)
    group.write_text(text.replace(r"\"final\"", r"\"finel\""))
    with pytest.raises(ValueError, match=r"damaged in one of its zarr.json.*All chunks are kept"):
        jaxnn.open_sweep(copy)
    group.write_text(text)
    (copy / "sweep.zarr" / "final" / "c" / "1" / "0").unlink()
    with pytest.raises(ValueError, match=r"final/c/1/0 is missing"):
        jaxnn.open_sweep(copy).final.load()


def test_only_what_is_read_is_compared(whole, tmp_path):
    """A damaged chunk of one result is no obstacle to the others, nor to its own other chunks."""
    out, wanted = whole
    copy = shutil.copytree(out, tmp_path / "copy")
    (copy / "sweep.zarr" / "trace" / "c" / "2" / "0" / "0").unlink()
    found = jaxnn.open_sweep(copy)
    np.testing.assert_array_equal(found.final, wanted.final)
    np.testing.assert_array_equal(found.trace[3], wanted.trace[3])
    with pytest.raises(ValueError, match=r"trace/c/2/0/0 is missing"):
        found.trace[2].load()
    assert pickle.loads(pickle.dumps(found)).final.equals(wanted.final)


def test_the_command_line_reports_it(whole, tmp_path, capsys):
    out, _ = whole
    copy = shutil.copytree(out, tmp_path / "copy")
    chunk = copy / "sweep.zarr" / "final" / "c" / "1" / "0"
    chunk.unlink()
    assert _cli.main(["show", str(copy)]) == 2
    printed = capsys.readouterr()
    assert f"{chunk} is missing" in printed.err
    assert "successful" not in printed.out
