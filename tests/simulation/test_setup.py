"""A saved run is read alone: its network, law, terminals and time step come back with it."""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line
from jaxnn import analysis
from jaxnn._core.storage import load_arrays, save_arrays
from jaxnn._junctions.saved_law import LAWS, law_arrays, law_from


WIRES = [[(-5, 0), (25, 0)], [(0, -5), (0, 5)], [(10, -5), (10, 5)], [(20, -5), (20, 5)]]
PADDED = jaxnn.Network(
    4,
    [(0, 1), (2, 0), (0, 3)],
    np.mean(WIRES, axis=1) * 1e-6,
    wire_ends=np.array(WIRES) * 1e-6,
    passive=[False, False, True],
    passive_conductance=0.1,
    wires=[3, 5, 6, 9],
)
LAW = jaxnn.TunnelJunction(set_voltage=jnp.array([0.01, 0.011, 0.012]), one_sided_reset=True)
DRIVE = jaxnn.Constant(0.2)
NO_NETWORK: Any = [True]
RUN: dict[str, Any] = {"dt": 1e-3, "steps": 4, "record": ("junction_conductance", "junction_voltage")}


def run(network: Any = PADDED, law: Any = LAW, terminals: Any = (2, 3), drive: Any = DRIVE, **changes: Any):
    return jaxnn.simulate(network, law, drive, terminals=terminals, **(RUN | changes))


class Gated(jaxnn.AbstractJunction):
    """A law of a user, with a number, an array, a function and a word in it."""

    conductance_on: jax.Array
    share: Any
    shape: Any
    kind: str = eqx.field(static=True, default="soft")

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return self.conductance_on * (1 + self.share * self.shape(state))

    def update(self, state, voltage, dt):
        return state + dt * voltage

    def critical_state(self):
        return jnp.inf


@pytest.fixture(scope="module")
def padded_run():
    return run()


def same(one, other):
    return bool(eqx.tree_equal(one, other))


