"""What holds of every sweep: its chunks, its order and an interruption are not seen in its results."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from helpers import run_worker
from jaxnn._sweep.store import Store
from sweep_example import RESULTS, Example


pytest.importorskip("xarray")
pytest.importorskip("zarr")

# Whether the step is small enough for the law is not what is asked.
pytestmark = pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
HOW = {"deadline": None, "derandomize": True, "phases": [Phase.generate]}
HOW |= {"suppress_health_check": list(HealthCheck)}


def assert_same_bits(one: Any, other: Any) -> None:
    assert one.sizes == other.sizes
    for name in RESULTS:
        np.testing.assert_array_equal(one[name].values, other[name].values, err_msg=name)


def assert_close(one: Any, other: Any) -> None:
    """The same endings; numbers to what twenty steps make of the roundings of loops of other widths."""
    for name in RESULTS:
        found, expected = (np.asarray(x[name], float) for x in (one, other))
        exact = name in ("diagnosis", "failed_step")
        np.testing.assert_allclose(found, expected, rtol=0 if exact else 1e-9, err_msg=name)


def interrupted(example: Example, folder: Path, points: int) -> Any:
    """A sweep that is broken off after its first chunk, and called again."""
    written, write = [], Store.write_chunk

    def until(self, *arguments, **keywords):
        if written:
            raise KeyboardInterrupt
        written.append(None)
        return write(self, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "write_chunk", until)
        with pytest.raises(KeyboardInterrupt):
            example.run(folder, points=points)
    return example.run(folder, points=points)


def check(seed: int) -> None:
    example, rng = Example(seed), np.random.default_rng(seed)
    points = int(rng.integers(1, example.combinations))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = example.run(folder / "whole").load()
        chunks = example.run(folder / "chunks", points=points)
        assert_close(chunks, whole)
        assert_same_bits(interrupted(example, folder / "again", points), chunks)

        # Other orders of the values, and of the axes: the same runs at other places.
        axes = {path: rng.permutation(values) for path, values in reversed(example.axes.items())}
        # Random numbers follow the place of a network, see `jaxnn.sweep`.
        if "network.seed" in axes:
            axes["network.seed"] = example.axes["network.seed"]
        other = example.run(folder / "order", axes)
        assert_close(other.reindex_like(whole).transpose(*whole.dims), whole)


@pytest.mark.parametrize("seed", [1, 4])
def test_a_sweep(seed):
    check(seed)


@pytest.mark.slow
@settings(max_examples=40, **HOW)
@given(seed=st.integers(0, 2**31))
def test_many_sweeps(seed):
    check(seed)


@pytest.mark.slow
def test_devices_share_it():
    """One, three and eight."""
    seeds = [str(seed) for seed in np.random.default_rng(0).integers(0, 2**31, 6)]
    of = lambda n: map(json.loads, run_worker("sweep_example.py", *seeds, devices=n).splitlines())
    for one, three, eight in zip(of(1), of(3), of(8), strict=True):
        assert_close(three, one)
        assert_close(eight, one)
