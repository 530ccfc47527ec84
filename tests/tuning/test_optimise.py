"""Tuning: known minima, constraints, restarts, steps that are undone, early stops, checkpoints."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import jaxnn
from helpers import assert_same, endings, line


ENDING = jaxnn.OptimisationResult
QUIET: dict[str, Any] = {"progress": False}


def quadratic(x):
    """With its minimum of 0 at (1, 2)."""
    return jnp.sum((x - jnp.asarray([1.0, 2.0], x.dtype)) ** 2)


def rosenbrock(p):
    """With its minimum of 0 at (1, 1), at the end of a curved valley."""
    return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_quadratic(dtype):
    """Gradient descent by hand: x -> x - 0.2 (x - m), losses and gradients at every step."""
    start = jnp.asarray([3.0, -1.0], dtype)
    run = jaxnn.optimise(quadratic, start, optimiser=optax.sgd(0.1), steps=40, **QUIET)
    assert run.parameters.dtype == run.loss.dtype == run.gradient_norm.dtype == dtype
    expected = 13 * 0.64 ** np.arange(40)
    np.testing.assert_allclose(run.loss, expected, rtol=1e-3 if dtype == jnp.float32 else 1e-12)
    np.testing.assert_allclose(run.gradient_norm, 2 * np.sqrt(expected), rtol=1e-4)
    np.testing.assert_allclose(run.parameters, [1 + 2 * 0.8**39, 2 - 3 * 0.8**39], rtol=1e-5)
    assert run.best_loss == run.loss[-1] == run.loss.min()
    assert run.steps == 40
    assert not run.undone.any()
    assert endings(run) == ["out_of_steps"]
    assert_same(run.best, run.parameters)


def test_python_floats_follow_other_dtypes():
    """A float is tuned in the default dtype, but the loss sees a weak one, as it would untuned."""
    seen = []

    def loss(x):
        seen.append((x * jnp.ones(2, jnp.float32)).dtype)
        return (x - 2) ** 2

    run = jaxnn.optimise(loss, 1.0, optimiser=optax.sgd(0.3), steps=30, **QUIET)
    assert set(seen) == {np.dtype("float32")}
    np.testing.assert_allclose(run.best, 2.0, rtol=1e-9)


@pytest.mark.parametrize(
    ("optimiser", "steps"),
    [(optax.adam(0.05), 1500), (optax.lbfgs(linesearch=optax.scale_by_backtracking_linesearch(15)), 100)],
    ids=["adam", "lbfgs"],
)
def test_rosenbrock(optimiser, steps):
    start = {"x": -1.0, "y": 1.0}
    run = jaxnn.optimise(rosenbrock, start, optimiser=optimiser, steps=steps, target=1e-8, **QUIET)
    assert endings(run) == ["target_reached"]
    assert run.best_loss <= 1e-8
    assert len(run.loss) == run.steps < steps
    np.testing.assert_allclose([run.best["x"], run.best["y"]], 1, atol=1e-3)


def test_restarts_equal_separate_runs():
    """Whatever the others do: one reaches the target early, one does not move well."""
    box = jaxnn.Box(-2, 2)
    settings: dict[str, Any] = QUIET | {
        "optimiser": optax.adam(0.01),
        "steps": 700,
        "target": 1e-3,
        "constraints": box,
    }
    starts = jaxnn.spread({"x": -1.0, "y": 1.0}, jr.key(1), 4, constraints=box)
    together = jaxnn.optimise(rosenbrock, starts, restarts=4, **settings)
    assert together.loss.shape == together.undone.shape == (int(together.steps.max()), 4)
    for i in (0, 3):
        one = jaxnn.optimise(rosenbrock, jax.tree.map(lambda x, i=i: x[i], starts), **settings)
        steps = int(one.steps)
        assert together.steps[i] == steps
        # The same arithmetic, but compiled otherwise: a valley amplifies roundings.
        np.testing.assert_allclose(together.loss[:steps, i], one.loss, rtol=1e-6)
        assert np.isnan(together.loss[steps:, i]).all()
        np.testing.assert_allclose(together.parameters["x"][i], one.best["x"], rtol=1e-8)
        assert endings(together)[i] == endings(one)[0]
    assert len(set(np.asarray(together.steps).tolist())) > 1
    assert rosenbrock(together.best) == pytest.approx(float(together.best_loss.min()))


# Each with its start, where the minimum at 2 or the bound nearest to it is, and how close Adam gets.
CONSTRAINTS = [
    (jaxnn.Box(-1.0, 1.5), 0.3, 1.5, 0),
    (jaxnn.Box(2.5, 4.0), 3.0, 2.5, 0),
    (jaxnn.Box(0.0, 10.0), 0.0, 2.0, 1e-3),
    (jaxnn.Bounded(0.0, 3.0), 0.3, 2.0, 1e-3),
    (jaxnn.Bounded(-1.0, 1.5), 0.3, 1.5, 0.02),
    (jaxnn.Positive(), 1e-6, 2.0, 1e-3),
    (jaxnn.Scaled(0.1), -1.0, 2.0, 1e-3),
    (None, -1.0, 2.0, 1e-3),
]


def test_constraints():
    """Eight parameters, each with a constraint of its own, which none leaves on the way."""
    constraints, start, expected, tolerance = zip(*CONSTRAINTS, strict=True)
    loss = lambda x: (sum(jnp.log1p((y - 2.0) ** 2) for y in x), jnp.stack(x))
    settings: dict[str, Any] = QUIET | {"optimiser": optax.adam(0.1), "steps": 700, "has_aux": True}
    run = jaxnn.optimise(loss, start, constraints=constraints, **settings)
    assert (np.abs(np.subtract(run.aux[-1], expected)) <= tolerance).all()
    np.testing.assert_allclose(run.aux[0], start, rtol=1e-12, atol=1e-15)
    for constraint, path in zip(constraints, run.aux.T, strict=True):
        if isinstance(constraint, jaxnn.Box | jaxnn.Bounded):
            assert path.min() >= constraint.low
            assert path.max() <= constraint.high
    assert run.aux[:, 5].min() > 0


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize(
    "constraint", [jaxnn.Box(0.1, 0.7), jaxnn.Bounded(0.1, 0.7), jaxnn.Positive(), jaxnn.Scaled(1e-3)]
)
def test_free_coordinates(constraint, dtype):
    """There and back; the gradient is whole at the bounds of a box; draws are allowed."""
    value = jnp.linspace(0.1, 0.7, 9, dtype=dtype)[1:-1]
    back = constraint.from_free(constraint.project(constraint.to_free(value)))
    assert back.dtype == dtype
    np.testing.assert_allclose(back, value, rtol=30 * float(jnp.finfo(dtype).eps))
    drawn = constraint.draw(jr.key(0), value)
    assert drawn.dtype == dtype
    assert len(set(drawn.tolist())) == 7
    assert np.isfinite(constraint.to_free(drawn)).all()
    if isinstance(constraint, jaxnn.Box):
        bounds = jnp.asarray([0.0, 1.0], dtype)
        np.testing.assert_array_equal(constraint.from_free(bounds), jnp.asarray([0.1, 0.7], dtype))
        slope = jax.vmap(jax.grad(constraint.from_free))(bounds)
        np.testing.assert_allclose(slope, 0.6, rtol=1e-6)


def test_a_constraint_of_ones_own_and_fixed_fields():
    """Constraints put into a module; what has none is free; what is `Fixed` does not move."""

    class AtLeast(jaxnn.AbstractConstraint):
        """By projection, in the parameter's own unit."""

        low: float

        def to_free(self, value):
            return value

        def from_free(self, free):
            return free

        def project(self, free):
            return jnp.maximum(free, self.low)

        def draw(self, key, value):
            return self.low + jr.exponential(key, value.shape, value.dtype)

    drive = jaxnn.Sine(jnp.asarray([1.6, 1.8]), 2.0, 0.1, 0.3)
    constraints = eqx.tree_at(lambda d: (d.amplitude, d.frequency), drive, (AtLeast(1.5), jaxnn.Fixed()))

    def loss(drive):
        return quadratic(drive.amplitude) + (drive.offset - 7) ** 2 + (drive.frequency - 9) ** 2

    settings: dict[str, Any] = QUIET | {"optimiser": optax.adam(0.1), "steps": 400}
    run = jaxnn.optimise(loss, drive, constraints=constraints, **settings)
    np.testing.assert_allclose(run.best.amplitude, [1.5, 2.0], atol=1e-3)
    np.testing.assert_allclose(run.best.offset, 7.0, atol=1e-2)
    jaxnn.spread(jax.tree.map(lambda x: x + 0, drive), jr.key(0), 3, constraints=constraints)
    assert run.best.frequency == 2.0
    assert run.best.phase == 0.1


