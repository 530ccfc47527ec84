"""How often junctions leave the voltages that a law holds for."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network


NETWORK, TERMINALS, _ = small_network()
LAW = jaxnn.parameters.hochstetter2021_ac()


def run(limit=0.1, amplitude=0.5, network: Any = NETWORK, terminals: Any = TERMINALS, **options):
    record = {"beyond": jaxnn.analysis.VoltageRange(limit), "v": lambda step: step.junction_voltage}
    setup = {"terminals": terminals, "dt": 1e-3, "steps": 60} | options
    return jaxnn.simulate(network, LAW, jaxnn.Triangle(amplitude, 10.0), record=record, **setup).recorded


@pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
def test_it_counts_what_the_voltages_say():
    found = run()
    beyond, size = found["beyond"], np.abs(found["v"])
    assert (int(beyond.steps), int(beyond.steps_beyond)) == (60, np.sum((size > 0.1).any(1)))
    np.testing.assert_array_equal(beyond.steps_of_junction, (size > 0.1).sum(0))
    np.testing.assert_array_equal(beyond.largest_voltage, size.max(0))
    np.testing.assert_allclose(beyond.share, (size > 0.1).any(1).mean(), rtol=1e-6)
    assert 0 < beyond.share < 1


@pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
def test_each_network_of_an_ensemble_and_each_limit():
    networks, ends = zip(*[small_network(seed, 20)[:2] for seed in range(3)], strict=True)
    together = run(network=jaxnn.Ensemble(networks), terminals=ends)["beyond"]
    alone = [run(network=n, terminals=t)["beyond"] for n, t in zip(networks, ends, strict=True)]
    np.testing.assert_array_equal(together.steps_beyond, [x.steps_beyond for x in alone])
    each = np.concatenate([x.steps_of_junction for x in alone])
    np.testing.assert_array_equal(together.steps_of_junction, each)
    batch = jax.vmap(lambda limit: run(limit)["beyond"].steps_beyond)(jnp.array([0.05, 0.1, 0.3]))
    np.testing.assert_array_equal(batch, [run(x)["beyond"].steps_beyond for x in (0.05, 0.1, 0.3)])


def test_passive_junctions_do_not_count():
    network = jaxnn.Network(3, [(0, 1), (1, 2)], passive=[True, False], passive_conductance=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(network=network, terminals=(0, 2))["beyond"].share == 0


def test_where_it_matters_there_is_a_warning():
    with pytest.warns(jaxnn.NumericalWarning, match=r"in .* % of the steps some junction was beyond 0.1 V"):
        run(network=line(2), terminals=(0, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(limit=0.6, network=line(2), terminals=(0, 2))
        # Nothing has a value within a transformation.
        found = jax.jit(lambda a: run(0.1, a, network=line(2), terminals=(0, 2))["beyond"])(0.5)
    with pytest.warns(jaxnn.NumericalWarning, match="outside of the voltages"):
        found.check()


def test_the_range_of_a_law():
    assert jaxnn.analysis.VoltageRange.of(LAW).limit == 0.405
    with pytest.raises(ValueError, match=r"law must be a jaxnn.TunnelJunction"):
        jaxnn.analysis.VoltageRange.of(jaxnn.BinaryJunction())  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"limit must be"):
        jaxnn.analysis.VoltageRange(0.0)
