"""Events counted on the way are those found in the recorded conductances, rule by rule."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network
from jaxnn import analysis


DT = 1e-3
STEPS = 3000


def crossings(conductance, level):
    """Rule one, in plain NumPy: steps at which a junction is on another side than a step before."""
    above = conductance >= level
    return np.concatenate([[0], (above[1:] != above[:-1]).sum(axis=1)])


def peaks(conductance, threshold):
    """Rule two, in plain Python, a junction at a time."""
    counts = np.zeros(len(conductance), int)
    for g in conductance.T:
        x = np.append(np.abs(np.diff(g)) / (g[:-1] * DT), 0)
        run = []
        for k, fast in enumerate(x > threshold):
            if fast:
                run.append(k)
            elif run:
                counts[max(run, key=lambda i: x[i])] += 1
                run = []
    return counts


@pytest.fixture(scope="module")
def setting():
    """Two networks with pads, just above their thresholds."""
    networks = [
        jaxnn.nanowire_network(14, box=13e-6, seed=5).with_pads(0.3),
        jaxnn.nanowire_network(14, box=13e-6, seed=11).with_pads(0.3),
    ]
    terminals = [(n.n_nodes - 2, n.n_nodes - 1) for n in networks]
    lengths = [n.path_length(*t) for n, t in zip(networks, terminals, strict=True)]
    drive = jaxnn.Constant(1.5e-2 * jnp.asarray(lengths, float)[:, None])
    ensemble = jaxnn.Ensemble(networks)
    run: Any = {"terminals": terminals, "dt": DT, "steps": STEPS}
    junction = jaxnn.TunnelJunction()
    recorded = jaxnn.simulate(ensemble, junction, drive, record=("junction_conductance",), **run)
    return ensemble, junction, drive, run, recorded


def recorded_of(setting, i):
    """Conductances of the active junctions of one network."""
    ensemble, recorded = setting[0], setting[-1]
    active = ~ensemble.network.passive[ensemble.junction_slice(i)]
    return np.asarray(recorded.junction_conductance)[:, ensemble.junction_slice(i)][:, active]


@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        (analysis.Crossing(1.1 * 7.77e-8), lambda g: crossings(g, 1.1 * 7.77e-8)),
        (analysis.RelativeRate(1e-3), lambda g: peaks(g, 1e-3)),
    ],
    ids=["crossing", "rate"],
)
def test_counted_on_the_way_and_afterwards(setting, rule, plain):
    ensemble, junction, drive, run, recorded = setting
    found = analysis.count_events(ensemble, junction, drive, rule=rule, **run, margins=(0, 0))
    assert found.counts.shape == (STEPS, 2)
    for i in range(2):
        expected = plain(recorded_of(setting, i))
        assert expected.sum() > 3
        np.testing.assert_array_equal(found.counts[:, i], expected)
        np.testing.assert_array_equal(analysis.events_in(recorded_of(setting, i), rule, DT), expected)
    # The run itself is that of `simulate`.
    np.testing.assert_allclose(found.conductance, recorded.conductance, rtol=1e-12)
    np.testing.assert_allclose(found.final_state, recorded.final_state, atol=1e-15)


def test_margins_and_batches():
    """A batch over drives and levels is a loop over them; the margins hold no events."""
    network, terminals, path = small_network(n_wires=12)

    def count(voltage, level, margins=(1, 2)):
        return analysis.count_events(
            network,
            jaxnn.TunnelJunction(),
            jaxnn.Constant(voltage),
            rule=analysis.Crossing(level),
            terminals=terminals,
            dt=DT,
            steps=1500,
            margins=margins,
        ).counts

    voltages, levels = 1e-2 * path * jnp.array([0.5, 2.0, 4.0]), 7.77e-8 * jnp.array([1.1, 2.0, 1.1])
    batch = np.asarray(jax.vmap(count)(voltages, levels))
    for i in range(3):
        np.testing.assert_array_equal(batch[i], count(voltages[i], levels[i]))
    assert batch[0].sum() == 0 < batch[1].sum()
    first = int(np.flatnonzero(batch[2])[0])
    cut = np.asarray(count(voltages[2], levels[2], (first + 1, 2)))
    assert cut[: first + 1].sum() == 0
    assert cut.sum() == batch[2].sum() - batch[2, first]


def test_events_of_one_junction():
    """A junction alone at 20 mV grows by 1e-5 V s per step: it crosses its level once, when expected."""
    rule = analysis.Crossing.of(jaxnn.TunnelJunction())
    found = analysis.count_events(
        line(1),
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.02),
        rule=rule,
        terminals=(0, 1),
        dt=DT,
        steps=1200,
    )
    flux = np.arange(1200) * 1e-5  # before each step
    above = jaxnn.TunnelJunction().conductance(jnp.asarray(flux)) >= rule.level
    assert np.flatnonzero(found.counts).tolist() == [int(np.argmax(above))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "crossing"}, "AbstractEventRule"),
        ({"margins": (600, 600)}, "margins"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_bad_input(change, message):
    usual = {"rule": analysis.RelativeRate(), "terminals": (0, 1), "dt": DT, "steps": 1200}
    arguments: Any = usual | change
    with pytest.raises(ValueError, match=message):
        analysis.count_events(line(1), jaxnn.TunnelJunction(), jaxnn.Constant(0.02), **arguments)


def test_rules_check_their_numbers():
    with pytest.raises(ValueError, match="level of Crossing"):
        analysis.Crossing(0.0)
    with pytest.raises(ValueError, match="threshold of RelativeRate"):
        analysis.RelativeRate(-1.0)


def test_events_of_a_measured_trace():
    """A jump of 1e-7 S, one of 10 %, and noise below both thresholds."""
    trace = np.full(60, 1e-6)
    trace[20:] += 1e-6  # twice the conductance: above both
    trace[40:] += 1.1e-7  # 5.5 %: half of it per sample is above 5e-8 S and below 3 %
    trace[50:] += 1e-8
    events = analysis.trace_events(trace)
    # Of equal changes in one run the first counts: the jump is between 19 and 20, and so is its middle;
    # relative to the conductance of its own sample, the change is larger at 19.
    assert np.flatnonzero(events).tolist() == [19, 39]