def test_spread():
    """Within the bounds, the given start first, and what has no constraint repeated."""
    parameters = (jaxnn.Sine(0.5, 2.0), 1e-5, "kept", 0.0)
    constraints = (
        eqx.tree_at(lambda d: d.amplitude, parameters[0], jaxnn.Box(0, 1)),
        jaxnn.Positive(),
        None,
        jaxnn.Scaled(3.0),
    )
    starts = jaxnn.spread(parameters, jr.key(0), 1000, constraints=constraints)
    drive, conductance, kept, shift = starts
    assert kept == "kept"
    assert (drive.frequency == 2).all()
    np.testing.assert_allclose([drive.amplitude[0], conductance[0], shift[0]], [0.5, 1e-5, 0])
    assert 0 <= drive.amplitude.min() < 0.01
    assert 0.99 < drive.amplitude.max() <= 1
    assert 1e-6 <= conductance.min() < 1.1e-6
    assert 0.9e-4 < conductance.max() <= 1e-4
    assert abs(shift.std() - 3) < 0.3
    assert_same(starts[0], jaxnn.spread(parameters, jr.key(0), 1000, constraints=constraints)[0])


def test_a_bad_step_is_undone():
    """A step of 1.8 lands beyond 1.5, where the loss is NaN; half of it does not."""
    loss = lambda x: jnp.where(x > 1.5, jnp.nan, (x - 1) ** 2)
    with pytest.warns(jaxnn.NumericalWarning, match="1 of 70 steps were undone, the first of them step 1"):
        run = jaxnn.optimise(loss, 0.0, optimiser=optax.sgd(0.9), steps=70, **QUIET)
    assert np.flatnonzero(run.undone).tolist() == [1]
    np.testing.assert_allclose(run.loss[:3], [1.0, np.nan, 0.01], rtol=1e-12)
    # Then 0.18 at half the step but a factor of 2^(1/4) longer, and so on to the full one.
    np.testing.assert_allclose(run.loss[3], (0.1 - 0.18 * 2**-0.75) ** 2, rtol=1e-12)
    np.testing.assert_allclose(run.best, 1.0, atol=1e-6)
    assert endings(run) == ["out_of_steps"]


