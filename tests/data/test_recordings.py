"""Recordings of many pads and tables of current and voltage: right ones, and every way to be wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from jaxnn import data


HEAD = "Time[s] 8_V[V] 8_I[A] 9_V[V] 9_I[A] 10_V[V] 10_I[A] 17_V[V] 17_I[A]"


def rows(scans=120, seed=0):
    """A source, a pad that follows late, one that is dead, and the ground."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.18, 0.22, scans))
    source = rng.uniform(0.4, 1.0, scans)
    late = 0.3 * source + 0.2 * np.roll(source, 1)
    dead = 0.043 + 2e-4 * rng.normal(size=scans)
    ground = 2.6e-3 + 1e-4 * rng.normal(size=scans)
    lost = np.full(scans, np.nan)
    columns = (time, source, -2e-4 * source, late, lost, dead, lost, ground, 2e-4 * source)
    return np.stack(columns, axis=1)


def written(path, table, head=HEAD, mark=" "):
    text = mark.join(head.split()) + "\n"
    text += "".join(mark.join(map(str, row)) + "\n" for row in table.tolist())
    path.write_text(text)
    return path


@pytest.mark.parametrize("mark", [" ", ",", ";", "\t"], ids=["blank", "comma", "semicolon", "tab"])
def test_reads_what_was_written(tmp_path, mark):
    table = rows()
    recording = data.read_recording(written(tmp_path / "a.txt", table, mark=mark))
    assert recording.pads == ("8", "9", "10", "17")
    assert len(recording) == len(table)
    np.testing.assert_array_equal(recording.time, table[:, 0])
    np.testing.assert_array_equal(recording.voltage, table[:, 1::2])
    np.testing.assert_array_equal(recording.current, table[:, 2::2])
    np.testing.assert_array_equal(recording.part(3, 9).of("9"), table[3:9, 3])


def test_units_and_missing_values(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('# bench 3\nTime [ms], "a_V [mV]", b_V (V), a_I [uA]\n0, 100, 0.04, 5,\n\n190,nan,,6\n')
    recording = data.read_recording(path)
    np.testing.assert_allclose(recording.time, [0, 0.19])
    np.testing.assert_allclose(recording.voltage, [[0.1, 0.04], [np.nan, np.nan]])
    np.testing.assert_allclose(recording.current, [[5e-6, np.nan], [6e-6, np.nan]])


def test_roles(tmp_path):
    recording = data.read_recording(written(tmp_path / "a.txt", rows()))
    roles = recording.roles()
    assert roles == data.PadRoles("8", ("17",), ("9",), ("10",))
    assert str(roles) == "source 8, ground 17, live 9, dead 10"
    named = recording.roles(source="9", grounds=())
    assert (named.source, named.grounds) == ("9", ())


def test_roles_without_currents():
    table = rows()
    none = np.full((120, 4), np.nan)
    recording = data.Recording(table[:, 0], table[:, 1::2], none, ("8", "9", "10", "17"))
    assert recording.roles().source == "8"
    assert recording.roles().dead == ("10", "17")
    with pytest.raises(ValueError, match="pad must be one of 8, 9, 10, 17, got '3'"):
        recording.roles(source="3")


def test_a_pad_that_was_lost_for_a_while_is_live():
    table = rows()
    table[20:60, 3] = np.nan
    recording = data.Recording(table[:, 0], table[:, 1::2], table[:, 2::2], ("8", "9", "10", "17"))
    assert recording.roles().live == ("9",)


def broken(change):
    lines = [HEAD, *(" ".join(map(str, row)) for row in rows(5).tolist())]
    return "\n".join(change(lines))


def cell(lines, row, column, text):
    cells = lines[row].split()
    cells[column] = text
    return [*lines[:row], " ".join(cells), *lines[row + 1 :]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:1], "has 1 lines, a head and rows were wanted"),
        (lambda x: [*x[:3], x[3].rsplit(" ", 1)[0]], "row 4: 8 cells, but the head names 9 columns"),
        (lambda x: cell(x, 2, 3, "0,5"), "row 3: '0,5' in column '9_V.V.' is no number"),
        (lambda x: cell(x, 2, 3, "inf"), "more than the 1000 V that are believed"),
        (lambda x: cell(x, 2, 1, "812000"), r"is the unit mV\? Put the head right"),
        (lambda x: cell(x, 2, 0, "nan"), "row 3: the time is missing"),
        (lambda x: [x[0], x[2], x[1]], "row 3: time goes back from"),
        (lambda x: [x[0], x[1], x[1]], "or stands still"),
        (lambda x: cell(x, 0, 1, "8_V"), "row 1: the column '8_V' has no unit"),
        (lambda x: cell(x, 0, 1, "8_V[kg]"), "unknown unit 'kg'"),
        (lambda x: cell(x, 0, 1, "8_I[V]"), "is no time, voltage or current of a pad"),
        (lambda x: cell(x, 0, 3, "8_V[V]"), "the column '8_V.V.' is there twice"),
        (lambda x: cell(x, 0, 0, "7_V[V]"), "has 0 columns of time"),
        (lambda x: cell(x, 0, 3, "7_V[V]"), "the voltage of pad 9 is missing"),
    ],
)
def test_bad_recordings(tmp_path, change, message):
    path = tmp_path / "bad.txt"
    path.write_text(broken(change))
    with pytest.raises(ValueError, match=message) as caught:
        data.read_recording(path)
    assert str(path) in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="does not exist or is no file"):
        data.read_recording(tmp_path / "none.txt")


