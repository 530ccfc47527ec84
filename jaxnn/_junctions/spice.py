"""What a law has to say for itself in a netlist: a current and a rate, as expressions of SPICE."""

import abc

from jaxtyping import ArrayLike

from .abstract import AbstractRateJunction


class AbstractSpiceJunction(AbstractRateJunction):
    """A junction law that a SPICE netlist can hold: of one state, with expressions that SPICE knows.

    Both methods are asked of a law of one junction, whose parameters are single numbers. They get the
    voltage and the state as expressions, and return one, of +, -, *, /, exp, sinh, abs, pow and a ? b : c.

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
        """Returns the rate of change of its state [1/s] as an expression."""


def written(number: ArrayLike) -> str:
    """A number with all its digits."""
    return repr(float(number))  # pyright: ignore[reportArgumentType]


def held_in_spice(rate: str, state: str) -> str:
    """A rate that leads past neither 0 nor 1."""
    return f"((({state}>=1) && (({rate})>0)) || (({state}<=0) && (({rate})<0)) ? 0 : ({rate}))"
