"""States between two bounds, with a derivative for those that rest on one."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _arguments as arguments


_BOUND = arguments.real(finite=False)


@arguments.checked("x", "low", "high", x=arguments.array(), low=_BOUND, high=_BOUND)
def bounded(x: Float[Array, "..."], low: ArrayLike, high: ArrayLike) -> Float[Array, "..."]:
    r"""Returns each number, or the bound that it lies beyond.

    $$\min(\max(x, \mathrm{low}), \mathrm{high}), \qquad
      \frac{\partial}{\partial x} = 1 \text{ for } \mathrm{low} \le x \le \mathrm{high}, \text{ else } 0$$

    As `jnp.clip`, but for the derivative at a bound, where that has 1/2: a state that rests there would
    lose half of its history in each step. NaN stays NaN.

    ```python
    jaxnn.kernels.bounded(jnp.array([-0.5, 0.5, 1.5]), 0.0, 1.0)  # [0.0, 0.5, 1.0]
    jax.grad(jaxnn.kernels.bounded)(1.0, 0.0, 1.0)  # 1.0
    ```
    """
    return jnp.where(x > high, high, jnp.where(x < low, low, x))
