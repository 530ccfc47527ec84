"""A law of one's own that has a smooth form, in `SmoothJunction` and `StraightThrough`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line


class Latch(jaxnn.AbstractSmoothableJunction):
    """Charge that switches a conductance at one half."""

    rate: float = 50.0  # [1/(V s)]

    def init_state(self, n_junctions):
        return jnp.zeros(n_junctions)

    def conductance(self, state):
        return jnp.where(state > 0.5, 1e-3, 1e-5)

    def update(self, state, voltage, dt):
        return jnp.clip(state + self.rate * voltage * dt, 0, 1)

    def critical_state(self):
        return 1.0

    def check_smooth(self):
        if self.rate < 0:
            raise ValueError("a Latch that runs backwards has no smooth form")

    def smooth_conductance(self, state, sharpness):
        return 1e-5 + (1e-3 - 1e-5) * jax.nn.sigmoid(sharpness * (state - 0.5))

    def smooth_update(self, state, voltage, dt, sharpness):
        return self.update(state, voltage, dt)


def last(law, volts, state=None):
    run = jaxnn.simulate(
        line(2), law, jaxnn.Constant(volts), terminals=(0, 2), dt=1e-3, steps=15, state=state
    )
    return run.conductance[-1]


def test_it_comes_near_to_the_law():
    exact = last(Latch(), 1.0)
    far, near = (abs(last(jaxnn.SmoothJunction(Latch(), k), 1.0) - exact) for k in (20.0, 400.0))
    assert near < 1e-3 * exact < far


def test_it_has_a_slope_where_the_law_has_none():
    volts, h = 0.6, 1e-5
    smooth = jaxnn.SmoothJunction(Latch(), 10.0)
    assert jax.grad(lambda v: last(Latch(), v))(volts) == 0
    slope = jax.grad(lambda v: last(smooth, v))(volts)
    wanted = (last(smooth, volts + h) - last(smooth, volts - h)) / (2 * h)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6)
    through = jaxnn.StraightThrough(smooth)
    assert last(through, volts) == last(Latch(), volts)
    assert jax.grad(lambda v: last(through, v))(volts) != 0


def test_what_has_no_smooth_form_is_refused():
    with pytest.raises(ValueError, match="runs backwards"):
        jaxnn.SmoothJunction(Latch(rate=-1.0), 10.0)
