"""A network as a node of reservoirpy: alone, linked to a read-out, and within a loop."""

import sys

import numpy as np
import pytest

import jaxnn


pytest.importorskip("reservoirpy")

from reservoirpy.nodes import Ridge


RESERVOIR = jaxnn.reservoirs.NetworkReservoir.drawn(1, seed=0, wires=14)
SERIES = np.random.default_rng(0).uniform(-1, 1, (40, 1))


def node(**options):
    return jaxnn.reservoirs.reservoirpy_node(RESERVOIR, **options)


def test_series_and_steps_as_of_the_reservoir():
    one = node()
    features = RESERVOIR.run(SERIES).features
    np.testing.assert_allclose(one.run(SERIES[:30]), features[:30], rtol=1e-9)
    np.testing.assert_allclose([one.step(x) for x in SERIES[30:]], features[30:], rtol=1e-9)
    assert one.state["step"] == 40
    one.reset()
    np.testing.assert_allclose(one.run(SERIES[:30]), features[:30], rtol=1e-9)


def test_linked_to_a_read_out():
    """Whose weights are those of ridge regression."""
    model = node() >> Ridge(ridge=1e-6)
    target = 2 * SERIES
    predicted = model.fit(SERIES, target, warmup=5).run(SERIES)
    assert np.sqrt(np.mean((predicted[5:] - target[5:]) ** 2)) < 0.1 * target.std()


def test_of_another_size():
    with pytest.raises(ValueError, match="input_dim"):
        node().initialize(np.zeros((3, 2)))


def test_the_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "jaxnn.reservoirs._reservoirpy", raising=False)
    monkeypatch.setitem(sys.modules, "reservoirpy.node", None)
    with pytest.raises(ImportError, match='its extra "tasks"'):
        node()
