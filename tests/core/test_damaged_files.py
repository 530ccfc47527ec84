"""Saved files altered at random and by design: they load as they were, or a `ValueError` names them."""

import io
import json
import random
import tracemalloc
import zipfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxnn
from helpers import assert_same
from jaxnn._core import room as _room
from jaxnn._core.storage import load_arrays, read_arrays, save_arrays


LINE = jaxnn.Network(3, [(0, 1), (1, 2)], passive=[False, True], passive_conductance=[1e-2])
STEPS: Any = {"optimiser": optax.adam(0.1), "progress": False}


def save_solution(path):
    last = lambda step: step.terminal_current
    jaxnn.simulate(
        LINE,
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.1),
        terminals=(0, 2),
        dt=1e-3,
        steps=5,
        record=("node_potential", "cut_off", last),
    ).save(path)


def optimise(path):
    return jaxnn.optimise(lambda x: jnp.sum(x**2), jnp.arange(3.0), steps=4, checkpoint=path, **STEPS)


# What saves each kind, and what loads it.
KINDS = {
    "network": (LINE.save, jaxnn.Network.load),
    "solution": (save_solution, jaxnn.Solution.load),
    "checkpoint": (optimise, optimise),
    "heartbeats": (
        lambda path: np.savez(path, asked=np.arange(3), beats=np.zeros((2, 187), np.float32)),
        lambda path: read_arrays(path, ("asked", "beats"), "Delete it"),
    ),
}


def altered(data: bytes, draws: random.Random) -> bytes:
    """Bits turned round, bytes overwritten, cut off, put in, or a part twice."""
    place, size = draws.randrange(len(data)), draws.randrange(1, 20)
    some = bytes(draws.randrange(256) for _ in range(size))
    return draws.choice(
        (
            data[:place] + bytes([data[place] ^ 1 << draws.randrange(8)]) + data[place + 1 :],
            data[:place] + some + data[place + size :],
            data[:place],
            data[:place] + some + data[place:],
            data[:place] + data[draws.randrange(len(data)) :],
        )
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file of each kind."""
    folder = tmp_path_factory.mktemp("saved")
    for kind, (save, _) in KINDS.items():
        save(folder / f"{kind}.npz")
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [40, pytest.param(5000, marks=pytest.mark.slow)])
def test_altered_at_random(saved, tmp_path, kind, count):
    load, path, draws = KINDS[kind][1], tmp_path / "altered.npz", random.Random(count)
    data = (saved / f"{kind}.npz").read_bytes()
    whole = load(saved / f"{kind}.npz")
    tally = {"refused": 0, "right": 0}
    # An optimisation that goes on takes a tenth of a second.
    for _ in range(max(20, count // 10) if kind == "checkpoint" else count):
        path.write_bytes(altered(data, draws))
        try:
            found = load(path)
        except ValueError as error:
            tally["refused" if str(path) in str(error) else str(error)] += 1
        else:
            assert_same(found, whole)
            tally["right"] += 1
    assert tally["refused"] > tally["right"]
    print(kind, tally)


def test_bombs(tmp_path, monkeypatch):
    """What is not known is not read, and what is too large is refused with an estimate."""
    path = tmp_path / "bomb.npz"
    header = io.BytesIO()
    shape = (2**28,)
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    LINE.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("surprise.npy", "w") as member:
            member.write(header.getvalue())
            for _ in range(2**8):
                member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    message = r"bomb.npz: no network has the arrays \['surprise'\]"
    with pytest.raises(ValueError, match=message):
        jaxnn.Network.load(path)
    monkeypatch.setattr(_room, "free_memory", lambda: 2**28)
    message = r"The arrays in .*bomb.npz would take 256 MiB, more than the 128 MiB that are half"
    with pytest.raises(ValueError, match=message):
        load_arrays(path, "Network")
    with pytest.raises(ValueError, match=message):
        read_arrays(path, ["surprise"], "")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"bomb.npz is damaged or is not .*not as large as its shape"):
        load_arrays(path, "Network")


def member(data: bytes = b"", **header) -> bytes:
    """An array in NumPy's format, its header as it is given."""
    text = header.pop("text", None) or repr(
        {"descr": "<f8", "fortran_order": False, "shape": (1,)} | header
    )
    text = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (member(bytes(8), descr="|O"), zipfile.ZIP_STORED),
        (member(bytes(8), descr=[("a", "<f8")]), zipfile.ZIP_STORED),
        (member(bytes(8), descr="<M8[s]"), zipfile.ZIP_STORED),
        (member(bytes(8), shape=(10**30,)), zipfile.ZIP_STORED),
        (member(bytes(8), shape=(-1,)), zipfile.ZIP_STORED),
        (member(bytes(8), shape=(0, 10**30)), zipfile.ZIP_STORED),
        (member(bytes(8), shape=(2,)), zipfile.ZIP_STORED),
        (member(bytes(8), text="{'descr': '<f8', 'shape': (1"), zipfile.ZIP_STORED),
        (member(bytes(8), text="(" * 100), zipfile.ZIP_STORED),
        (member(bytes(8), text="\\"), zipfile.ZIP_STORED),
        (member(bytes(8), text="{'descr': '<f8'}\f\0"), zipfile.ZIP_STORED),
        (b"\x93NUMPY\3\0" + bytes(20), zipfile.ZIP_STORED),
        (b"nothing", zipfile.ZIP_STORED),
        (member(bytes(8)), zipfile.ZIP_LZMA),
        (member(bytes(8)), zipfile.ZIP_BZIP2),
    ],
)
def test_members_that_jaxnn_does_not_write(tmp_path, content, compression):
    path = tmp_path / "network.npz"
    LINE.save(path)
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr("positions.npy", content)
    with pytest.raises(ValueError, match=r"network.npz is damaged or is not a file saved by jaxnn \(.+\)"):
        jaxnn.Network.load(path)