def test_restarts_that_fail_do_not_touch_the_others():
    """One starts where the loss is NaN, one at a NaN gradient, one runs into a wall, one is well."""

    def loss(x):
        gradient_trap = jnp.where(x < -5, 0 * jnp.sqrt(jnp.maximum(x + 6, 0)), 0)
        return jnp.where(x > 3, jnp.nan, (x - jnp.where(x > 2, 4, 1)) ** 2) + gradient_trap

    starts = jnp.asarray([9.0, -6.0, 2.5, 0.0])
    settings: dict[str, Any] = QUIET | {"optimiser": optax.adam(0.2), "steps": 400, "restarts": 4}
    with pytest.warns(jaxnn.NumericalWarning) as caught:
        run = jaxnn.optimise(loss, starts, **settings)
    messages = [str(x.message) for x in caught]
    assert any("steps were undone" in x for x in messages)
    assert any(x.startswith("restarts [0, 1]: the loss, its gradient or") for x in messages)
    assert any(x.startswith("restarts [2]: steps were undone until") for x in messages)
    assert endings(run) == ["start_not_finite", "start_not_finite", "not_finite", "out_of_steps"]
    assert run.steps[:2].tolist() == [1, 1]
    assert np.isinf(run.best_loss[:2]).all()
    np.testing.assert_array_equal(run.parameters[:2], starts[:2])
    assert 2.999 < run.parameters[2] <= 3
    np.testing.assert_allclose(run.best, 1.0, atol=1e-4)
    alone = jaxnn.optimise(loss, 0.0, optimiser=optax.adam(0.2), steps=400, **QUIET)
    np.testing.assert_allclose(run.loss[:, 3], alone.loss, rtol=1e-9, atol=1e-25)


