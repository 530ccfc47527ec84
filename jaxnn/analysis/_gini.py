"""How unequally a quantity is shared."""

from typing import SupportsIndex

import numpy as np
from jaxtyping import Float

from .._core import Numbers, arguments
from .._simulation import Solution
from ._of_solution import Junctions, passive_of, recorded


@arguments.checked(
    values=arguments.either(Solution, arguments.real(known=True, finite=False)),
)
def gini_coefficient(
    values: Numbers | Solution, axis: SupportsIndex = -1, *, network: Junctions = None
) -> Float[np.ndarray, "..."]:
    r"""Computes the Gini coefficient of values along an axis: 0 if all are equal, towards 1 if one has all.

    $$\mathcal{G} = \frac{\sum_{i,j} |x_i - x_j|}{2 n \sum_i x_i}
                  = \frac{\sum_i (2 i - n - 1)\, x_{(i)}}{n \sum_i x_i}$$

    with $x_{(1)} \le \dots \le x_{(n)}$. It is at most $1 - 1/n$, does not depend on the unit, and is
    NaN where all values are 0. Of the magnitudes of junction voltages, it says how unequally a
    network shares its load: take those of all junctions, or of the junctions of a path.

    - `values`: or a `jaxnn.Solution` that recorded "junction_voltage", for the magnitudes at each time.
    - `network`: the `Network`, `Ensemble` or `Solution` whose junctions the axis counts: passive ones,
      which bear next to nothing, are left out.

    Raises a `ValueError` for values that are negative or not finite, or if there are none.

    Source: Gini, C. Variabilità e mutabilità (1912).

    ```python
    jaxnn.analysis.gini_coefficient([1.0, 1.0, 1.0])  # 0.0
    jaxnn.analysis.gini_coefficient([0.0, 0.0, 1.0])  # 0.667
    jaxnn.analysis.gini_coefficient(solution).shape  # (50,)
    ```
    """
    if isinstance(values, Solution):
        values, network, axis = np.abs(recorded(values, "junction_voltage", 2)), values, -1
    x, axis = np.atleast_1d(np.asarray(values, float)), arguments.as_count("axis", axis, least=None)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis must be one of the {x.ndim} axes of values, got {axis}.")
    x = np.moveaxis(x, axis, -1)
    x = x[..., ~passive_of(network, x.shape[-1])]
    if not x.size or not np.all(np.isfinite(x) & (x >= 0)):
        raise ValueError(
            "values must be finite and at least 0, and not none: take magnitudes first, np.abs(x). Got "
            f"shape {x.shape}, smallest value {x.min() if x.size else None}."
        )
    n = x.shape[-1]
    weight = 2 * np.arange(1, n + 1) - n - 1
    total = x.sum(axis=-1)
    return np.asarray(np.sort(x, axis=-1) @ weight / np.where(total > 0, n * total, np.nan))
