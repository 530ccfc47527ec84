"""Networks of an ensemble or a sweep draw what each draws alone, whichever others they run with."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from helpers import assert_same, line
from jaxnn._sweep.store import Store


# Noise moves states far in a step on purpose here.
pytestmark = pytest.mark.filterwarnings("ignore:.*a step moved a state:jaxnn.NumericalWarning")
KEY = jr.key(7)
NETWORKS = [jaxnn.Network(4, [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)]), line(3), line(7), line(2)]
TOGETHER = jaxnn.Ensemble(NETWORKS)
ENDS = [(0, network.n_nodes - 1) for network in NETWORKS]
SHAKEN = jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(jaxnn.TunnelJunction(), 0.1), 2e-3)
RANDOM = jaxnn.OrnsteinUhlenbeckJunction(noise=0.3, jump_rate=20.0)


class Rows(jaxnn.AbstractJunction):
    """Draws in several rows, and with keys of its own."""

    def init_state(self, n_junctions):
        return jnp.zeros((2, 3, n_junctions))

    def conductance(self, state):
        return 1e-3 + 0 * state[0, 0]

    def update(self, state, voltage, dt, *, key):  # pyright: ignore[reportIncompatibleMethodOverride]
        first, second = jr.split(jr.fold_in(key, 5))
        return jnp.where(jr.bernoulli(second, 0.5, voltage.shape), 1, jr.normal(first, state.shape))

    def critical_state(self):
        return jnp.inf


class Common(Rows):
    """One number for all junctions."""

    def update(self, state, voltage, dt, *, key):
        return state + jr.normal(key, (), state.dtype)


def run(law, network: Any = TOGETHER, terminals: Any = ENDS, key: Any = KEY, **changes):
    setup = {"terminals": terminals, "dt": 5e-3, "steps": 12, "record": "state"} | changes
    return jaxnn.simulate(network, law, jaxnn.Sine(0.3, 5.0), key=key, **setup)


def laws(name):
    """A law for all networks, and those of each alone."""
    if name != "mixed":
        law = {"noise": SHAKEN, "jumps": RANDOM, "rows": Rows()}[name]
        return law, 4 * [law]
    # All three laws, the last alone, the first and the second, the first and the last.
    own = [np.array(x) for x in ([0, 1, 2, 0, 2], [2, 2, 2], [0, 1, 1, 0, 1, 0, 0], [2, 0])]
    mixed = lambda numbers: jaxnn.MixedJunction([SHAKEN, jaxnn.Resistor(1e-3), RANDOM], numbers)
    return mixed(np.concatenate(own)), list(map(mixed, own))


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, "threefry2x32") for name in ("noise", "jumps", "rows", "mixed")] + [("mixed", "rbg")],
)
def test_a_network_of_an_ensemble_draws_what_it_draws_alone(name, kind):
    law, alone = laws(name)
    key = jr.key(3, impl=kind)
    out = run(law, key=key)
    for i, network in enumerate(NETWORKS):
        one = run(alone[i], network, ENDS[i], key=jr.fold_in(key, i))
        # Potentials differ in rounding; other numbers would differ in the first digit.
        found = TOGETHER.split_junctions(out.state)[i]
        np.testing.assert_allclose(found, one.state, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(out.conductance[:, i], one.conductance, rtol=1e-9)


def test_its_numbers_are_the_same_bits():
    """Where no potential comes in, in both precisions."""
    for dtype in (jnp.float32, jnp.float64):
        law = jaxnn.WithLangevinNoise(jaxnn.Resistor(jnp.asarray(1e-3, dtype)), 0.2)
        out = run(law)
        for i, network in enumerate(NETWORKS):
            one = run(law, network, ENDS[i], key=jr.fold_in(KEY, i))
            assert_same(TOGETHER.split_junctions(out.state)[i], one.state)


def test_junctions_drawn_for_an_ensemble_are_those_drawn_for_its_networks():
    drawn = lambda key, n: jaxnn.draw_junctions(jaxnn.TunnelJunction(), key, n, boost=0.2).boost
    whole = drawn(KEY, np.diff(TOGETHER.junction_offsets))
    for i, network in enumerate(NETWORKS):
        alone = drawn(jr.fold_in(KEY, i), network.n_junctions)
        np.testing.assert_array_equal(TOGETHER.split_junctions(whole)[i], alone)
    with pytest.raises(ValueError, match="n_junctions must be whole numbers"):
        drawn(KEY, [3, 2.5])


def test_keys_may_be_given_one_by_one_and_runs_cut():
    own = jax.vmap(jr.fold_in, (None, 0))(KEY, jnp.arange(4))
    whole = run(SHAKEN)
    assert_same(run(SHAKEN, key=own).state, whole.state)
    assert_same(run(SHAKEN, key=jr.key_data(own)).state, whole.state)
    first = run(SHAKEN, steps=5)
    rest = run(SHAKEN, steps=7, state=first.final_state, start_step=first.final_step)
    assert_same(jnp.concatenate([first.state, rest.state]), whole.state)
    batch = jax.vmap(lambda key: run(SHAKEN, key=key).state)(jr.split(KEY, 2))
    np.testing.assert_allclose(batch[1], run(SHAKEN, key=jr.split(KEY)[1]).state, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match=r"one random key, or one for each of 4 networks, got \(3,\)"):
        run(SHAKEN, key=own[:3])


def test_the_way_back_sees_the_same_numbers():
    loss = lambda amount: jnp.log(run(jaxnn.WithReadNoise(SHAKEN.junction, amount)).conductance).sum()
    expected = (loss(0.1 + 1e-5) - loss(0.1 - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(loss)(0.1), expected, rtol=1e-6)


def test_what_networks_cannot_draw_by_themselves_is_refused():
    assert run(Common(), NETWORKS[0], ENDS[0]).state.shape == (12, 2, 3, 5)
    with pytest.raises(ValueError, match=r"must end in the number of junctions, 17; got \(\)"):
        run(Common())


def test_runs_of_a_sweep_draw_the_same_numbers_whatever_they_run_with(tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    law = jaxnn.WithLangevinNoise(jaxnn.Resistor(1e-3), 0.2)
    kept = {"largest": lambda run: jnp.nanmax(run.final_state), "first": lambda run: run.final_state[0]}

    def swept(name, **more):
        setup = {"dt": 5e-3, "steps": 12, "key": KEY, "terminals": (0, 2), "progress": False}
        over = {"network.number": range(4), "drive.amplitude": [0.1, 0.2, 0.3]}
        made = lambda number: NETWORKS[number]
        return jaxnn.sweep(
            made, law, jaxnn.Sine(0.3, 5.0), over=over, out=tmp_path / name, reduce=kept, **(setup | more)
        )

    wanted = swept("all")
    for networks, points in ((1, 1), (3, 2)):
        found = swept(f"{networks}-{points}", networks_at_once=networks, points=points)
        for name in kept:
            np.testing.assert_array_equal(found[name].values, wanted[name].values)
    # Cut off after the first chunk, and gone on with.
    write, written = Store.write_chunk, []

    def write_one(*arguments):
        if written:
            raise KeyboardInterrupt
        written.append(write(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_chunk", write_one)
        with pytest.raises(KeyboardInterrupt):
            swept("cut", networks_at_once=3, points=2)
    np.testing.assert_array_equal(swept("cut").largest.values, wanted.largest.values)
    for i, network in enumerate(NETWORKS):
        alone = run(law, network, (0, 2), key=jr.fold_in(KEY, i)).final_state
        np.testing.assert_array_equal(wanted.largest.values[i], np.full(3, alone.max()))