def test_an_update_that_spoils_the_optimiser_is_dropped():
    """Squared, a gradient of 1e30 overflows float32 in Adam, which would stand still for ever."""
    start = jnp.asarray(1.0, jnp.float32)
    with pytest.warns(jaxnn.NumericalWarning) as caught:
        run = jaxnn.optimise(lambda x: 1e30 * x, start, optimiser=optax.adam(0.1), steps=9, **QUIET)
    assert "1 of 1 steps were undone" in str(caught[0].message)
    assert endings(run) == ["start_not_finite"]


def test_early_stop():
    settings: dict[str, Any] = QUIET | {"optimiser": optax.sgd(0.1), "steps": 1000}
    start = jnp.asarray([3.0, -1.0])
    # 13 * 0.64^k falls below 1e-3 at k = 22, which is the 23rd step.
    reached = jaxnn.optimise(quadratic, start, target=1e-3, **settings)
    assert (endings(reached), int(reached.steps)) == (["target_reached"], 23)
    idle = jaxnn.optimise(quadratic, start, patience=5, tolerance=3.0, **settings)
    reference, waited, steps = np.inf, 0, 0
    while waited < 5:
        value = 13 * 0.64**steps
        reference, waited = (value, 0) if value < reference - 3.0 else (reference, waited + 1)
        steps += 1
    assert (endings(idle), int(idle.steps), len(idle.loss)) == (["no_improvement"], steps, steps)


def test_compiles_once():
    """Neither other numbers of steps nor other starts, keys or settings compile anew."""
    traced = []

    def loss(x, key):
        traced.append(1)
        return quadratic(x) + 0 * jr.normal(key)

    settings: dict[str, Any] = QUIET | {"optimiser": optax.adam(0.1)}
    start = jnp.asarray([3.0, -1.0])
    jaxnn.optimise(loss, start, steps=70, key=jr.key(0), **settings)
    first = len(traced)
    jaxnn.optimise(loss, start + 1, steps=143, key=jr.key(1), target=1e-9, patience=90, **settings)
    assert first <= 4
    assert len(traced) == first


def setup():
    """Three junctions in a row and what they do under a sine, started near the jump."""
    network = line(3)
    fixed = {"terminals": (0, 3), "dt": 1e-2, "steps": 30}
    return lambda drive, junction, state: jaxnn.simulate(network, junction, drive, state=state, **fixed)


