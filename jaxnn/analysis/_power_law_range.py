r"""Power laws on a range of whole numbers: sums over it, and samples as what occurs and how often.

A range of a few ten thousand numbers has a table. A wider one has a table of its first ones, and of the
rest an integral, by the midpoint rule
$\sum_{x=M}^{b} f(x) = \int_{M-1/2}^{b+1/2} f - \frac{1}{24} [f'] + \dots$
whose second term is left out: with 2,048 numbers in the table that is below 1e-9 of the sum.
"""

import math
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int


# Exponents are looked for in this range.
_LOWEST, _HIGHEST = -1.0, 8.0

_TABLE = 2**16  # numbers of a range that has a table of all
_HEAD = 2**11
# By Gauss-Legendre, in panels from each number to four times as much: exact to rounding for any exponent.
_PANEL, _ORDER = math.log(4), 16

Sample: TypeAlias = tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, " distinct"]]
"""The values that occur, rising, and how often each does."""


def probabilities(exponent: float, minimum: int, maximum: int) -> Float[np.ndarray, " values"]:
    """The law on each number of a range."""
    x = np.arange(minimum, maximum + 1, dtype=float)
    weight = (x / minimum) ** -exponent
    return weight / weight.sum()


class Table:
    """A law on a range that has a table."""

    def __init__(self, exponent: float, minimum: int, maximum: int):
        self.minimum, self.law = minimum, probabilities(exponent, minimum, maximum)
        self.summed = np.concatenate([[0.0], np.cumsum(self.law)])

    def up_to(self, x: Int[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
        """The chance of at most x."""
        return self.summed[x - self.minimum + 1]

    def sample(self, count: int, random: np.random.Generator) -> Sample:
        """So many independent draws."""
        counts = random.multinomial(count, self.law)
        (there,) = np.nonzero(counts)
        return there + self.minimum, counts[there]


class Tail:
    """A law on a range that is wider than its table."""

    def __init__(self, exponent: float, minimum: int, maximum: int):
        self.minimum, self.maximum, self.power = minimum, maximum, 1 - exponent
        x = minimum + np.arange(_HEAD, dtype=float)
        self.summed = np.concatenate([[0.0], np.cumsum((x / minimum) ** -exponent)])
        self.start = minimum + _HEAD - 0.5
        # What the integral has in front, the unit of the tables being the weight of the minimum.
        self.scale = self.start * (self.start / minimum) ** -exponent
        self.total = self.summed[-1] + float(self._integral(np.array([maximum + 0.5]))[0])

    def up_to(self, x: Int[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
        """The chance of at most x."""
        place = np.clip(x - self.minimum + 1, 0, _HEAD)
        return (self.summed[place] + self._integral(np.maximum(x + 0.5, self.start))) / self.total

    def draws(self, count: int, random: np.random.Generator) -> Int[np.ndarray, " count"]:
        """So many independent draws, in any order."""
        level = self.total * random.random(count)
        head = np.searchsorted(self.summed[1:], level, side="right") + self.minimum
        beyond = np.maximum(level - self.summed[-1], 0) / self.scale
        exponent = np.log1p(self.power * beyond) / self.power if self.power else beyond
        tail = np.ceil(self.start * np.exp(exponent) - 0.5)
        tail = np.clip(tail, self.minimum + _HEAD, self.maximum).astype(np.int64)
        return np.where(level < self.summed[-1], head, tail)

    def sample(self, count: int, random: np.random.Generator) -> Sample:
        """So many independent draws."""
        return np.unique(self.draws(count, random), return_counts=True)

    def _integral(self, end: np.ndarray) -> np.ndarray:
        ratio = np.log(end / self.start)
        return self.scale * (np.expm1(self.power * ratio) / self.power if self.power else ratio)


class Range:
    """The family of laws on minimum..maximum."""

    def __init__(self, minimum: int, maximum: int):
        self.minimum, self.maximum = minimum, maximum
        self.is_wide = maximum - minimum >= _TABLE
        x, self.weight = _nodes(minimum, maximum) if self.is_wide else (_whole(minimum, maximum), 1.0)
        self.log = np.log(x)

    def law(self, exponent: float) -> Table | Tail:
        """The law of that exponent."""
        return (Tail if self.is_wide else Table)(exponent, self.minimum, self.maximum)

    def exponents(self, wanted: Float[np.ndarray, " samples"]) -> Float[np.ndarray, " samples"]:
        """The exponents whose mean logarithm is the one wanted: bisection, all at once."""
        low, high = np.full(len(wanted), _LOWEST), np.full(len(wanted), _HIGHEST)
        for _ in range(22):  # to 2e-6 of an exponent
            middle = (low + high) / 2
            weight = self.weight * np.exp(-middle[:, None] * (self.log - self.log[0]))
            # The mean falls as the exponent rises.
            too_large = weight @ self.log / weight.sum(axis=1) < wanted
            low, high = np.where(too_large, low, middle), np.where(too_large, middle, high)
        return (low + high) / 2

    def at_once(self, count: int) -> int:
        """Samples of so many data whose exponents fit a cache, and little memory, together."""
        return max(1, min(256, 2**20 // (len(self.log) + count)))


def mean_log(sample: Sample) -> float:
    """The mean logarithm of a sample, all that its exponent hangs on."""
    values, counts = sample
    return float(counts @ np.log(values.astype(float)) / counts.sum())


def distance(sample: Sample, law: Table | Tail) -> float:
    """The Kolmogorov-Smirnov distance: largest where a value occurs, or just before the next that does."""
    values, counts = sample
    share = np.cumsum(counts) / counts.sum()
    before = law.up_to(values - 1)
    jumps = np.abs(share - law.up_to(values)), np.abs(np.concatenate([[0.0], share[:-1]]) - before)
    return float(np.max(jumps))


def _whole(minimum: int, maximum: int) -> np.ndarray:
    return np.arange(minimum, maximum + 1, dtype=float)


def _nodes(minimum: int, maximum: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a function is taken for its sum over a range, and with what weight."""
    head = _whole(minimum, minimum + _HEAD - 1)
    start, end = math.log(head[-1] + 0.5), math.log(maximum + 0.5)
    panels = math.ceil((end - start) / _PANEL)
    place, weight = np.polynomial.legendre.leggauss(_ORDER)
    width = (end - start) / panels
    middle = start + width * (np.arange(panels) + 0.5)
    tail = np.exp(middle[:, None] + width / 2 * place).reshape(-1)
    return (
        np.concatenate([head, tail]),
        np.concatenate([np.ones(_HEAD), tail * np.tile(width / 2 * weight, panels)]),
    )
