"""Networks under time series: against NumPy, in pieces, in batches, with gradients, by kinds of laws."""

import dataclasses as dc
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from jaxnn import reservoirs


EDGES = np.array([[0, 2], [2, 3], [3, 1], [2, 4], [4, 3], [0, 4], [4, 1]])
WIRES, DRIVEN, DRAIN = 5, (0, 2), (1,)
GAIN = np.array([[0.4, -0.2], [0.1, 0.3]])
SERIES = np.random.default_rng(0).uniform(-1, 1, (3, 12, 2))
BALANCE = jaxnn.parameters.milano2022_connectome()
RANDOM = jaxnn.MetastableSwitchJunction(switches=50)
# Newton's method takes 10 s to compile, a few times.
OF_CURRENTS = pytest.param(jaxnn.DynamicMemristorJunction(), marks=pytest.mark.slow, id="current")


def reservoir(law: Any = BALANCE, **numbers: Any):
    network = jaxnn.Network(WIRES, EDGES)
    given = {"electrodes": DRIVEN, "drains": DRAIN, "dt": 1e-4, "offset": [0.05, 0.0], "steps": 3}
    return reservoirs.NetworkReservoir(network, law, GAIN, **given | numbers)


def by_numpy(series):
    """Rate balance by its exact step, potentials by a dense solve, from the equations alone."""
    state, free, laplacian = np.zeros(len(EDGES)), [3, 4], np.zeros((WIRES, WIRES))
    incidence = np.zeros((len(EDGES), WIRES))
    incidence[np.arange(len(EDGES)), EDGES[:, 0]], incidence[np.arange(len(EDGES)), EDGES[:, 1]] = 1, -1
    features = []
    for sample in series:
        potential = np.zeros(WIRES)
        potential[list(DRIVEN)] = GAIN @ sample + [0.05, 0.0]
        for _ in range(3):
            conductance = 1e-3 * (1 - state) + 0.1 * state
            laplacian = incidence.T @ np.diag(conductance) @ incidence
            held = [0, 1, 2]
            right = -laplacian[np.ix_(free, held)] @ potential[held]
            potential[free] = np.linalg.solve(laplacian[np.ix_(free, free)], right)
            voltage = np.abs(incidence @ potential)
            up, down = 1e-4 * np.exp(10 * voltage), 0.5 * np.exp(-voltage)
            end = up / (up + down)
            state = end + (state - end) * np.exp(-(up + down) * 1e-4)
        current = (laplacian @ potential)[[*DRIVEN, *DRAIN]]
        features.append([*potential[free], *current])
    return np.array(features), state


def test_as_by_numpy():
    found = reservoir(currents=True).run(SERIES[0])
    features, state = by_numpy(SERIES[0])
    np.testing.assert_allclose(found.features, features, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.final_state, state, rtol=1e-9)
    assert found.final_step == 3 * len(SERIES[0])


def test_what_is_read():
    whole = reservoir().run(SERIES[0])
    chosen = reservoir(read=(4, 0)).run(SERIES[0])
    np.testing.assert_array_equal(chosen.features[:, 0], whole.features[:, 1])
    np.testing.assert_allclose(chosen.features[:, 1], SERIES[0] @ GAIN[0] + 0.05, rtol=1e-12)


@pytest.mark.parametrize("law", [pytest.param(RANDOM, id="random"), OF_CURRENTS])
def test_many_series_at_once_and_in_pieces(law):
    """As two pieces, of which the second goes on from the first; as one by one, each with its own key."""
    ours, key = reservoir(law, dt=1e-5), jr.key(3)
    whole = ours.run(SERIES, key=key)
    first = ours.run(SERIES[:, :6], key=key)
    onwards = {"state": first.final_state, "start_step": first.final_step, "key": key}
    second = ours.run(SERIES[:, 6:], **onwards)
    joined = jnp.concatenate([first.features, second.features], axis=1)
    # Newton's method ends when the last of a batch has converged.
    close: Any = {"rtol": 1e-7, "atol": 1e-10}
    np.testing.assert_allclose(joined, whole.features, **close)
    np.testing.assert_allclose(second.final_state, whole.final_state, **close)
    assert second.final_step == whole.final_step == 36
    for i, series in enumerate(SERIES):
        alone = ours.run(series[:6], key=jr.fold_in(key, i))
        np.testing.assert_allclose(first.features[i], alone.features, **close)


@pytest.mark.parametrize("law", [pytest.param(BALANCE, id="linear"), OF_CURRENTS])
def test_gradient(law):
    """Of what is read in the end with respect to gains, offset and a law's number."""
    name = "decay_rate" if law is BALANCE else "growth_rate"

    def loss(numbers):
        gain, offset, rate = numbers[:4].reshape(2, 2), numbers[4:6], numbers[6]
        own = dc.replace(law, **{name: rate})
        ours = dc.replace(reservoir(own, offset=offset), gain=gain)
        return jnp.sum(jnp.asarray([1.0, -2.0])[None] * ours.run(SERIES[0]).features)

    at = np.array([*GAIN.reshape(-1), 0.05, 0.01, float(getattr(law, name))])
    found = jax.grad(loss)(jnp.asarray(at))
    compiled = jax.jit(loss)
    for i in range(len(at)):
        step = 1e-5 * np.eye(len(at))[i]
        central = (compiled(at + step) - compiled(at - step)) / 2e-5
        np.testing.assert_allclose(found[i], central, rtol=1e-6, atol=1e-8)


def test_dtype_follows_the_series():
    found = reservoir().run(SERIES.astype(np.float32))
    assert found.features.dtype == found.final_state.dtype == jnp.float32
    np.testing.assert_allclose(found.features, reservoir().run(SERIES).features, rtol=1e-3, atol=1e-5)


def test_drawn():
    ours = reservoirs.NetworkReservoir.drawn(3, seed=1, wires=20, electrodes=4, drains=2)
    assert ours.gain.shape == (4, 3)
    assert ours.inputs == 3
    assert len({*ours.electrodes, *ours.drains}) == 6
    assert len(ours.read_wires) == ours.network.n_nodes - 6


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"electrodes": (0, 1)}, "terminals must be distinct"),
        ({"electrodes": ()}, "one at least"),
        ({"offset": [0.0, 0.0, 0.0]}, "offset of NetworkReservoir must be"),
        ({"read": (7,)}, "read of NetworkReservoir must be wires"),
        ({"dt": 0.0}, "dt of NetworkReservoir"),
        ({"steps": 0}, "steps of NetworkReservoir"),
        ({"electrodes": (0, 2, 3)}, "gain of NetworkReservoir must be"),
    ],
)
def test_bad_numbers(bad, message):
    with pytest.raises(ValueError, match=message):
        reservoir(**bad)


@pytest.mark.parametrize(
    ("series", "more", "message"),
    [
        (SERIES[..., :1], {}, "series must be"),
        (SERIES[0, 0], {}, "axes"),
        (np.full((4, 2), np.nan), {}, "finite"),
        (SERIES, {"state": np.zeros((2, 7))}, "state must be that of one series"),
        (SERIES[0], {"state": np.zeros(6)}, "state must have shape"),
    ],
)
def test_bad_series(series, more, message):
    with pytest.raises(ValueError, match=message):
        reservoir().run(series, **more)


def test_a_law_that_draws_needs_a_key():
    with pytest.raises(ValueError, match="needs a key"):
        reservoir(RANDOM).run(SERIES)