def test_iv(tmp_path):
    path = tmp_path / "loop.csv"
    path.write_text("t[ms],Voltage (mV),Current [nA]\n0,0,0\n1,10,5\n3,20,\n")
    curve = data.read_iv(path)
    np.testing.assert_allclose(curve.time, [0, 1e-3, 3e-3])
    np.testing.assert_allclose(curve.voltage, [0, 0.01, 0.02])
    np.testing.assert_allclose(curve.current, [0, 5e-9, np.nan])


def test_the_table_that_numpy_writes(tmp_path):
    """With its head behind a #, U for the voltage, and notes above."""
    path, values = tmp_path / "loop.csv", np.array([[0.0, 0, 0], [1, 10, 5], [3, 20, np.nan]])
    np.savetxt(path, values, delimiter=",", header="bench 3\nt [ms],U [mV],I [nA]")
    curve = data.read_iv(path)
    np.testing.assert_allclose(curve.voltage, [0, 0.01, 0.02])
    np.testing.assert_allclose(curve.current, [0, 5e-9, np.nan])


def test_an_empty_cell_behind_the_last_tab(tmp_path):
    path = tmp_path / "loop.txt"
    path.write_text("t[s]\tV[V]\tI[A]\n0\t0.1\t1e-6\r\n1\t0.2\t\n2\t0.3\t3e-6\n")
    np.testing.assert_allclose(data.read_iv(path).current, [1e-6, np.nan, 3e-6])
    path.write_text("t[s]\tV[V]\tI[A]\t\n0\t0.1\t1e-6\t\n1\t0.2\t\t\n")  # a tab ends each line
    np.testing.assert_allclose(data.read_iv(path).current, [1e-6, np.nan])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V[mV],I[uA]\n0,0\n1,1\n", r"has no column of time: .* or give rate="),
        ("t[s],V[mV]\n0,0\n1,1\n", "has no column of current"),
        ("t[s],I[A]\n0,0\n1,1\n", "has no column of voltage"),
        ("t[s],V[V],bias[mV],I[A]\n0,0,0,0\n1,1,1,1\n", "'bias.mV.' is there twice"),
        ("t[s],V[V],I[A]\n0,0,0\n1,,1\n", "row 3: the voltage is missing"),
    ],
)
def test_bad_iv(tmp_path, text, message):
    path = tmp_path / "loop.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        data.read_iv(path)
    assert not path.read_text().startswith("V") or len(data.read_iv(path, rate=10.0).time) == 2


REAL = Path(os.environ.get("JAXNN_DATA") or "none") / "inrim"


@pytest.mark.skipif(not REAL.is_dir(), reason="the measured networks are not in the data folder")
@pytest.mark.parametrize(("name", "dead"), [("011", ("11", "20")), ("074", ("18", "20"))])
def test_the_measured_networks(name, dead):
    recording = data.read_recording(REAL / f"{name}_first70.txt")
    roles = recording.roles()
    assert len(recording) == 2100
    assert (roles.source, roles.grounds, roles.dead) == ("8", ("17",), dead)
    assert len(roles.live) == 12