def change(path, kind, changes):
    """The file with some arrays replaced, taken out or added."""
    arrays = load_arrays(path, kind) | changes
    save_arrays(path, kind, {name: value for name, value in arrays.items() if value is not None})


@pytest.mark.parametrize(
    "changes",
    [
        {"n_nodes": np.arange(3)},
        {"n_nodes": np.array("x")},
        {"n_nodes": np.array(-1)},
        {"edges": np.zeros((2, 2), int)},
        {"edges": np.array([[0.5, 1], [1, 2]])},
        {"passive": np.zeros(5, bool)},
        {"passive_conductance": np.array(["a"])},
        {"passive_conductance": np.array(1e-3)},
        {"passive_conductance": np.array([-1.0])},
        {"positions": np.full((3, 2), np.nan)},
        {"wires": np.zeros(7, int)},
        {"edges": None},
        {"pickle": np.zeros(1)},
    ],
)
def test_networks_that_cannot_be(tmp_path, changes):
    path = tmp_path / "network.npz"
    LINE.save(path)
    change(path, "Network", changes)
    with pytest.raises(ValueError, match=r"network.npz"):
        jaxnn.Network.load(path)


LAW = "setup.law."


@pytest.mark.parametrize(
    "changes",
    [
        {"conductance": None},
        {"conductance": np.zeros(4)},
        {"conductance": np.zeros(5, int)},
        {"time": np.array(1.0)},
        {"drive": np.zeros((5, 3))},
        {"final_step": np.array(5.0)},
        {"final_step": np.array(2**40)},
        {"final_state": np.zeros(7)},
        {"node_potential": np.zeros((5, 4))},
        {"cut_off": np.zeros((5, 1))},
        {"failed_step": np.zeros(2, int)},
        {"surprise": np.zeros(2)},
        {"setup.dt": None},
        {"setup.dt": np.array("a")},
        {"setup.node_offsets": np.arange(2)},
        {"setup.network.edges": None},
        {"setup.network.edges": np.array([[0, 9], [1, 2]])},
        {"setup.network.surprise": np.zeros(2)},
        {LAW: np.array("no JSON")},
        {LAW: np.array("[" * 100_000)},
        {LAW: np.array("3")},
        {LAW: np.array(json.dumps({"law": "os.system", "fields": {}}))},
        {LAW: np.array(json.dumps({"law": "Resistor", "fields": {}}))},
        {LAW: np.array(json.dumps({"law": "Resistor", "fields": {"conductance_value": {"plain": True}}}))},
    ],
)
def test_solutions_that_cannot_be(saved, tmp_path, changes):
    path = tmp_path / "run.npz"
    path.write_bytes((saved / "solution.npz").read_bytes())
    change(path, "solution", changes)
    with jax.enable_x64(False), pytest.raises(ValueError, match=r"run.npz"):
        jaxnn.Solution.load(path)


def test_paths(tmp_path):
    for load in (jaxnn.Network.load, jaxnn.Solution.load):
        wrong: list[Any] = [None, 3, b"x"]
        for path in wrong:
            with pytest.raises(ValueError, match="path must be a path, as text"):
                load(path)
        with pytest.raises(FileNotFoundError, match="There is no file"):
            load(tmp_path)
    table = tmp_path / "wires.csv"
    table.write_text("x0,y0,x1,y1\n0,0,1,1\n")
    with pytest.raises(ValueError, match=r"not a file saved by jaxnn .* by jaxnn\.read_network"):
        jaxnn.Network.load(table)
