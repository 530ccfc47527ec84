"""The reference level of a nickelate device: its protons cell by cell, to check the cloud's charge by."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from jaxnn_kernels import ProtonTraps, TransportState, on_mesh_of_arguments, shared_like, transport_step

from .._core import (
    Module,
    Number,
    announced,
    arguments,
    as_inexact,
    cast_inexact,
    check_at_least,
    check_shape,
    common_dtype,
    compiled,
    follow,
    following,
    unit,
)
from .device import NickelateDevice
from .programme import Programme, segment_steps


ELEMENTARY_CHARGE = 1.602176634e-19  # [C]


_ONE, _ONE_OR_EACH = arguments.real(ndim=0), arguments.real(ndim=(0, 1))


class ProtonTransport(Module):
    r"""One gap as a row of cells that hold mobile and bound protons, with their field and a temperature.

    $$\partial_t m = -\partial_x j - k_c m (B - b) + k_d b, \qquad \partial_t b = k_c m (B - b) - k_d b$$

    with fluxes by exponential fitting, $k_c = \nu e^{-E_c/kT}$, $k_d = \nu e^{-(E_c + E_b)/kT} \cosh u$, a
    current density $\sigma(c, T, E) E + \varepsilon \dot E$ that is the same everywhere and the heat of it.
    Hydrogen per Ni, $c = m + b$, is conserved and stays positive for any step. For one device, to check the
    compact `NickelateDevice` by, not for arrays. `device` gives hop, diffusivity, resistivity, leads and
    heat; the numbers here are assumed, see docs/nickelate.md.

    Raises a `ValueError` for a number outside its domain.

    ```python
    transport = jaxnn.ProtonTransport(cells=20)
    transport.width  # 5e-9 [m]
    transport.hydrogen(transport.init_state())  # 1.81e20 [1/m^2]
    ```
    """

    device: NickelateDevice = eqx.field(default_factory=NickelateDevice)
    """The device of the compact model, which gives all other numbers."""
    mobile_capacity: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("H/Ni"))
    """Mobile protons that a cell can hold [H/Ni], positive."""
    bound_capacity: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.5, metadata=unit("H/Ni"))
    """Bound protons that a cell can hold [H/Ni], positive; so many make an insulator."""
    attempt_frequency: Float[Number, ""] = eqx.field(
        converter=as_inexact, default=1e13, metadata=unit("1/s")
    )
    """Attempt frequency of hops into and out of a trap [1/s], positive."""
    capture_energy: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.60, metadata=unit("eV"))
    """Barrier on the way into a trap [eV], positive."""
    binding_energy: Float[Number, ""] = eqx.field(converter=as_inexact, default=0.10, metadata=unit("eV"))
    """Depth of a trap below a mobile site [eV], not negative."""
    site_density: Float[Number, ""] = eqx.field(
        converter=as_inexact, default=1.81e28, metadata=unit("1/m^3")
    )
    """Ni per volume [1/m^3], positive; the default is one in (0.381 nm)^3."""
    cells: int = eqx.field(static=True, default=100)
    """Cells along the gap, at least 2."""

    def __check_init__(self):
        for name, value in vars(self).items():
            if name not in ("device", "cells"):
                check_at_least(name, value, 0, strict=name != "binding_energy")
        if self.cells < 2:
            raise ValueError(f"cells must be at least 2, got {self.cells}.")
        check_shape(f"A state of {self.cells:,} cells", (4, self.cells), "take fewer")

    @property
    def width(self) -> Float[Array, ""]:
        """The width of a cell [m]."""
        return follow(self.device.gap_length) / self.cells

    def positions(self) -> Float[Array, " cells"]:
        """Returns the centres of the cells, from the Pd [m]."""
        return (jnp.arange(self.cells, dtype=self.width.dtype) + 0.5) * self.width

    @arguments.checked(
        length=_ONE, mobile=_ONE_OR_EACH, bound=_ONE_OR_EACH, edge=arguments.real(ndim=0, above=0)
    )
    def init_state(
        self,
        length: ArrayLike = 20e-9,
        mobile: ArrayLike = 0.25,
        bound: ArrayLike = 0.25,
        edge: ArrayLike = 1e-9,
    ) -> TransportState:
        """Puts protons [H/Ni] within `length` [m] of the Pd, smooth over `edge` [m] there, and no field."""
        for name, share in (("mobile", mobile), ("bound", bound)):
            if jnp.shape(share) not in ((), (self.cells,)):
                raise ValueError(
                    f"{name} must be one number or one per cell, ({self.cells},), got {jnp.shape(share)}."
                )
        inside = jax.nn.sigmoid((length - self.positions()) / edge)
        temperature = follow(self.device.ambient_temperature, inside) * 1.0
        times = lambda share: jnp.asarray(share, inside.dtype) * inside
        return TransportState(times(mobile), times(bound), 0 * inside, temperature)

    @arguments.checked(state=arguments.one_of(TransportState))
    @following
    def hydrogen(self, state: TransportState) -> Float[Array, ""]:
        """Counts all protons per area of the gap [1/m^2]."""
        return self.site_density * self.width * jnp.sum(state.mobile + state.bound, axis=-1)

    @arguments.checked(state=arguments.one_of(TransportState))
    @following
    def displaced_charge(self, state: TransportState) -> Float[Array, ""]:
        r"""Returns what the protons displaced through the circuit since all were at the Pd [C/m^2].

        $\frac{q n}{L} \int x\, c\, dx$ (Ramo): the counterpart of the poled charge of the compact model.
        """
        moment = jnp.sum(self.positions() * (state.mobile + state.bound), axis=-1) * self.width
        return ELEMENTARY_CHARGE * self.site_density * moment / self.device.gap_length

    @following
    def traps(self) -> ProtonTraps:
        """Returns the numbers under the symbols of the equations, as the kernel wants them."""
        return ProtonTraps(
            S=self.mobile_capacity,
            B=self.bound_capacity,
            nu=self.attempt_frequency,
            E_c=self.capture_energy,
            E_b=self.binding_energy,
        )


class TransportSolution(Module):
    """What the protons did, at the end of every step; segment by segment."""

    time: Float[Array, "segments steps"] = eqx.field(metadata=unit("s"))
    """Time since the segment began [s]."""
    current: Float[Array, "segments steps"] = eqx.field(metadata=unit("A"))
    """Terminal current [A]."""
    state: TransportState
    """States after the steps."""
    final_state: TransportState
    """State at the end, to go on from."""


@on_mesh_of_arguments
@arguments.checked(
    transport=arguments.one_of(ProtonTransport),
    programme=arguments.one_of(Programme),
    state=arguments.one_of(TransportState),
)
def simulate_transport(
    transport: ProtonTransport, programme: Programme, *, state: TransportState | None = None
) -> TransportSolution:
    """Applies a pulse programme to the protons of one gap, each step `jaxnn.kernels.transport_step`.

    - `transport`: the `ProtonTransport`.
    - `programme`: a `Programme` with one voltage; the steps are those that it has for a device.
    - `state`: where to start, `final_state` of an earlier run; `init_state()` by default.

    Of order 1 in the steps and, for fields below kT per cell, 2 in the cells. Binding and transport take
    turns, so that steps far longer than a release, 20 ms at rest, are safe but delay the release. `jit`,
    `vmap` and `grad` reach every number. Raises a `ValueError` for a programme of several devices.

    ```python
    transport = jaxnn.ProtonTransport(cells=20)
    run = jaxnn.simulate_transport(transport, jaxnn.Programme.pulse(1.0, 1e-6, steps=32))
    run.current[-1, -1]  # 6.8e-9 [A]
    ```
    """
    if programme.start.ndim != 1:
        raise ValueError(
            f"the programme must have one voltage, got voltages of shape {programme.start.shape}: use "
            "jax.vmap for several."
        )
    segments, steps = programme.duration.shape[0], programme.steps
    check_shape(
        f"The states of {transport.cells:,} cells after {segments:,} x {steps:,} steps",
        (4, segments, steps, transport.cells),
        "take fewer cells or steps, or run the programme in parts",
    )
    state = transport.init_state() if state is None else state
    dtype = common_dtype((transport, programme, state))
    return _run(*(cast_inexact(x, dtype) for x in (transport, programme, state)))


@announced("simulate_transport", lambda _, programme, *__: f"{len(programme.duration):,} segments")
@compiled
def _run(transport: ProtonTransport, programme: Programme, state: TransportState) -> TransportSolution:
    given = transport, programme, state
    transport, programme, state = shared_like(given, given)
    cloud, traps, width = transport.device.cloud(), transport.traps(), transport.width

    def segment(state: TransportState, x: tuple[Array, ...]) -> tuple[TransportState, PyTree[Array]]:
        start, stop, duration, resolution, compliance = x
        lengths, edges = segment_steps(duration, resolution, programme.steps)
        circuit = cloud._replace(R_s=cloud.R_s + compliance)

        def step(state: TransportState, x: tuple[Array, Array]) -> tuple[TransportState, PyTree[Array]]:
            dt, end = x
            voltage = start + end * (stop - start)
            state, density = transport_step(circuit, traps, state, dt, voltage, width)
            return state, (density * circuit.A, state)

        state, kept = jax.lax.scan(step, state, (lengths, edges[1:]))
        return state, (jnp.cumsum(lengths), *kept)

    segments = (
        programme.start,
        programme.stop,
        programme.duration,
        programme.resolution,
        programme.compliance,
    )
    final, kept = jax.lax.scan(segment, state, segments)
    return TransportSolution(*kept, final_state=final)
