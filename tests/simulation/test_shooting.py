"""Windows side by side: the same run where the gaps are closed, and gradients of one window."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


OPTIONS: dict[str, Any] = {"terminals": (0, 3), "dt": 1e-3}
JUNCTION = jaxnn.TunnelJunction()


@pytest.mark.parametrize("drive", [jaxnn.Sine(1.0, 2.0), np.linspace(0.5, 1.5, 40)])
def test_windows_of_a_run_have_no_gaps(drive):
    whole = jaxnn.simulate(line(3), JUNCTION, drive, steps=40, record="state", **OPTIONS)
    states = jnp.concatenate([jnp.zeros((1, 3)), whole.state[9:-1:10]])
    parts, gaps = jaxnn.shoot(line(3), JUNCTION, drive, states, steps=40, record="state", **OPTIONS)
    assert gaps.shape == (3, 3)
    np.testing.assert_allclose(gaps, 0, atol=1e-15)
    np.testing.assert_allclose(parts.state.reshape(40, 3), whole.state, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(parts.conductance.reshape(40), whole.conductance, rtol=1e-10)


def test_gradient_stays_in_its_window():
    states = jnp.array([[0.0, 0.0, 0.0], [1e-3, 2e-3, 3e-3]])

    def loss(drive):
        solution, _ = jaxnn.shoot(line(3), JUNCTION, drive, states, steps=20, **OPTIONS)
        return jnp.sum(solution.final_state[1])

    slope = jax.grad(loss)(jnp.full(20, 1.0))
    np.testing.assert_array_equal(slope[:10], 0)
    assert jnp.all(slope[10:] != 0)


def test_windows_of_restarts_between_two_wires():
    """No wire is free, so the solve has no rows, under two maps and a gradient."""
    states = jnp.zeros((2, 1))

    def loss(volts):
        options: dict[str, Any] = OPTIONS | {"terminals": (0, 1)}
        solution, _ = jaxnn.shoot(line(1), JUNCTION, jaxnn.Constant(volts), states, steps=4, **options)
        return jnp.sum(solution.final_state)

    # Above the threshold a state grows by dt per volt and step.
    np.testing.assert_allclose(jax.vmap(jax.grad(loss))(jnp.array([0.5, 1.0])), 4e-3, rtol=1e-12)


def test_steps_that_do_not_divide():
    with pytest.raises(ValueError, match="multiple of the 3 windows"):
        jaxnn.shoot(line(3), JUNCTION, jaxnn.Constant(1.0), jnp.zeros((3, 3)), steps=40, **OPTIONS)
    with pytest.raises(ValueError, match="40 rows"):
        jaxnn.shoot(line(3), JUNCTION, np.ones(30), jnp.zeros((4, 3)), steps=40, **OPTIONS)
