"""Files of networks, and the storage under them."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import os

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from jaxnn._core.storage import load_arrays, save_arrays


def bridge(**kwargs):
    """Wheatstone's bridge, with edges neither sorted nor all pointing up."""
    return jaxnn.Network(4, [(2, 0), (0, 1), (3, 1), (2, 3), (1, 2)], **kwargs)


def ladder():
    """Four wires above one another, at the corners and thirds of a square of 3 m."""
    return jaxnn.Network(4, [(0, 1), (2, 1), (2, 3)], [(1, 0), (1, 1), (2, 2), (0, 3)])


def pads_of_float32():
    return ladder().with_pads(0.4, jnp.float32(0.1))


@pytest.mark.parametrize(
    "make",
    [bridge, ladder, pads_of_float32, lambda: jaxnn.nanowire_network(100, 30e-6).with_pads(0.05)],
)
def test_save_and_load(make, tmp_path):
    network = make()
    path = tmp_path / "network"
    network.save(path)
    network.save(str(path))
    loaded = jaxnn.Network.load(path)
    assert loaded.topology == network.topology
    assert loaded.passive_conductance.dtype == network.passive_conductance.dtype
    assert type(loaded.passive_conductance) is type(network.passive_conductance)
    np.testing.assert_array_equal(loaded.passive_conductance, network.passive_conductance)
    assert os.listdir(tmp_path) == ["network"]


@pytest.mark.parametrize("plain", [True, False])
def test_files_of_the_first_version(plain, tmp_path):
    """They say whether the passive conductances were plain numbers, of any dtype."""
    arrays = {
        "n_nodes": np.array(2),
        "edges": np.array([[0, 1]]),
        "passive": np.array([True]),
        "passive_conductance": np.array([0.5], np.float32),
        "passive_weak_type": np.array(plain),
    }
    save_arrays(tmp_path / "network", "Network", arrays)
    loaded = jaxnn.Network.load(tmp_path / "network").passive_conductance
    assert loaded.tolist() == [0.5]
    assert isinstance(loaded, np.ndarray) == plain
    assert loaded.dtype == (np.float64 if plain else np.float32)


def test_load_says_what_is_wrong(tmp_path):
    path = tmp_path / "network.npz"
    load = jaxnn.Network.load
    with pytest.raises(FileNotFoundError, match=r"no file .*network\.npz to load a Network"):
        load(path)
    for content in (b"", b"not an archive", b"PK\x03\x04" + b"x" * 50):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged or is not a file saved by jaxnn"):
            load(path)
    bridge().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged or is not"):
        load(path)
    middle = len(whole) // 4
    path.write_bytes(whole[:middle] + bytes(b ^ 255 for b in whole[middle : 2 * middle]))
    with pytest.raises(ValueError, match="damaged or is not"):
        load(path)
    np.savez(path, edges=np.zeros((1, 2), int))
    with pytest.raises(ValueError, match=r"was not saved by jaxnn: it holds \['edges'\]"):
        load(path)
    np.savez(path, jaxnn_kind=np.array("Network"), jaxnn_version=np.array(99))
    with pytest.raises(ValueError, match=r"has format version 99.*update jaxnn"):
        load(path)
    save_arrays(path, "Solution", {"time": np.zeros(3)})
    with pytest.raises(ValueError, match=r"holds a Solution, not a Network.*Solution\.load"):
        load(path)
    save_arrays(path, "Network", {"n_nodes": np.array(3)})
    with pytest.raises(ValueError, match=r"damaged: it lacks \['edges'"):
        load(path)


def test_storage_keeps_arrays_and_never_half_a_file(tmp_path):
    path = tmp_path / "arrays.npz"
    arrays = {
        "x": np.arange(3, dtype=np.float32),
        "name": np.array("silver"),
        "e": np.zeros((0, 2)),
    }
    save_arrays(path, "Thing", arrays)
    loaded = load_arrays(path, "Thing", required=("x",))
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="`bad` holds Python objects"):
        save_arrays(path, "Thing", {"bad": np.array([object()])})
    with pytest.raises(ValueError, match=r"`bad` is of bfloat16, .*convert it to float32"):
        save_arrays(path, "Thing", {"bad": np.asarray(jnp.ones(2, jnp.bfloat16))})
    assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError):
        save_arrays(tmp_path / "absent" / "x.npz", "Thing", arrays)
    assert os.listdir(tmp_path) == ["arrays.npz"]