EXAMPLES = {
    "TunnelJunction": LAW,
    "BinaryJunction": jaxnn.BinaryJunction(compensated=True, boost=jnp.float32(3.0)),
    "Resistor": jaxnn.Resistor([1e-3, 2e-3, 3e-3]),
    "SmoothJunction": jaxnn.SmoothJunction(jaxnn.BinaryJunction(), sharpness=7.0),
    "StraightThrough": jaxnn.StraightThrough(jaxnn.SmoothJunction(jaxnn.TunnelJunction(), 5.0)),
    "OrnsteinUhlenbeckJunction": jaxnn.OrnsteinUhlenbeckJunction(noise=[0.1, 0.2]),
    "RateBalanceJunction": jaxnn.parameters.milano2022_connectome(as_published=True),
    "LinearDriftJunction": jaxnn.parameters.strukov2008(jaxnn.BiolekWindow(2)),
    "DecayingDriftJunction": jaxnn.DecayingDriftJunction(window=jaxnn.JoglekarWindow([1, 2.0, 3])),
    "VteamJunction": jaxnn.VteamJunction(exponential=True, start=[0.1, 0.2, 0.3]),
    "YakopcicJunction": jaxnn.YakopcicJunction(curvature=jnp.float32(0.1)),
    "MetastableSwitchJunction": jaxnn.MetastableSwitchJunction(switches=100),
    "VolatileFilamentJunction": jaxnn.VolatileFilamentJunction(threshold_voltage=[0.1, 0.2, 0.3]),
    "DynamicMemristorJunction": jaxnn.DynamicMemristorJunction(decay_time=0.1),
    "SimmonsJunction": jaxnn.SimmonsJunction(LAW, width=0.2),
    "LaggedSimmonsJunction": jaxnn.parameters.hochstetter2021_ac_deposited(),
    "WithReadNoise": jaxnn.WithReadNoise(LAW, 0.1, gaussian=True),
    "WithLangevinNoise": jaxnn.WithLangevinNoise(jaxnn.WithReadNoise(LAW, 0.1), jnp.float32(1e-3)),
    "MixedJunction": jaxnn.MixedJunction((LAW, jaxnn.WithReadNoise(LAW, 0.1)), [1, 0, 1]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_law_of_the_library_comes_back(name):
    law = EXAMPLES[name]
    arrays = {k: np.asarray(v) for k, v in law_arrays(law).items()}
    back = law_from(arrays, None)
    assert type(back) is type(law)
    assert same(back, law)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(law), strict=True):
        assert (type(one), one.dtype) == (type(other), other.dtype)


def test_no_law_is_left_out():
    laws = {
        name
        for name, law in vars(jaxnn).items()
        if inspect.isclass(law) and issubclass(law, jaxnn.AbstractJunction) and not inspect.isabstract(law)
    }
    assert laws == set(LAWS) == set(EXAMPLES)


def test_a_run_is_read_alone(padded_run, tmp_path):
    """And run again from the file, bit for bit."""
    padded_run.save(tmp_path / "run.npz")
    loaded = jaxnn.Solution.load(tmp_path / "run.npz")
    assert same(loaded, padded_run)
    assert loaded.network.topology == PADDED.topology
    assert loaded.network.wires.tolist() == [3, 5, 6, 9]
    assert (float(loaded.dt), loaded.terminals.tolist()) == (1e-3, [2, 3])
    again = run(loaded.network, loaded.junction, loaded.terminals, dt=loaded.dt)
    assert same(again, padded_run)


def test_without_float64(tmp_path):
    """Saved with either setting and loaded with the other: the numbers are those of the run."""
    with jax.enable_x64(False):
        law = jaxnn.TunnelJunction(set_voltage=jnp.array([0.01, 0.011]))
        single = run(line(2), law, (0, 2))
        single.save(tmp_path / "single.npz")
    with jax.enable_x64(True):
        loaded = jaxnn.Solution.load(tmp_path / "single.npz")
        assert loaded.conductance.dtype == jnp.float32
        assert float(loaded.dt) == pytest.approx(1e-3, rel=1e-13)  # not its nearest float32
        assert loaded.junction.set_voltage.dtype == jnp.float32
        np.testing.assert_array_equal(loaded.junction.set_voltage, np.array([0.01, 0.011], np.float32))
    run(law=jaxnn.Resistor(1e-3), network=line(2), terminals=(0, 2)).save(tmp_path / "double.npz")
    with jax.enable_x64(False):
        with pytest.warns(jaxnn.NumericalWarning, match=r"double.npz has float64 .*rounded to float32"):
            loaded = jaxnn.Solution.load(tmp_path / "double.npz")
        assert float(loaded.dt) == pytest.approx(1e-3, rel=1e-13)
        assert loaded.conductance.dtype == loaded.junction.conductance_value.dtype == jnp.float32
        np.testing.assert_allclose(loaded.conductance, 5e-4, rtol=1e-6)


def test_batches_and_ensembles(tmp_path):
    """A mapped law has its axis in front in the file too; an ensemble has its offsets and pairs."""
    ensemble = jaxnn.Ensemble([PADDED, line(2)])
    pairs = [(2, 3), (0, 2)]
    law = lambda on: jaxnn.TunnelJunction(on_conductance=on)
    both = jax.jit(jax.vmap(lambda on: run(ensemble, law(on), pairs)))(jnp.array([5e-5, 7e-5]))
    both.save(tmp_path / "run.npz")
    loaded = jaxnn.Solution.load(tmp_path / "run.npz")
    assert same(loaded, both)
    assert loaded.network.junction_offsets == (0, 3, 5)
    assert loaded.junction.on_conductance.tolist() == [5e-5, 7e-5]
    assert loaded.terminals.tolist() == [[[2, 3], [0, 2]]] * 2
    assert loaded.network.network.passive_conductance.shape == (2, 1)
    first = jax.tree.map(lambda x: x[0], loaded)
    assert first.network.network.topology == ensemble.network.topology
    assert first.terminals.tolist() == [[2, 3], [0, 2]]


def test_a_law_of_a_user(tmp_path):
    """Its numbers are kept and filled into one that is given; nothing of it is made from the file."""
    law = Gated(jnp.array([1e-3, 2e-3]), 0.5, jnp.tanh)
    chain = {"network": line(2), "terminals": (0, 2)}
    # What is no array passes through transformations as it did.
    batch = jax.jit(jax.vmap(lambda v: run(law=law, drive=jaxnn.Constant(v), **chain)))(jnp.ones(2))
    assert batch.junction.shape is jnp.tanh
    solution = run(law=law, **chain)
    path = tmp_path / "run.npz"
    solution.save(path)
    assert not any(array.dtype.hasobject for array in load_arrays(path, "solution").values())
    loaded = jaxnn.Solution.load(path)
    assert loaded.network.topology == line(2).topology
    message = r"saved with the law .*\.Gated.*conductance_on, share.*junction=Gated\(\.\.\.\)"
    with pytest.raises(ValueError, match=message):
        _ = loaded.junction
    loaded.save(path)  # again, with no more than it has
    filled = jaxnn.Solution.load(path, junction=Gated(jnp.zeros(2), 0.0, jnp.tanh))
    assert filled.junction.share == 0.5
    assert filled.junction.conductance_on.tolist() == [1e-3, 2e-3]
    assert same(run(law=filled.junction, **chain), solution)
    for other in (LAW, Gated(jnp.zeros(2), jnp.tanh, jnp.tanh)):
        with pytest.raises(ValueError, match="must be the law that the run was saved with"):
            jaxnn.Solution.load(path, junction=other)


def test_old_files_load(padded_run, tmp_path):
    """Without a setup: all that was recorded is there, and what is missing says so."""
    arrays = {k: np.asarray(v) for k, v in vars(padded_run).items() if eqx.is_array(v)}
    save_arrays(tmp_path / "old.npz", "solution", arrays)
    old = jaxnn.Solution.load(tmp_path / "old.npz")
    np.testing.assert_array_equal(old.conductance, padded_run.conductance)
    with pytest.raises(ValueError, match="does not know its network"):
        _ = old.network


def test_derivatives_pass_by(padded_run):
    """A loss of a solution, which is an auxiliary output too, and one stacked on another."""

    def loss(law):
        solution = run(law=law)
        return solution.conductance[-1], solution

    (_, solution), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(LAW)
    assert same(solution.junction, LAW)
    assert np.isfinite(gradient.off_conductance)
    two = jax.tree.map(lambda *x: jnp.stack(x), padded_run, solution)
    assert two.terminals.tolist() == [[2, 3]] * 2


def test_analyses_know_which_junctions_are_passive(padded_run):
    """From the solution alone, or beside arrays: leads are not ranked, do not share and have no events."""
    times = analysis.activation_times(padded_run, level=0.0)
    assert times[:2].tolist() == [1e-3, 1e-3]
    assert np.isnan(times[2])
    values = np.asarray(padded_run.junction_conductance)
    beside = analysis.activation_times(padded_run.time, values, 0.0, network=PADDED)
    np.testing.assert_array_equal(beside, times)
    assert analysis.least_resistance_path(padded_run).tolist() == [1, 2]
    assert analysis.least_resistance_path(padded_run, with_passive=False).tolist() == [1]
    volts = np.abs(np.asarray(padded_run.junction_voltage))
    expected = analysis.gini_coefficient(volts[:, :2])
    np.testing.assert_array_equal(analysis.gini_coefficient(padded_run), expected)
    np.testing.assert_array_equal(analysis.gini_coefficient(volts, network=PADDED), expected)
    rule = analysis.Crossing(1.0)
    jumps = np.array([[0.5, 0.5, 0.5], [2.0, 0.5, 2.0], [2.0, 0.5, 0.5]])
    assert analysis.events_in(jumps, rule, 1.0).tolist() == [0, 2, 1]
    assert analysis.events_in(jumps, rule, 1.0, network=PADDED).tolist() == [0, 1, 0]
    assert analysis.events_in(padded_run, rule).tolist() == [0] * 4
    pair = jaxnn.Ensemble([line(1), line(2)])
    assert analysis.events_in(jumps, rule, 1.0, network=pair).tolist() == [[0, 0], [1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: analysis.activation_times(s, s.junction_conductance, 1.0), "has its values"),
        (lambda s: analysis.activation_times(s), "needs the level"),
        (lambda s: analysis.activation_times([1.0], [[1.0]], 0.5, network=PADDED), "of 1 junctions"),
        (
            lambda s: analysis.activation_times([1.0], [[1.0]], 0.5, network=NO_NETWORK),
            "must be the jaxnn.Net",
        ),
        (
            lambda s: analysis.gini_coefficient(eqx.tree_at(lambda s: s.junction_voltage, s, None)),
            "no junc",
        ),
        (lambda s: analysis.activation_times(jax.tree.map(lambda x: x[None], s), level=1.0), "pick a memb"),
        (lambda s: analysis.least_resistance_path(PADDED, np.ones(3)), "must be two wires"),
        (lambda s: analysis.events_in([1.0, 2.0], analysis.Crossing(1.5)), "needs dt"),
        (lambda s: jaxnn.plot_conductance(s.time), "or a jaxnn.Solution"),
    ],
)
def test_refusals(call, message, padded_run):
    with pytest.raises(ValueError, match=message):
        call(padded_run)


