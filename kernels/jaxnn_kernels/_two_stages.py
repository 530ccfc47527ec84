"""The diagonally implicit Runge-Kutta method of two stages and second order that is L-stable.

Its last stage is the end of the step, and both have the same matrix: R. Alexander, SIAM J. Numer. Anal. 14,
1006 (1977).
"""

from collections.abc import Callable
from typing import Any

from jaxtyping import Array


# When the first stage is, as a share of the step, and its weight is 1 less that.
STAGE_SHARE = 1 - 0.5**0.5
# How much further than the first stage the second begins.
GROWTH = (1 - STAGE_SHARE) / STAGE_SHARE

Solution = tuple[Array, Array, Array]


def staged(
    solve: Callable[[Any, Array, Array], Solution],
    held: Array,
    slope: Array,
    current: tuple[Any, Any],
    potential: tuple[Array, Array],
) -> tuple[Solution, Solution]:
    """Both stages with capacitors that hold these voltages, by `solve(current, source, potential)`."""
    first = solve(current[0], -slope * held, potential[0])
    grown = held + GROWTH * (first[2] - held)
    return first, solve(current[1], -slope * grown, potential[1])
