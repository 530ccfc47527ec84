"""Silver nanowire junctions whose tunnelling follows Simmons' law at any voltage."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxnn_kernels import simmons_conductance

from .._core import Number, as_inexact, check_at_least, following, holds, unit
from .abstract import AbstractCurrentJunction, AbstractJunction
from .threshold import TunnelJunction, tunnel_parameters


class SimmonsJunction(AbstractCurrentJunction):
    r"""A silver filament whose gap is tunnelled through as Simmons' law has it at any voltage.

    $$i = g(\lambda, |v|)\, v$$

    with $g$ of `jaxnn.kernels.simmons_conductance` and the flux $\lambda$ [V s] of the `filament`. Below
    half the barrier this is the filament's own law, whose conductance does not depend on the voltage.

    Without a `width` the law has no answer where it jumps: as $|v|$ passes $\varphi/2$ the conductance of
    a gap of 0.1 nm becomes 3.9 times what it was. A junction behind a resistor whose voltage falls below
    $\varphi/2$ with the larger conductance and rises above it with the smaller has no solution at all;
    around a gap of 1 nm, where the conductance falls, it has two. Over a `width` of 0.15 V and more the
    current grows with the voltage at every gap, and there is one. That is a choice of ours; see
    `docs/junctions.md`.

    Raises a `ValueError` for a filament with `compensated=True` and a width that is not between 0 and half
    the barrier.

    Source: Simmons, J. Appl. Phys. 34, 1793 (1963), in the form behind the deposited AC data of
    Hochstetter et al., Nat. Commun. 12, 4008 (2021).

    ```python
    simmons = jaxnn.SimmonsJunction(jaxnn.parameters.hochstetter2021_ac())
    simmons.current(jnp.full(2, 0.0095), jnp.array([0.1, 0.6]))  # [2.63e-7, 8.56e-6] [A]
    ```
    """

    filament: TunnelJunction = eqx.field(default_factory=TunnelJunction)
    """The flux, its state equation, and the law at low voltages, with all of its parameters."""
    width: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.15, metadata=unit("V"))
    """Over how much one range of voltages goes over into the next [V], positive, up to half the barrier."""

    def __check_init__(self):
        _check_filament(self.filament, "SimmonsJunction")
        check_at_least("width", self.width, 0, "V", strict=True)
        barrier = self.filament.barrier_height
        if not holds(lambda width, barrier: 2 * width <= barrier, self.width, barrier):
            raise ValueError(
                f"width must be at most half of the barrier, {barrier} V, where the ranges that it joins "
                f"begin; got {self.width} V."
            )

    def init_state(self, n_junctions: int) -> Float[Array, " junctions"]:
        return self.filament.init_state(n_junctions)

    @following
    def current(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, " junctions"]:
        return voltage * simmons_conductance(
            state, voltage, **tunnel_parameters(self.filament), width=self.width
        )

    def update(
        self, state: Float[Array, " junctions"], voltage: Float[Array, " junctions"], dt: ArrayLike
    ) -> Float[Array, " junctions"]:
        return self.filament.update(state, voltage, dt)

    def critical_state(self) -> Float[Number, "..."]:
        return self.filament.critical_state()

    def state_bounds(self) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self.filament.state_bounds()


class LaggedSimmonsJunction(AbstractJunction):
    r"""The same law with the voltage of the step before, as the deposited AC data were computed with.

    $$g_k = g(\lambda_{k-1}, |v_{k-1}|), \qquad v_0 = 0$$

    with $g$ of `jaxnn.kernels.simmons_conductance` without a width. The state is (2, junctions): the flux
    [V s] and the voltage that the junction had [V]. Currents are linear in the voltages of the step.

    This is a scheme and not a physical law: where $|v|$ comes near half the barrier a junction can flip
    between two conductances in every step, whatever the step is, and the fastest chaos that it shows does
    not converge as dt becomes small. It is here to compute the published numbers again;
    `jaxnn.SimmonsJunction` solves the law within the step.

    The voltage has no scale in `critical_state`: it does not count in a distance between two states.

    Raises a `ValueError` for a filament with `compensated=True`.

    Source: the authors' scripts behind the deposited AC data of Hochstetter et al., Nat. Commun. 12, 4008
    (2021).

    ```python
    lagged = jaxnn.LaggedSimmonsJunction(jaxnn.parameters.hochstetter2021_ac())
    state = jnp.stack([jnp.full(2, 0.0095), jnp.array([0.1, 0.6])])
    lagged.conductance(state)  # [2.63e-6, 1.427e-5] [S]
    ```
    """

    filament: TunnelJunction = eqx.field(default_factory=TunnelJunction)
    """The flux, its state equation, and the law at low voltages, with all of its parameters."""

    def __check_init__(self):
        _check_filament(self.filament, "LaggedSimmonsJunction")

    def init_state(self, n_junctions: int) -> Float[Array, "2 junctions"]:
        return jnp.zeros((2, n_junctions))

    @following
    def conductance(self, state: Float[Array, "2 junctions"]) -> Float[Array, " junctions"]:
        return simmons_conductance(state[0], state[1], **tunnel_parameters(self.filament))

    def update(
        self, state: Float[Array, "2 junctions"], voltage: Float[Array, " junctions"], dt: ArrayLike
    ) -> Float[Array, "2 junctions"]:
        return jnp.stack([self.filament.update(state[0], voltage, dt), voltage])

    def critical_state(self) -> Float[Array, "..."]:
        return _above(self.filament.critical_state(), jnp.inf)

    def state_bounds(self) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        low, high = self.filament.state_bounds()
        return _above(low, -jnp.inf), _above(high, jnp.inf)


def _above(of_flux: ArrayLike, of_voltage: float) -> Array:
    """A number of each variable, or one of each variable and junction."""
    return jnp.stack(jnp.broadcast_arrays(jnp.atleast_1d(of_flux), of_voltage))


def _check_filament(filament: TunnelJunction, kind: str) -> None:
    if filament.compensated:
        raise ValueError(
            f"a {kind} has no compensated flux: use dataclasses.replace(filament, compensated=False), and "
            "float64 for time steps below about 1e-4 s."
        )