def test_recovers_the_amplitude_of_a_drive():
    """From the conductance that it left, with the frequency fixed."""
    run = setup()
    state = jnp.full(3, 5e-3)
    conductance = lambda drive: jnp.log10(run(drive, jaxnn.TunnelJunction(), state).conductance[-1])
    truth = jaxnn.Sine(0.07, 1.3, offset=0.02)
    wanted = conductance(truth)
    loss = lambda drive: (conductance(drive) - wanted) ** 2
    starts = jax.vmap(lambda a: jaxnn.Sine(a, 1.3, offset=0.02))(jnp.asarray([0.04, 0.06, 0.12]))
    constraints = eqx.tree_at(
        lambda d: d.amplitude, jax.tree.map(lambda _: jaxnn.Fixed(), truth), jaxnn.Box(0.0, 0.2)
    )
    found = jaxnn.optimise(
        loss,
        starts,
        optimiser=optax.adam(optax.exponential_decay(0.03, 40, 0.3)),
        steps=150,
        constraints=constraints,
        restarts=3,
        target=1e-10,
        **QUIET,
    )
    assert found.best_loss.min() <= 1e-10
    np.testing.assert_allclose(found.best.amplitude, 0.07, rtol=1e-4)
    assert (found.parameters.frequency == 1.3).all()
    assert isinstance(found.best, jaxnn.Sine)


def test_drive_junction_and_state_together():
    """A tuple of modules and an array, each with its own constraint; float32 arrays stay that."""
    run, dtype = setup(), jnp.float32
    junction = jaxnn.TunnelJunction()
    parameters = (jnp.full(30, 0.05, dtype), junction, jnp.full(3, 5e-3, dtype))
    only = jax.tree.map(lambda _: jaxnn.Fixed(), junction)
    constraints = (
        jaxnn.Box(-0.2, 0.2),
        eqx.tree_at(lambda j: j.off_conductance, only, jaxnn.Positive()),
        jaxnn.Scaled(1e-3),
    )

    def loss(parameters):
        drive, junction, state = parameters
        conductance = run(drive, junction, state).conductance
        return jnp.mean((jnp.log10(conductance) + 6.5) ** 2)

    found = jaxnn.optimise(
        loss, parameters, optimiser=optax.adam(0.05), steps=60, constraints=constraints, **QUIET
    )
    drive, tuned, state = found.best
    assert drive.dtype == state.dtype == found.loss.dtype == dtype
    assert found.best_loss < 0.02 * found.loss[0]
    assert jnp.abs(drive).max() <= 0.2
    assert tuned.off_conductance != junction.off_conductance
    assert tuned.set_voltage == junction.set_voltage
    assert len(set(drive[:-1].tolist())) > 10


FIXED: dict[str, Any] = {"optimiser": optax.sgd(0.1), "steps": 3}


