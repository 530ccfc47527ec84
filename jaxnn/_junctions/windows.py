"""Windows: how the drift of dopants slows down where they come to an end of the film."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import Module, Number, arguments, as_inexact, check_at_least, following, unit
from .spice import written


class AbstractWindow(Module):
    """A factor of the drift of a state from 0 to 1, small where the state comes to an end.

    A window of your own subclasses this, with one method.

    ```python
    class Square(jaxnn.AbstractWindow):
        def factor(self, state, direction):
            return 4 * state * (1 - state)
    ```
    """

    @abc.abstractmethod
    def factor(
        self, state: Float[Array, " junctions"], direction: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        """Returns what the drift is multiplied by; `direction` is positive where the state would grow."""


class JoglekarWindow(AbstractWindow):
    r"""The window of Joglekar and Wolf, $F = 1 - (2x - 1)^{2p}$.

    A state that has come to 0 or 1 stays there for good.

    Raises a `ValueError` for a power below 1.

    Source: Joglekar and Wolf, Eur. J. Phys. 30, 661 (2009).

    ```python
    window = jaxnn.JoglekarWindow(power=2)
    window.factor(jnp.array([0.0, 0.25, 0.5]), jnp.ones(3))  # [0.0, 0.9375, 1.0]
    ```
    """

    power: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """How flat the window is, p [1], at least 1."""

    def __check_init__(self):
        check_at_least("power of a window", self.power, 1, "")

    @following
    def factor(
        self, state: Float[Array, " junctions"], direction: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        del direction
        return 1 - ((2 * state - 1) ** 2) ** self.power


class BiolekWindow(AbstractWindow):
    r"""The window of Biolek, $F = 1 - (x - \mathrm{stp}(-i))^{2p}$: it lets a state back from both ends.

    It slows the state down towards the end that it drifts to alone: $F = 1 - x^{2p}$ where it grows and
    $1 - (x - 1)^{2p}$ where it falls. Where the current turns, F jumps.

    Raises a `ValueError` for a power below 1.

    Source: Biolek, Biolek and Biolkova, Radioengineering 18, 210 (2009).

    ```python
    window = jaxnn.BiolekWindow()
    window.factor(jnp.array([1.0, 1.0, 0.5]), jnp.array([1.0, -1.0, 1.0]))  # [0.0, 1.0, 0.75]
    ```
    """

    power: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """How flat the window is, p [1], at least 1."""

    def __check_init__(self):
        check_at_least("power of a window", self.power, 1, "")

    @following
    def factor(
        self, state: Float[Array, " junctions"], direction: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        behind = jnp.where(direction > 0, state, state - 1)
        return 1 - (behind**2) ** self.power


class ProdromakisWindow(AbstractWindow):
    r"""The window of Prodromakis, $F = j\,(1 - [(x - \frac12)^2 + \frac34]^p)$.

    A power of 1 is the window $x (1 - x)$ of Strukov et al. (2008). A state that has come to 0 or 1
    stays there for good.

    Raises a `ValueError` for a power or a scale that is not positive.

    Source: Prodromakis et al., IEEE Trans. Electron Devices 58, 3099 (2011).

    ```python
    window = jaxnn.ProdromakisWindow()
    window.factor(jnp.array([0.0, 0.2, 0.5]), jnp.ones(3))  # [0.0, 0.16, 0.25]
    ```
    """

    power: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """How flat the window is, p [1], positive."""
    scale: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1"))
    """What the window is multiplied by, j [1], positive."""

    def __check_init__(self):
        check_at_least("power of a window", self.power, 0, "", strict=True)
        check_at_least("scale of a window", self.scale, 0, "", strict=True)

    @following
    def factor(
        self, state: Float[Array, " junctions"], direction: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        del direction
        return self.scale * (1 - ((state - 0.5) ** 2 + 0.75) ** self.power)


def check_window(window: object) -> None:
    """Raises a `ValueError` for what is neither a window nor None."""
    if window is not None:
        advice = "Windows are jaxnn.BiolekWindow() and the like."
        arguments.one_of(AbstractWindow, advice=advice)("window", window)


def windowed(
    window: AbstractWindow | None,
    rate: Float[Array, " junctions"],
    state: Float[Array, " junctions"],
) -> Float[Array, " junctions"]:
    """A drift under a window, if there is one."""
    return rate if window is None else rate * window.factor(state, rate)


def window_in_spice(window: AbstractWindow | None, state: str, rate: str) -> str:
    """The factor of a window as an expression of SPICE.

    **Raises:** `ValueError` for a window of somebody's own.
    """
    if window is None:
        return "1"
    if isinstance(window, JoglekarWindow):
        return f"(1-pow(abs(2*{state}-1),{written(2 * window.power)}))"
    if isinstance(window, BiolekWindow):
        behind = f"abs(({rate})>0 ? {state} : {state}-1)"
        return f"(1-pow({behind},{written(2 * window.power)}))"
    if isinstance(window, ProdromakisWindow):
        scale, power = written(window.scale), written(window.power)
        return f"({scale}*(1-pow(({state}-0.5)*({state}-0.5)+0.75,{power})))"
    raise ValueError(f"a netlist holds the windows of this library alone, got {type(window).__name__}.")
