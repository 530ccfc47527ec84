"""Every kind of bad input to `simulate` gets a ValueError that says what to do."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


TWO_PARTS = jaxnn.Network(5, [[0, 1], [1, 2], [3, 4]])
CHAIN = line(3)
GOOD = {"terminals": (0, 3), "dt": 1e-3, "steps": 5}


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (TWO_PARTS, {"terminals": (0, 4)}, "component"),
        (TWO_PARTS, {"terminals": (0, 2)}, "component_of"),
        (CHAIN, {"terminals": (0,)}, "two"),
        (CHAIN, {"terminals": (0, 0)}, "0"),
        (CHAIN, {"terminals": (0, 9)}, "9"),
        (CHAIN, {"dt": 0.0}, "dt must be greater than 0 s"),
        (CHAIN, {"dt": -1e-3}, "dt must be greater than 0 s, got -0.001"),
        (CHAIN, {"dt": np.nan}, "dt must be finite"),
        (CHAIN, {"steps": 0}, "steps must be at least 1, got 0"),
        (CHAIN, {"every": 0}, "every must be at least 1"),
        (CHAIN, {"every": 6}, "every=6 keeps none of 5 steps; use every=5"),
        (CHAIN, {"start_step": -1}, "start_step must be at least 0"),
        (CHAIN, {"start_step": 2**31 - 3}, r"below 2\*\*31"),
        (CHAIN, {"record": ("voltage",)}, r"record has \['voltage'\]; it can name"),
        (CHAIN, {"state": np.zeros(4)}, r"state must have shape \(3,\).*got \(4,\)"),
        (CHAIN, {"state": np.array([0, np.nan, 0])}, r"state must be finite.*index \[1\]"),
        (CHAIN, {"drive": np.zeros(4)}, r"one value per step.*got shape \(4,\)"),
        (CHAIN, {"drive": np.array([0, 0, np.inf, 0, 0])}, r"drive must be finite.*index \[2\]"),
        (CHAIN, {"drive": np.zeros((5, 3))}, r"values have shape \(3,\), but the terminals need"),
        (CHAIN, {"drive": 0.5}, "use jaxnn.Constant"),
        (CHAIN, {"drive": jnp.sin}, "wrap a function of time in a subclass"),
        (CHAIN, {"drive": jaxnn.Constant([1.0, 2.0, 3.0])}, "Constant gives values of shape"),
        (
            CHAIN,
            {"junction": jaxnn.TunnelJunction(boost=jnp.ones(5))},
            r"do not fit 3 junctions.*'boost': \(5,\)",
        ),
        (
            CHAIN,
            {"junction": jaxnn.Resistor(jnp.ones(5))},
            r"parameters of Resistor do not fit 3 junctions",
        ),
    ],
)
def test_bad_input(network, changes, message):
    settings = GOOD | {"junction": jaxnn.TunnelJunction(), "drive": jaxnn.Constant(0.1)} | changes
    junction, drive = settings.pop("junction"), settings.pop("drive")
    with pytest.raises(ValueError, match=message):
        jaxnn.simulate(network, junction, drive, **settings)


def wrong(value: Any) -> Any:
    """What a type checker would not let pass."""
    return value


def options(*parts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


def each_run() -> dict[str, Any]:
    """Every public function that runs a network, by the arguments that all of them have."""
    law, drive = jaxnn.TunnelJunction(), jaxnn.Constant(0.1)
    rule = jaxnn.analysis.RelativeRate()
    ends: dict[str, Any] = {"terminals": (0, 3)}
    timed = ends | {"dt": 1e-3}
    return {
        "simulate": lambda n=CHAIN, j=law, **k: jaxnn.simulate(
            n, j, drive, **options(timed, {"steps": 4}, k)
        ),
        "lyapunov": lambda n=CHAIN, j=law, **k: jaxnn.lyapunov_exponents(
            n, j, drive, **options(timed, {"steps": 4, "interval": 2}, k)
        ),
        "pairs": lambda n=CHAIN, j=law, **k: jaxnn.two_trajectory_exponents(
            n, j, drive, distance=1e-4, **options(timed, {"steps": 4}, k)
        ),
        "events": lambda n=CHAIN, j=law, **k: jaxnn.analysis.count_events(
            n, j, drive, rule=rule, **options(timed, {"steps": 4}, k)
        ),
        "read-out": lambda n=CHAIN, j=law, **k: jaxnn.analysis.record_read_out(
            n, j, drive, np.zeros((4, 1)), segment=2, **options(timed, k)
        ),
        "shooting": lambda n=CHAIN, j=law, **k: jaxnn.shoot(
            n, j, drive, jnp.zeros((2, 3)), **options(timed, {"steps": 4}, k)
        ),
        "equation": lambda n=CHAIN, j=law, **k: jaxnn.StateEquation(n, j, drive, **options(ends, k)),
    }


RUNS = each_run()


@pytest.mark.parametrize("name", RUNS)
def test_arguments_in_another_order(name):
    run = RUNS[name]
    with pytest.raises(ValueError, match=r"network must be a jaxnn.Network.*got TunnelJunction.* order"):
        run(jaxnn.TunnelJunction(), CHAIN)
    with pytest.raises(ValueError, match=r"junction must be a jaxnn.AbstractJunction, got Constant"):
        run(CHAIN, jaxnn.Constant(0.1))
    with pytest.raises(ValueError, match=r"got list\. (Give jaxnn.Ensemble|Call this for each)"):
        run([CHAIN, CHAIN])
    with pytest.raises(ValueError, match=r"network must be a .*got 'network.npz'"):
        run("network.npz")


@pytest.mark.parametrize("name", [name for name in RUNS if name != "equation"])
@pytest.mark.parametrize(
    ("dt", "got"), [("1ms", "got '1ms'"), (np.array([1e-3, 2e-3]), r"got shape \(2,\)"), (None, "got None")]
)
def test_a_time_step_is_one_number(name, dt, got):
    with pytest.raises(ValueError, match=rf"dt must be one number \[s\].*{got}"):
        RUNS[name](dt=dt)


@pytest.mark.parametrize("name", ["simulate", "lyapunov", "pairs", "events", "shooting"])
def test_whole_floats_are_counts(name):
    with pytest.raises(ValueError, match=r"steps must be a whole number, got 4\.5"):
        RUNS[name](steps=4.5)
    with pytest.raises(ValueError, match="steps must be a whole number, got '4'"):
        RUNS[name](steps="4")
    assert jax.tree.leaves(jax.eval_shape(lambda: RUNS[name](steps=4e0)))


def test_counts_of_wires():
    one, other = (jaxnn.nanowire_network(n, 15e-6) for n in (25, 2.5e1))
    assert one.topology == other.topology
    with pytest.raises(ValueError, match=r"`n_wires` must be a whole number, got 25\.5"):
        jaxnn.nanowire_network(25.5, 15e-6)


def test_a_function_that_needs_static_arguments():
    """`jax.jit(simulate)` traces the number of steps; terminals may be traced, as placements in a batch."""
    jitted = jax.jit(jaxnn.simulate)
    with pytest.raises(ValueError, match=r"steps is an argument of jax.jit.*static_argnames.*filter_jit"):
        jitted(CHAIN, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **GOOD)
    jitted = jax.jit(jaxnn.simulate, static_argnames=("steps",))
    found = jitted(CHAIN, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **GOOD)
    plain = jaxnn.simulate(CHAIN, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **GOOD)
    np.testing.assert_allclose(found.terminal_current, plain.terminal_current, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jaxnn.Network.from_adjacency("a.npy"), "name of a file, 'a.npy': load it first"),
        (
            lambda: jaxnn.Ensemble([CHAIN, wrong(3)]),
            "each of the networks must be a jaxnn.Network, got int",
        ),
        (lambda: jaxnn.farthest_pair(wrong("a")), "network must be a jaxnn.Network, got 'a'"),
        (lambda: jaxnn.pair_at(wrong(3), 2), "network must be a jaxnn.Network, got int"),
        (lambda: jaxnn.random_terminals(wrong([CHAIN])), "network must be a jaxnn.Network, got list"),
        (lambda: jaxnn.TunnelJunction(boost="ten"), "a list or an array of real numbers.*got 'ten'"),
        (lambda: jaxnn.Sine("1 V", 1.0), "got '1 V'"),
        (
            lambda: jaxnn.reservoirs.fit_ridge(np.eye(4), [0.5, 1, 0, 1], 2),
            r"labels must be whole.*float64",
        ),
        (lambda: jaxnn.reservoirs.fit_ridge(np.eye(4), ["a", "b", "a", "b"], 2), "labels must be whole"),
    ],
)
def test_other_first_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_labels_that_are_whole_floats():
    x, labels = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    one, other = (jaxnn.reservoirs.fit_ridge(x, y, 2) for y in (labels, labels.astype(float)))
    np.testing.assert_array_equal(one.weights, other.weights)


ON_REQUEST = ("state", "junction_conductance", "junction_voltage", "node_potential")
USES = [
    lambda x: x[0],
    lambda x: x.shape,
    lambda x: 2 * x,
    lambda x: x / 2,
    jnp.sum,
    np.asarray,
    len,
    list,
]


@ft.cache
def short_run():
    return RUNS["simulate"]()


@pytest.mark.parametrize("name", [*ON_REQUEST, "kirchhoff_residual", "power", "cut_off"])
def test_what_was_not_recorded(name):
    """It says how to have it recorded, whatever is done to it; and is no number otherwise."""
    solution = short_run()
    for use in USES:
        with pytest.raises(ValueError, match=f"{name} was not recorded: give record='{name}'"):
            use(getattr(solution, name))
    assert not getattr(solution, name)
    assert all(isinstance(x, jax.Array | np.ndarray) for x in jax.tree.leaves(solution))
    assert f" {name}=" not in repr(solution)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jaxnn.TunnelJunction(on_conductance=12_900), r"12900 S, .* of 7\.75e-05 ohm.*7\.752e-05"),
        (lambda: jaxnn.BinaryJunction(on_conductance=[1e-4, 12_900]), "on_conductance is 12900 S"),
        (lambda: jaxnn.Resistor(12_900), "conductance is 12900 S"),
        (
            lambda: jaxnn.Network(2, [(0, 1)], passive=[True], passive_conductance=5e3),
            "passive_conductance is 5000 S",
        ),
        (
            lambda: jaxnn.TunnelJunction(on_conductance=1e-8, off_conductance=1e-4),
            r"off_conductance is 0\.0001 S and on_conductance 1e-08 S.* swapped",
        ),
        (
            lambda: jaxnn.WithReadNoise(jaxnn.TunnelJunction(), 5),
            r"relative of WithReadNoise is 5, a deviation of 500 %. If 5 % is meant, give 0\.05",
        ),
        (
            lambda: jaxnn.draw_junctions(jaxnn.TunnelJunction(), jax.random.key(0), 3, boost=10),
            "the deviation of boost is 10, a deviation of 1000 %",
        ),
        (lambda: jaxnn.NickelateSpread(3.0), "pinning_field of NickelateSpread is 3"),
        (
            lambda: jaxnn.nanowire_network(20, 30e-6, length_mean=10.0),
            r"wires of 10 m lie in a box of 3e-05 x 3e-05 m, 3\.33e\+05 times",
        ),
        (
            lambda: jaxnn.simulate(
                CHAIN, jaxnn.TunnelJunction(), jaxnn.Constant(0.1), terminals=(0, 3), dt=1, steps=2
            ),
            r"critical value.*dt is too large",
        ),
    ],
)
def test_what_is_accepted_but_implausible(call, message):
    """A warning with the figure: it may be meant."""
    with pytest.warns(UserWarning, match=message) as caught:
        call()
    implausible = [x for x in caught if issubclass(x.category, jaxnn.ImplausibleWarning)]
    assert all(x.filename == __file__ for x in implausible)