@pytest.mark.parametrize(
    ("parameters", "changes", "message"),
    [
        (1.0, {"steps": 0}, "steps must be at least 1, got 0"),
        (1.0, {"restarts": 0}, "restarts must be at least 1, got 0"),
        (1.0, {"patience": 0}, "patience must be"),
        (1.0, {"max_halvings": 0}, "max_halvings must be"),
        (1.0, {"checkpoint_every": 0}, "checkpoint_every must be"),
        (1.0, {"target": np.nan}, "target must be a number, got NaN"),
        (1.0, {"optimiser": 0.1}, r"optimiser must be one of Optax, such as optax.adam\(0.01\), got 0.1"),
        ((1.0, 2), {}, r"parameters\[1\] is of dtype int64 and only real floats.*write 1.0 for 1"),
        ((1.0, 1j), {}, r"parameters\[1\] is of dtype complex128"),
        ("text", {}, "nothing to tune"),
        (1.0, {"constraints": jaxnn.Fixed()}, "nothing to tune"),
        ({"x": np.array([0.0, np.inf])}, {}, r"parameters\['x'\] must be finite, got inf at index \[1\]"),
        (2.0, {"constraints": jaxnn.Box(0, 1)}, r"starts at 2, which Box\(low=0, high=1\) does not"),
        (1.0, {"constraints": jaxnn.Bounded(0, 1)}, r"starts at 1, which Bounded"),
        (0.0, {"constraints": jaxnn.Positive()}, r"starts at 0, which Positive\(\) does not allow"),
        (
            (1.0, 2.0),
            {"constraints": (jaxnn.Positive(),)},
            "must have the structure of parameters or begin",
        ),
        ((1.0, 2.0), {"constraints": (0.0, 3.0)}, "constraints must hold a constraint such as jaxnn.Box"),
        (
            (1.0, True),
            {"constraints": jaxnn.Positive()},
            r"parameters\[1\] has a constraint, but it is of dtype",
        ),
        (np.ones(3), {"restarts": 2}, r"leading axis of 2, but parameters has shape \(3,\): jaxnn.spread"),
        (1.0, {"restarts": 2}, r"leading axis of 2, but parameters has shape \(\)"),
    ],
)
def test_bad_input(parameters, changes, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.optimise(lambda p: jnp.sum(p), parameters, **(FIXED | QUIET | changes))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jaxnn.Box(1.0, 1.0), "high - low of Box must be greater than 0, got 0"),
        (lambda: jaxnn.Box(0.0, np.inf), "high of Box must be finite"),
        (lambda: jaxnn.Bounded(2.0, 1.0), "high - low of Bounded must be greater than 0, got -1"),
        (lambda: jaxnn.Scaled(0.0), "scale of Scaled must be greater than 0"),
        (lambda: jaxnn.spread(1.0, jr.key(0), 0), "restarts must be at least 1"),
        (
            lambda: jaxnn.optimise(lambda x: 2 * x, np.ones(2), **FIXED),
            r"loss must return one real number, got float64 of shape \(2,\)",
        ),
        (
            lambda: jaxnn.optimise(lambda x: (x, x), 1.0, **FIXED),
            r"loss must return one real number.*has_aux=True",
        ),
    ],
)
def test_bad_constraints_and_losses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_free_coordinates_there_and_back():
    """By hand: logarithms, parts of a range, units; and nothing for what is not tuned."""
    law = jaxnn.TunnelJunction(boost=[2.0, 4.0])
    rules = jaxnn.only(law, boost=jaxnn.Positive(), critical_flux=jaxnn.Box(0, 0.04))
    free = jaxnn.to_free(law, rules)
    assert len(jax.tree.leaves(free)) == 2
    np.testing.assert_allclose(free.boost, np.log([2.0, 4.0]), rtol=1e-15)
    assert free.critical_flux == 0.25
    back = jaxnn.from_free(free, law, rules)
    assert jax.tree.structure(back) == jax.tree.structure(law)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(law), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)
    moved = jax.tree.map(lambda x: x + 1, free)
    moved = jaxnn.from_free(moved, law, rules)
    np.testing.assert_allclose(moved.boost, np.exp(1) * np.array([2.0, 4.0]), rtol=1e-15)
    assert moved.critical_flux == 0.04  # the nearest that the box allows
    assert moved.max_gap == law.max_gap
    # One rule for all, and none.
    everything = {"x": 4.0, "name": "a", "y": jnp.float32(2.0)}
    assert jaxnn.to_free(everything, jaxnn.Scaled(2.0))["x"] == 2.0
    assert jaxnn.to_free(everything, None)["y"].dtype == jnp.float32
    assert jaxnn.from_free(jaxnn.to_free(everything, None), everything, None)["name"] == "a"


def test_free_coordinates_say_what_does_not_fit():
    law = jaxnn.TunnelJunction(off_conductance=0.0)
    with pytest.raises(ValueError, match=r"parameters\.off_conductance is 0, which Positive\(\) does not"):
        jaxnn.to_free(law, jaxnn.Positive())
    rules = jaxnn.only(law, boost=jaxnn.Positive())
    with pytest.raises(ValueError, match=r"free\.on_conductance must be None, as this is Fixed\(\)"):
        jaxnn.from_free(law, law, rules)  # and not to_free(law, rules)
    with pytest.raises(ValueError, match="has no number 'bost'; it has"):
        jaxnn.only(law, bost=jaxnn.Positive())
