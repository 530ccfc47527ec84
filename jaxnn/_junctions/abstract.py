"""What a junction law has to say for itself: four methods, and a rate if it has one."""

import abc
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._core import Module, Number, beside_text
from .small_picture import conductance_curve


class AbstractJunction(Module):
    """A junction law: how a state conducts, and how a voltage changes it.

    The state is an array whose last axis runs over the junctions; a law with several variables
    stacks them in front, `(variables, junctions)`. Parameters are scalars or one value per
    junction. A law of your own subclasses this and implements the four methods;
    nothing else in the library has to know of it.

    ```python
    class LinearDrift(jaxnn.AbstractJunction):
        def init_state(self, n_junctions):
            return jnp.full(n_junctions, 0.1)

        def conductance(self, state):  # [S]
            return 1 / (1e5 - 9e4 * state)

        def update(self, state, voltage, dt):
            return jaxnn.kernels.bounded(state + 50.0 * voltage * dt, 0, 1)

        def critical_state(self):
            return 1.0
    ```
    """

    def _repr_html_(self) -> str:
        """What a notebook shows: the conductance against the (first) state; of many, that of the first."""
        return beside_text(self, conductance_curve(self))

    @abc.abstractmethod
    def init_state(self, n_junctions: int) -> Float[Array, "*variables junctions"]:
        """Returns the state that a run starts from when none is given."""

    @abc.abstractmethod
    def conductance(self, state: Float[Array, "*variables junctions"]) -> Float[Array, " junctions"]:
        """Returns the conductance of every junction [S], never negative."""

    @abc.abstractmethod
    def update(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
    ) -> Float[Array, "*variables junctions"]:
        """Returns the state after `dt` [s] at the junction voltages `voltage` [V]."""

    @abc.abstractmethod
    def critical_state(self) -> Float[ArrayLike, "..."]:
        """Returns the scale of the state: a step that moves it by more than a tenth of this is reported.

        Broadcasts against the state; `jnp.inf` switches the report off. Where several variables make
        one number, as in a distance between two states, each is measured in units of its scale, and one
        whose scale is infinite does not count.
        """

    def is_linear(self) -> bool:
        """Returns whether currents are conductances times voltages, as those of this class are."""
        return True

    def current(
        self, state: Float[Array, "*variables junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        """Returns the current through each junction [A] at its voltage [V]."""
        return self.conductance(state) * voltage

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        """Returns the least and the largest that a state can be; a run outside of them is reported.

        They broadcast against the state. By default there are none.
        """
        return -math.inf, math.inf

    def keeps_rounding(self) -> bool:
        """Returns whether the law itself keeps what the dtype of its state rounds off a short step.

        By default it does not, and a run reports steps that are too short for float32.
        """
        return False


class AbstractCurrentJunction(AbstractJunction):
    """A junction law whose current is not proportional to its voltage.

    Each step is then solved by Newton's method, and the conductances of a run are the chords i / v. A
    current grows with its voltage: $\\partial i / \\partial v \\ge 0$.

    ```python
    class Cubic(jaxnn.AbstractCurrentJunction):
        def init_state(self, n_junctions):
            return jnp.zeros(n_junctions)

        def current(self, state, voltage):  # [A]
            return 1e-6 * voltage + 1e-3 * voltage**3

        def update(self, state, voltage, dt):
            return state

        def critical_state(self):
            return jnp.inf
    ```
    """

    @abc.abstractmethod
    def current(
        self, state: Float[Array, "*variables junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        """Returns the current through each junction [A] at its voltage [V], 0 at 0 V."""

    def conductance(self, state: Float[Array, "*variables junctions"]) -> Float[Array, " junctions"]:
        """Returns the differential conductance of every junction at 0 V [S]."""
        nothing = jnp.zeros(state.shape[-1:], state.dtype)
        return jax.jvp(lambda v: self.current(state, v), (nothing,), (jnp.ones_like(nothing),))[1]

    def is_linear(self) -> bool:
        return False


class AbstractRateJunction(AbstractJunction):
    """A junction law that is a differential equation, for `jaxnn.StateEquation`.

    `update` is one step of it; any step that converges to the rate with dt will do.

    ```python
    isinstance(law, jaxnn.AbstractRateJunction)  # True
    law.rate(jnp.zeros(2), jnp.array([0.005, 0.03]))  # [0.0, 0.02] [V]
    ```
    """

    @abc.abstractmethod
    def rate(
        self, state: Float[Array, "*variables junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, "*variables junctions"]:
        """Returns the rate of change of the state [its unit per second] at the voltages `voltage` [V]."""


class AbstractSmoothableJunction(AbstractJunction):
    """A junction law that has a smooth form, for `jaxnn.SmoothJunction`.

    ```python
    isinstance(law, jaxnn.AbstractSmoothableJunction)  # True
    law.smooth_conductance(jnp.array([0.0, 0.015]), sharpness=jnp.asarray(3.0))  # [7.77e-8, 1.2e-6] [S]
    ```
    """

    @abc.abstractmethod
    def check_smooth(self) -> None:
        """Raises a `ValueError` for parameters that have no smooth form; values that are traced pass."""

    @abc.abstractmethod
    def smooth_conductance(
        self, state: Float[Array, "*variables junctions"], sharpness: Float[Number, "..."]
    ) -> Float[Array, " junctions"]:
        """Returns the conductance [S] with its corners and jumps spread over scale / `sharpness`."""

    @abc.abstractmethod
    def smooth_update(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        sharpness: Float[Number, "..."],
    ) -> Float[Array, "*variables junctions"]:
        """Returns what `update` does, with its corners spread in the same way."""
