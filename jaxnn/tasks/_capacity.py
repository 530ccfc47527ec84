"""Everything that a linear read-out can say of the past of a random input, degree by degree."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import Count, Numbers, arguments, check_room


_CHUNK = 512  # targets at a time
_RANK = 1e-10  # of the largest singular value, below which a direction of the features is rounding


class ProcessingCapacity(NamedTuple):
    """The capacities of a system for products of polynomials of earlier inputs.

    ```python
    u = np.random.default_rng(0).uniform(-1, 1, 4000)
    line = np.stack([np.roll(u, d) for d in range(3)], axis=1)  # a delay line of three taps
    found = jaxnn.tasks.processing_capacity(u, line, delays=(6, 4))
    found.by_degree  # [3.0, 0.0]
    ```
    """

    total: float
    """Sum of all, at most `rank`."""
    by_degree: Float[np.ndarray, " degrees"]
    """Sums by the degree of the polynomials, from 1 on."""
    rank: int
    """Number of independent features, which the total reaches if nothing is forgotten or lost."""
    terms: dict[tuple[tuple[int, int], ...], float]
    """Capacity of each product that counts, by its (delay, degree) pairs."""


@arguments.checked(
    inputs=arguments.real(ndim=1, low=-1, high=1, known=True),
    features=arguments.real(ndim=2, known=True),
    delays=arguments.whole_numbers(ndim=1, low=1),
    washout=arguments.count(0),
    chance=arguments.real(ndim=0, above=0, high=1, known=True),
)
def processing_capacity(
    inputs: Numbers,
    features: Numbers,
    *,
    delays: Sequence[int] = (40, 12, 6),
    washout: Count = 200,
    chance: float = 1e-4,
) -> ProcessingCapacity:
    r"""Computes the information processing capacity of features that hang on a random input.

    $$C[y] = \frac{y^T X (X^T X)^{-1} X^T y}{y^T y}, \qquad
      y_k = \prod_i P_{n_i}(u_{k - d_i}), \qquad \sum_i n_i = n$$

    with all products of Legendre polynomials of degree n of the inputs of the last `delays[n - 1]` samples,
    the present one among them. All are projected on one factorisation of the features. A
    capacity below what chance gives with a probability of `chance`, $\chi^2_N / T$, counts as zero: N
    features show a capacity of about $N / T$ for anything, over T samples.

    - `inputs`: `(time,)`, independent and uniform in -1 to 1.
    - `features`: `(time, features)`.
    - `delays`: how far back products of degree 1, 2, ... reach.

    Source: Dambre et al., Sci. Rep. 2, 514 (2012).

    Raises a `ValueError` for lengths that differ, fewer samples than features, and inputs beyond -1 and 1.

    ```python
    u = np.random.default_rng(0).uniform(-1, 1, 4000)
    jaxnn.tasks.processing_capacity(u, u[:, None] ** 2, delays=(3, 3)).by_degree  # [0.0, 1.0]
    ```
    """
    from scipy.special import eval_legendre
    from scipy.stats import chi2

    u, x = np.asarray(inputs, float), np.asarray(features, float)
    if not len(delays):
        raise ValueError("delays must say how far back each degree reaches, such as (40, 12, 6), got none.")
    begin = max(arguments.as_count("washout", washout, 0), *delays)
    if len(u) != len(x) or len(x) - begin <= x.shape[1]:
        raise ValueError(
            f"inputs and features must be of as many samples, more than {x.shape[1]} after the first "
            f"{begin}, got {len(u)} and {len(x)}."
        )
    count = len(u) - begin
    centred = x[begin:] - x[begin:].mean(axis=0)
    deviation = centred.std(axis=0)
    left, singular, _ = np.linalg.svd(
        centred / np.where(deviation > 0, deviation, np.inf), full_matrices=False
    )
    rank = int(np.sum(singular > _RANK * singular[:1]))
    basis, least = left[:, :rank], chi2.isf(chance, rank) / count
    polynomials = np.stack([eval_legendre(n, u) for n in range(len(delays) + 1)])
    by_degree, terms = np.zeros(len(delays)), {}
    for degree, window in enumerate(delays, start=1):
        products = _products(degree, int(window))
        while some := list(itertools.islice(products, _CHUNK)):
            check_room(
                f"{len(some)} products of {count:,} samples", 16 * count * len(some), "take fewer samples"
            )
            target = np.stack([_target(polynomials, product, begin) for product in some], axis=1)
            target -= target.mean(axis=0)
            found = np.sum((basis.T @ target) ** 2, axis=0) / np.sum(target**2, axis=0)
            counted = {key: float(c) for key, c in zip(some, found, strict=True) if c > least}
            by_degree[degree - 1] += sum(counted.values())
            terms |= counted
    return ProcessingCapacity(float(by_degree.sum()), by_degree, rank, terms)


def _products(degree: int, window: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """All products of polynomials of a degree, as (delay, degree) pairs."""
    for chosen in itertools.combinations_with_replacement(range(window), degree):
        yield tuple((delay, chosen.count(delay)) for delay in dict.fromkeys(chosen))


def _target(polynomials: np.ndarray, product: tuple[tuple[int, int], ...], begin: int) -> np.ndarray:
    stop = polynomials.shape[1]
    return np.prod([polynomials[n, begin - d : stop - d] for d, n in product], axis=0)
