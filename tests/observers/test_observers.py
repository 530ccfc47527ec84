"""Functions and observers of one's own in `record`."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network


NETWORK, TERMINALS, _ = small_network(1, 20)
LAW = jaxnn.TunnelJunction()


def hottest(step):
    return jnp.max(step.junction_conductance * step.junction_voltage**2)


class Mean(jaxnn.AbstractObserver):
    """The mean of the potentials of all wires, over time."""

    def start(self, run):
        return jnp.zeros(run.network_of_node.shape, run.state.dtype)

    def follow(self, memory, step):
        return memory + step.node_potential / step.run.steps


def run(record, amplitude=0.5, **options):
    setup = {"terminals": TERMINALS, "dt": 1e-3, "steps": 40} | options
    return jaxnn.simulate(NETWORK, LAW, jaxnn.Sine(amplitude, 20.0), record=record, **setup)


def test_both_are_what_the_quantities_say():
    solution = run(("junction_conductance", "junction_voltage", "node_potential", hottest, Mean()))
    power = solution.junction_conductance * solution.junction_voltage**2
    np.testing.assert_allclose(solution.recorded["hottest"], power.max(1), rtol=1e-12)
    np.testing.assert_allclose(solution.recorded["Mean"], solution.node_potential.mean(0), atol=1e-12)


def test_observers_see_the_steps_that_are_not_kept():
    some, every = run((hottest, Mean()), every=8), run((hottest, Mean()))
    np.testing.assert_array_equal(some.recorded["hottest"], every.recorded["hottest"][7::8])
    np.testing.assert_array_equal(some.recorded["Mean"], every.recorded["Mean"])


def test_a_step_knows_its_number_time_and_run():
    found = run(lambda step: {"n": step.number, "t": step.time, "dt": step.run.dt}, start_step=100)
    (values,) = found.recorded.values()
    np.testing.assert_array_equal(values["n"], np.arange(101, 141))
    np.testing.assert_allclose(values["t"], found.time, rtol=1e-12)
    np.testing.assert_array_equal(values["dt"], np.full(40, 1e-3))


@pytest.mark.parametrize("adjoint", [jaxnn.StoreStates(), jaxnn.Checkpointed(), jaxnn.StoreAll()])
def test_gradients_against_finite_differences(adjoint):
    loss = lambda a: jnp.sum(run((hottest, Mean()), a, adjoint=adjoint).recorded["Mean"] ** 2)
    slope = jax.grad(loss)(0.5)
    h = 1e-5
    np.testing.assert_allclose(slope, (loss(0.5 + h) - loss(0.5 - h)) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(jax.jvp(loss, (0.5,), (1.0,))[1], slope, rtol=1e-10)


def test_batched_equals_looped():
    of = lambda a: run((hottest, Mean()), a).recorded
    batch = jax.vmap(of)(jnp.array([0.2, 0.5]))
    for k, a in enumerate((0.2, 0.5)):
        jax.tree.map(
            lambda x, y, k=k: np.testing.assert_allclose(x[k], y, rtol=1e-9, atol=1e-15), batch, of(a)
        )


def test_an_ensemble_is_its_networks_one_after_the_other():
    setup = {"dt": 1e-3, "steps": 10, "record": (lambda step: step.conductance, Mean())}
    both = jaxnn.Ensemble([line(2), line(3)])
    whole = jaxnn.simulate(both, LAW, jaxnn.Constant(0.1), terminals=[(0, 2), (0, 3)], **setup)
    parts = [jaxnn.simulate(line(n), LAW, jaxnn.Constant(0.1), terminals=(0, n), **setup) for n in (2, 3)]
    alone = np.concatenate([part.recorded["Mean"] for part in parts])
    np.testing.assert_allclose(whole.recorded["Mean"], alone, rtol=1e-12)
    np.testing.assert_array_equal(whole.recorded["<lambda>"], whole.conductance)


def test_a_mapping_gives_names_and_a_file_keeps_them(tmp_path):
    solution = run({"first": hottest, "second": hottest, "state": "state"})
    assert solution.state.shape == (40, NETWORK.n_junctions)
    solution.save(tmp_path / "run.npz")
    loaded = jaxnn.Solution.load(tmp_path / "run.npz")
    for name in ("first", "second"):
        np.testing.assert_array_equal(loaded.recorded[name], solution.recorded[name])


def test_what_is_no_array_is_not_lost_in_a_file(tmp_path):
    solution = run({"two": lambda step: (step.time, step.number)})
    with pytest.raises(ValueError, match=r"recorded\['two'\] is no array.*save it apart"):
        solution.save(tmp_path / "run.npz")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ((hottest, hottest), "two things of the name 'hottest'"),
        ((3,), "functions of a jaxnn.Step and jaxnn.AbstractObserver.*got 3"),
        ({"mine": "state"}, "got 'state'"),
        (("nothing",), r"record has \['nothing'\]; it can name \['state'"),
    ],
)
def test_what_cannot_be_recorded(record, message):
    with pytest.raises(ValueError, match=message):
        run(record)


def test_events_of_a_run_that_keeps_more():
    rule = jaxnn.analysis.RelativeRate(1e-3)
    solution = run({"events": jaxnn.analysis.EventCounter(rule), "hottest": hottest}, 1.5)
    setup = {"terminals": TERMINALS, "dt": 1e-3, "steps": 40}
    counted = jaxnn.analysis.count_events(NETWORK, LAW, jaxnn.Sine(1.5, 20.0), rule=rule, **setup)
    np.testing.assert_array_equal(solution.recorded["events"], counted.counts)
    assert counted.counts.shape == (40,)
    assert counted.counts.sum() > 0
    for margins in ((1,), (1, -2), (0.5, 1)):
        with pytest.raises(ValueError, match="two whole numbers of steps"):
            jaxnn.analysis.EventCounter(rule, margins)


def test_a_fault_in_a_function_is_named():
    with pytest.raises(ValueError, match=r"the function .wrong. in record.*AttributeError"):
        run({"wrong": lambda step: step.voltage})


@pytest.mark.parametrize(
    ("function", "own"),
    [
        (jaxnn.lyapunov_exponents, {"steps": 10}),
        (jaxnn.two_trajectory_exponents, {"steps": 10, "distance": 1e-6}),
        (jaxnn.analysis.count_events, {"steps": 10, "rule": jaxnn.analysis.Crossing(1e-7)}),
        (jaxnn.analysis.record_read_out, {"targets": np.zeros((10, 1))}),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_shared_arguments_are_refused_by_the_function_that_was_called(function, own):
    call = ft.partial(function, NETWORK, LAW, jaxnn.Constant(1.0), **own, dt=1e-3)
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\) has no argument 'speed'; it takes"):
        call(terminals=TERMINALS, speed=2)
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\) lacks the keyword argument 'terminals'"):
        call()