def test_whose_junctions_values_are_of(padded_run):
    """A network, an ensemble and a solution say the same of their passive junctions."""
    g, rule = np.asarray(padded_run.junction_conductance), analysis.Crossing(1e-6)
    of = [
        lambda owner: analysis.activation_times(padded_run.time, g, 1e-9, network=owner),
        lambda owner: analysis.gini_coefficient(g, network=owner),
        lambda owner: analysis.events_in(g, rule, 1e-3, network=owner).reshape(len(g)),
    ]
    for function in of:
        wanted = function(PADDED)
        for owner in (jaxnn.Ensemble([PADDED]), padded_run):
            np.testing.assert_array_equal(function(owner), wanted)


def test_pictures_of_a_solution(padded_run):
    import matplotlib.pyplot as plt

    ax = jaxnn.plot_network(padded_run)
    assert [text.get_text() for text in ax.texts] == ["source", "drain"]
    offsets: Any = ax.collections[-1].get_offsets()
    assert len(np.asarray(offsets)) == 2  # the passive junction has no colour
    lines = jaxnn.plot_conductance(padded_run).lines
    np.testing.assert_array_equal(lines[0].get_ydata(), padded_run.conductance)
    plt.close("all")


@pytest.mark.parametrize("mapped", [False, True])
def test_the_part_of_an_ensemble_is_a_run_of_its_own(mapped):
    networks = [line(3), jaxnn.nanowire_network(14, box=10e-6, seed=1).with_pads(0.4)]
    terminals = [(0, 2), jaxnn.farthest_pair(networks[1])]
    fluxes = [jnp.full(n.n_junctions, 0.012 + 0.001 * i) for i, n in enumerate(networks)]
    law = lambda flux: jaxnn.TunnelJunction(critical_flux=flux)
    record = ("junction_voltage", "node_potential", "power", "cut_off")
    options: dict[str, Any] = {"dt": 1e-3, "steps": 20, "record": record}

    def run(amplitude, network, law, terminals):
        return jaxnn.simulate(network, law, jaxnn.Constant(amplitude), terminals=terminals, **options)

    def all_of(*arguments):
        one = lambda amplitude: run(amplitude, *arguments)
        return jax.vmap(one)(jnp.array([0.5, 1.0])) if mapped else one(1.0)

    both = all_of(jaxnn.Ensemble(networks), law(jnp.concatenate(fluxes)), terminals)
    for i, network in enumerate(networks):
        part, alone = both.part(i), all_of(network, law(fluxes[i]), terminals[i])
        for name in ("conductance", "terminal_current", "final_state", "largest_change", *record):
            x, y = getattr(part, name), getattr(alone, name)
            assert x.shape == y.shape
            np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-12)
        assert np.asarray(part.terminals).shape == np.asarray(alone.terminals).shape
        np.testing.assert_array_equal(part.terminals, alone.terminals)
        np.testing.assert_array_equal(part.junction.critical_flux, alone.junction.critical_flux)
        assert part.view().save is not None
    with pytest.raises(ValueError, match="part picks a network of an Ensemble"):
        both.part(0).part(0)
