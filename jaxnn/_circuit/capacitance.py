"""Charge that wires and junctions hold."""

from typing import Any

import equinox as eqx
from jaxtyping import Float

from .._core import Module, Number, Numbers, as_inexact, check_at_least, check_finite, unit
from .._networks import Network


def _numbers(x: Any) -> Any:
    return None if x is None else as_inexact(x)


class Capacitance(Module):
    r"""The capacitances of wires to the substrate, at 0 V, and across junctions, and where wires begin.

    $$B^T \left( \mathrm{diag}(g) B \phi + \mathrm{diag}(c) B \dot\phi \right)
      + \mathrm{diag}(C) \dot\phi = I$$

    with $c$ across the junctions, $C$ to the substrate and $I$ what electrodes bring. A step of a run
    solves it with the conductances that the step began with, by the L-stable diagonally implicit
    Runge-Kutta method of two stages and second order, $\gamma = 1 - 1/\sqrt 2$; both stages share one
    elimination. What flows onto the capacitors in a step is what came through the electrodes, to rounding.

    With `potential` alone it is no charge that goes on: Newton's method, of laws whose current is not
    proportional to the voltage, begins there, so that a run in two parts is one run bit for bit.

    Raises a `ValueError` for a capacitance that is negative or not finite, and where nothing is given.

    Source: Alexander, SIAM J. Numer. Anal. 14, 1006 (1977), the method S-stable of order two.

    ```python
    charged = setup | {"capacitance": jaxnn.Capacitance(to_substrate=1e-12)}
    run = jaxnn.simulate(network, law, drive, record="stored_energy", **charged)
    run.stored_energy.shape  # (50,)
    ```
    """

    to_substrate: Float[Number, "..."] | None = eqx.field(
        converter=_numbers, default=None, metadata=unit("F")
    )
    """Capacitance of each wire to the substrate [F], not negative: one for all, or one per wire."""
    across_junctions: Float[Number, "..."] | None = eqx.field(
        converter=_numbers, default=None, metadata=unit("F")
    )
    """Capacitance across each junction [F], not negative: one for all, or one per junction."""
    potential: Float[Number, "..."] | None = eqx.field(converter=_numbers, default=None, metadata=unit("V"))
    """Potential of each wire at the start [V], 0 by default; `final_potential` of a run goes on from it."""

    @property
    def holds_charge(self) -> bool:
        """Whether there is any capacitance."""
        return self.to_substrate is not None or self.across_junctions is not None

    def __check_init__(self):
        for name in ("to_substrate", "across_junctions"):
            if (value := getattr(self, name)) is not None:
                check_at_least(f"{name} of Capacitance", value, 0, "F")
        if self.potential is not None:
            check_finite("potential of Capacitance", self.potential, "V")
        elif not self.holds_charge:
            raise ValueError(
                "Capacitance needs to_substrate, across_junctions, or both [F], or a potential to begin "
                "with [V]; without any, leave `capacitance` out of the run."
            )

    def check_fits(self, network: Network) -> None:
        """Raises a `ValueError` unless there is one number for all, or one for each wire or junction."""
        sizes = {"to_substrate": network.n_nodes, "across_junctions": network.n_junctions}
        for name, size in (sizes | {"potential": network.n_nodes}).items():
            value: Numbers | None = getattr(self, name)
            if value is not None and value.shape not in ((), (size,)):  # pyright: ignore
                raise ValueError(
                    f"{name} of Capacitance must be one number or have shape ({size},) for this network, "
                    f"got {value.shape}."  # pyright: ignore
                )
