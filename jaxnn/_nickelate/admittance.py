"""The answer of a nickelate device to a small alternating voltage."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Complex

from jaxnn_kernels import CloudState, proton_cloud_rate

from .._core import announced, arguments, check_at_least, compiled, follow
from .device import NickelateDevice


# What the variables are counted in, or the matrix would span forty powers of ten.
_FIELD, _LENGTH, _CHARGE = 1e7, 1e-9, 1e-2  # [V/m], [m], [C/m^2]


@arguments.checked(
    device=arguments.one_of(NickelateDevice),
    state=arguments.one_of(CloudState),
    frequency=arguments.real(ndim=0),
    bias=arguments.real(ndim=0),
)
def small_signal_admittance(
    device: NickelateDevice, state: CloudState, frequency: ArrayLike, *, bias: ArrayLike = 0.0
) -> Complex[Array, "..."]:
    r"""Computes the small-signal admittance of one device at its terminals [S].

    Of the equations $\dot x = F(x, V)$ linearised at a state and a bias [V],

    $$Y = \frac{1}{R_s} \left(1 - \frac{\partial v}{\partial x} (2 \pi i f - \partial_x F)^{-1}
      \partial_V F\right)$$

    `frequency` [Hz] is a number; `jax.vmap` over frequencies and devices. What changes slower than
    the signal, such as a charge that still relaxes, is taken as standing still. The capacitance is
    $C = \mathrm{Im}\,Y / 2\pi f$ [F]. Needs float64: the rates span ten powers of ten.

    Raises a `ValueError` for a state of more than one device, and a frequency that is not positive.

    ```python
    device = jaxnn.NickelateDevice()
    admittance = jaxnn.small_signal_admittance(device, device.init_state(), 1e3)
    1 / admittance.real  # 769.0 [ohm]
    ```
    """
    check_at_least("frequency", frequency, 0, "Hz", strict=True)
    if state.length.ndim:
        raise ValueError(
            f"small_signal_admittance takes one device, got a state of shape {state.length.shape}: "
            "use jax.vmap, with in_axes=-1 for the polarisation."
        )
    return _admittance(follow(device, state), state, jnp.asarray(frequency, state.length.dtype), bias)


@announced("small_signal_admittance")
@compiled
def _admittance(device: NickelateDevice, state: CloudState, frequency: Array, bias: ArrayLike) -> Array:
    numbers, zero = device.cloud(), jnp.zeros_like(state.length)
    units = CloudState(
        field=_FIELD + zero,
        length=_LENGTH + zero,
        polarisation=_CHARGE + jnp.zeros_like(state.polarisation),
        temperature=1 + zero,
        order=1 + zero,
    )
    start, back = ravel_pytree(jax.tree.map(jnp.divide, state, units))
    unscaled = lambda x: jax.tree.map(jnp.multiply, back(x), units)

    def rate(x: Array, volts: Array) -> Array:
        change = proton_cloud_rate(numbers, unscaled(x), volts, compliance=zero, sheet=zero)
        return ravel_pytree(jax.tree.map(jnp.divide, change, units))[0]

    volts = jnp.asarray(bias, start.dtype)
    matrix, push = jax.jacfwd(rate, argnums=(0, 1))(start, volts)
    inside = jax.grad(lambda x: device.voltage(unscaled(x)))(start)
    angular = 2 * jnp.pi * frequency
    system = jax.lax.complex(-matrix, angular * jnp.eye(start.size, dtype=start.dtype))
    moved = jnp.linalg.solve(system, push.astype(system.dtype))
    return (1 - inside.astype(system.dtype) @ moved) / device.series_resistance.astype(system.dtype)
