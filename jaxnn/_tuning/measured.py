"""Values from outside, gradients from a simulation of them: physics-aware training."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import straight_through

from .._core import Numbers, arguments, check_finite


@arguments.checked(value=arguments.real(finite=False), twin=arguments.real(finite=False))
def measured(value: Numbers, twin: ArrayLike) -> Float[Array, "..."]:
    r"""Returns `value` itself, with the derivative of `twin`, forwards and backwards.

    $$y = y_\mathrm{device}(\theta), \qquad
      \frac{\partial y}{\partial \theta} := \frac{\partial y_\mathrm{twin}}{\partial \theta}$$

    so that a loss and its slope in $y$ are those of the device, and only the chain from $y$ back to
    the parameters is the twin's. `value` is what a device or another simulator gave for the same
    parameters, an array or plain numbers; nothing is differentiated through it. Units are those of
    both.

    Raises a `ValueError` for a `twin` that is not of floating point, a `value` of another shape or
    dtype, and one that is not finite (where it is known: not under `jit`).

    Source: Wright et al., Nature 601, 549 (2022), physics-aware training.

    ```python
    twin = lambda x: x**2
    loss = lambda x: jaxnn.measured(4.1, twin(x))
    loss(2.0)  # 4.1
    jax.grad(loss)(2.0)  # 4.0
    ```
    """
    twin = jnp.asarray(twin)
    if not jnp.issubdtype(twin.dtype, jnp.floating):
        raise ValueError(
            f"twin must be of floating point to have a gradient, got {twin.dtype}; "
            "give what the simulation returned, not a count or an index."
        )
    check_finite("value", value)
    value = jnp.asarray(value)
    if value.shape != twin.shape:
        raise ValueError(
            f"value must have the shape of twin, {twin.shape}, got {value.shape}: measure what the "
            "twin computes, at the same times."
        )
    if value.dtype != twin.dtype and not value.weak_type:
        raise ValueError(
            f"value must have the dtype of twin, {twin.dtype}, got {value.dtype}: use "
            f"value.astype({str(twin.dtype)!r})."
        )
    return straight_through(value.astype(twin.dtype), twin)
