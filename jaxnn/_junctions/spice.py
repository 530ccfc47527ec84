"""What a law has to say for itself in a netlist: a current and a rate, as expressions of SPICE."""

import abc

import numpy as np
from jaxtyping import ArrayLike

from .abstract import AbstractRateJunction


class AbstractSpiceJunction(AbstractRateJunction):
    """A junction law that a SPICE netlist can hold: of one state, with expressions that SPICE knows.

    Both methods are asked of a law of one junction, whose parameters are single numbers. They get the
    voltage and the state as expressions, and return one, of +, -, *, /, exp, sinh, abs, pow and a ? b : c.
    In a circuit the state is a voltage: 1 V is the law's critical state, if it has one.

    ```python
    isinstance(jaxnn.RateBalanceJunction(), jaxnn.AbstractSpiceJunction)  # True
    jaxnn.Resistor(1e-3).spice_current("V(a,b)", "V(x)")  # "0.001*V(a,b)"
    ```
    """

    @abc.abstractmethod
    def spice_current(self, voltage: str, state: str) -> str:
        """Returns the current through the junction [A] as an expression."""

    @abc.abstractmethod
    def spice_rate(self, voltage: str, state: str) -> str:
        """Returns the rate of change of its state [its unit / s] as an expression."""


def written(number: ArrayLike) -> str:
    """A number with all its digits."""
    return repr(float(number))  # pyright: ignore[reportArgumentType]


def state_of_volt(law: AbstractSpiceJunction) -> float:
    """The state that 1 V stands for in a circuit: numbers near 1 are what circuit simulators resolve."""
    critical = float(np.asarray(law.critical_state()))
    return critical if np.isfinite(critical) else 1.0


def spice_expressions(law: AbstractSpiceJunction, voltage: str, at: str) -> tuple[str, str]:
    """The current [A] and the rate [V/s] of a law whose state is the voltage `at` of a node."""
    unit = state_of_volt(law)
    state = at if unit == 1 else f"({written(unit)}*{at})"
    rate = law.spice_rate(voltage, state)
    return law.spice_current(voltage, state), rate if unit == 1 else f"({rate})/{written(unit)}"


def held_in_spice(rate: str, state: str) -> str:
    """A rate that leads past neither 0 nor 1 by more than a millionth.

    It falls to 0 over this millionth and not at once: where a rate jumps, the implicit step of a circuit
    simulator that would cross the bound has no solution at all.
    """
    above = f"{state}<=1 ? 1 : ({state}>=1.000001 ? 0 : 1000000.0*(1.000001-{state}))"
    below = f"{state}>=0 ? 1 : ({state}<=-1e-6 ? 0 : 1000000.0*({state}+1e-6))"
    return f"({rate})*(({rate})>0 ? ({above}) : ({below}))"
