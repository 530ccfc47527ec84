"""A pulse programme applied to nickelate devices: one compiled scan over segments and their steps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from jaxnn_kernels import (
    STAGE_SHARE,
    CloudState,
    ProtonCloud,
    on_mesh_of_arguments,
    proton_cloud_step,
    shared_like,
)

from .._core import (
    Declared,
    Key,
    Module,
    announced,
    arguments,
    beside_text,
    cast_inexact,
    check_finite,
    check_shape,
    common_dtype,
    compiled,
    concrete,
    unit,
    warn_user,
)
from .device import NickelateDevice
from .programme import Programme, segment_steps
from .sheet import CapacitiveSheet, sheet_step
from .small_picture import resistance_curves
from .spread import NickelateSpread


# Numbers of a device that are kept of each segment, and of each step.
_KEPT, _TRACED = 8, 10


class DeviceTrace(Module):
    """A run step by step; time has the axes (segments, steps), the rest those of the devices behind.

    ```python
    pulse = jaxnn.Programme.pulse(2.5, 1e-6, steps=32)
    trace = jaxnn.simulate_devices(jaxnn.NickelateDevice(), pulse, trace=True).trace
    trace.current.shape  # (1, 32)
    trace.state.length[-1, -1]  # 5.32e-9 [m]
    ```
    """

    time: Float[Array, "segments steps"] = eqx.field(metadata=unit("s"))
    """Time since the segment began, at the end of each step [s]."""
    voltage: Float[Array, "segments steps *devices"] = eqx.field(metadata=unit("V"))
    """Voltage of the drive [V]."""
    current: Float[Array, "segments steps *devices"] = eqx.field(metadata=unit("A"))
    """Terminal current [A]."""
    state: CloudState
    """States after the steps: what nobody can measure, for pictures and checks."""


class DeviceSolution(Module):
    """A record of what devices did, segment by segment, at their terminals.

    ```python
    pulse = jaxnn.Programme.pulse(2.5, 1e-6, steps=32)
    run = jaxnn.simulate_devices(jaxnn.NickelateDevice(), pulse, trace=True)
    run.resistance  # [770.0] [ohm]
    run.energy  # [8.14e-9] [J]
    ```
    """

    time: Float[Array, " segments"] = eqx.field(metadata=unit("s"))
    """When the segments end [s]."""
    voltage: Float[Array, "segments *devices"] = eqx.field(metadata=unit("V"))
    """Voltage of the drive at their ends [V]."""
    current: Float[Array, "segments *devices"] = eqx.field(metadata=unit("A"))
    """Terminal current at their ends, positive into the device [A]."""
    charge: Float[Array, "segments *devices"] = eqx.field(metadata=unit("C"))
    """What flowed into the terminal over the segment [C]."""
    leaked_charge: Float[Array, "segments *devices"] = eqx.field(metadata=unit("C"))
    """The part of it that flowed through; the rest is stored [C]."""
    sheet_charge: Float[Array, "segments *devices"] = eqx.field(metadata=unit("C"))
    """What the sheet under the device lost through its leak [C]; 0 without one."""
    energy: Float[Array, "segments *devices"] = eqx.field(metadata=unit("J"))
    """Energy that the drive delivered [J]."""
    peak_temperature: Float[Array, "segments *devices"] = eqx.field(metadata=unit("K"))
    """Highest temperature of the cloud [K]."""
    residual: Float[Array, ""]
    """Largest relative error of any step's equations [1]; above 1e-3 the run is not to be believed."""
    final_state: CloudState
    """State at the end, to go on from."""
    final_sheet: Float[Array, "*devices"] = eqx.field(metadata=unit("V"))
    """Potential of the sheet under the devices at the end [V]; 0 without one."""
    trace: DeviceTrace | None = None
    """Every step, if asked for."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the resistance at the end of each segment, of the first devices."""
        return beside_text(self, resistance_curves(self))

    @property
    def resistance(self) -> Float[Array, "segments *devices"]:
        """The terminal voltage over the current at the ends of the segments [ohm]; NaN at 0 V."""
        quiet = self.voltage == 0
        safe = jnp.where(quiet | (self.current == 0), 1, self.current)
        return jnp.where(quiet, jnp.nan, self.voltage / safe)

    def check(self) -> "DeviceSolution":
        """Returns the solution itself, with a `NumericalWarning` if its equations were not solved."""
        residual = concrete(self.residual)
        if residual is not None and not np.all(residual <= 1e-3):
            warn_user(
                f"a step of a nickelate device was solved to {np.max(residual):.1e} only: take more "
                "steps per segment (Programme.with_steps) or a finer resolution."
            )
        return self


@on_mesh_of_arguments
@arguments.checked(
    device=arguments.one_of(NickelateDevice),
    programme=arguments.one_of(Programme, advice="Programme.pulse, rest, ... make one."),
    shape=arguments.whole_numbers(ndim=1, low=0),
    sheet=arguments.one_of(CapacitiveSheet),
    sheet_potential=arguments.real(),
    cycle_spread=arguments.one_of(NickelateSpread),
    key=arguments.key,
    trace=arguments.flag,
    state=arguments.one_of(CloudState),
)
def simulate_devices(
    device: Declared[NickelateDevice],
    programme: Declared[Programme],
    *,
    state: CloudState | None = None,
    shape: tuple[int, ...] | None = None,
    sheet: CapacitiveSheet | None = None,
    sheet_potential: ArrayLike | None = None,
    cycle_spread: NickelateSpread | None = None,
    key: Key | None = None,
    trace: bool = False,
) -> DeviceSolution:
    r"""Applies a pulse programme to nickelate devices.

    Every step is one of `jaxnn.kernels.proton_cloud_step`: what stays is what went in less what leaked.

    - `device`: a `NickelateDevice`, its numbers scalars or one per device.
    - `programme`: a `Programme`; its voltages are those of all devices, or one for each.
    - `state`: where to start, `final_state` of an earlier run; erased devices by default.
    - `shape`: of the array of devices, if neither the state nor the voltages say it.
    - `sheet`, `sheet_potential`: a `CapacitiveSheet` under the devices, the last axis of the array
      its sites, and the potentials to start from (`final_sheet`).
    - `cycle_spread`, `key`: numbers drawn anew in every segment, the same for all of its steps.
    - `trace`: keep every step, for pictures; by default only the ends and sums of the segments.

    Every number may be traced: `jit`, `vmap` and `grad` reach devices, voltages, durations and
    states. Reverse mode keeps the states between segments and works each segment out once more.
    The dtype is that of the arrays given; plain Python numbers follow.

    Raises a `ValueError` for arguments that do not fit, and before anything is allocated where the results
    would take more than half of the free memory; a `NumericalWarning` tells of unsolved steps.

    ```python
    device = jaxnn.NickelateDevice()
    pulse = jaxnn.Programme.pulse(2.5, 1e-6, steps=32)
    run = jaxnn.simulate_devices(device, pulse, trace=True)
    run.final_state.length  # 5.32e-9 [m]
    run.trace.current.shape  # (1, 32)
    ```
    """
    if (cycle_spread is None) != (key is None):
        raise ValueError("cycle_spread and key belong together: give both, or neither.")
    devices = _devices(device, programme, state, shape)
    if sheet is not None:
        sheet.check_devices(devices)
    _check_kept(devices, programme, trace)
    start = device.init_state(*devices) if state is None else state
    potential = jnp.zeros(devices) * 1.0 if sheet_potential is None else jnp.asarray(sheet_potential)
    if potential.shape != devices:
        raise ValueError(f"sheet_potential must have the devices' shape, {devices}, got {potential.shape}.")
    dtype = common_dtype((device, programme, sheet, state, sheet_potential))
    cast = lambda tree: cast_inexact(tree, dtype)
    check_finite("state", start.length, "m")
    run = _run(
        cast(device),
        cast(programme),
        cast(start),
        cast(potential),
        cast(sheet),
        cast(cycle_spread),
        key,
        trace,
    )
    return run.check()


@arguments.checked(
    device=arguments.one_of(NickelateDevice),
    state=arguments.one_of(CloudState),
    voltage=arguments.real(),
    wait=arguments.real(low=0),
)
def read_resistance(
    device: NickelateDevice, state: CloudState, *, voltage: float = 0.1, wait: float = 100.0, **options: int
) -> Float[Array, "*devices"]:
    """Reads V/I [ohm] at the end of 1 s at `voltage` [V], after `wait` [s] at 0 V.

    ```python
    device = jaxnn.NickelateDevice()
    jaxnn.read_resistance(device, device.init_state())  # 769.0 [ohm]
    ```
    """
    programme = Programme.read(voltage, wait=wait, **options)
    return simulate_devices(device, programme, state=state).resistance[-1]


def _devices(
    device: NickelateDevice, programme: Programme, state: CloudState | None, shape: tuple[int, ...] | None
) -> tuple[int, ...]:
    """The shape of the array of devices, on which everything given must agree."""
    given = [
        programme.start.shape[1:],
        () if state is None else state.length.shape,
        () if shape is None else tuple(shape),
    ]
    modes = ("relaxation_times", "relaxation_shares")
    for name, value in vars(device).items():
        given.append(value.shape[1:] if name in modes else value.shape)
    full = max(given, key=len)
    bad = [s for s in given if s not in ((), full)]
    if bad or (state is not None and state.length.shape != full):
        raise ValueError(
            "the array of devices must have one shape in the programme's voltages (segments, *devices), "
            f"the state, `shape` and the device's numbers; got {sorted(set(given))}. Give "
            "jnp.broadcast_to of what is shared."
        )
    return full


def _check_kept(devices: tuple[int, ...], programme: Programme, trace: bool) -> None:
    """Raises a `ValueError` for more results than there is room for."""
    segments, steps = programme.duration.shape[0], programme.steps
    check_shape(
        f"What {segments:,} segments of {steps:,} steps leave of devices of shape {devices}"
        + ", every step of it," * trace,
        (segments, _KEPT + _TRACED * steps * trace, *devices),
        "run the programme in parts, or fewer devices at a time" + ", or without trace" * trace,
    )


class _Carry(eqx.Module):
    """What a segment adds up, step by step."""

    state: CloudState
    sheet: Array
    stored: Array
    current: Array
    charge: Array
    leaked: Array
    drained: Array
    energy: Array
    peak: Array
    residual: Array


class _Wiring(eqx.Module):
    """What is the same in all steps."""

    device: NickelateDevice
    sheet: CapacitiveSheet | None
    modes: tuple[Array, Array, Array] | None
    cycle_spread: NickelateSpread | None
    steps: int = eqx.field(static=True)
    trace: bool = eqx.field(static=True)


@announced("simulate_devices", lambda _, programme, *__: f"{len(programme.duration):,} segments", wait=True)
@compiled
def _run(
    device: NickelateDevice,
    programme: Programme,
    state: CloudState,
    potential: Array,
    sheet: CapacitiveSheet | None,
    cycle_spread: NickelateSpread | None,
    key: Key | None,
    trace: bool,
) -> DeviceSolution:
    given = device, programme, state, potential, sheet, cycle_spread
    device, programme, state, potential, sheet, cycle_spread = shared_like(given, given)
    modes = None if sheet is None else sheet.modes()
    wiring = _Wiring(device, sheet, modes, cycle_spread, programme.steps, trace)
    keys = None if key is None else jax.random.split(key, programme.duration.shape[0])
    # Voltages of all devices alike get axes to broadcast with.
    rank = state.length.ndim + 1
    wide = lambda v: v.reshape(v.shape + (1,) * (rank - v.ndim))
    segments = (
        wide(programme.start),
        wide(programme.stop),
        programme.duration,
        programme.resolution,
        programme.compliance,
    )
    # Kept for reverse mode: the states between segments. The steps of one are worked out again.
    segment = jax.checkpoint(lambda carry, x: _segment(wiring, carry, x))
    (state, potential), (out, steps) = jax.lax.scan(segment, (state, potential), (segments, keys))
    residual = jnp.max(out.pop("residual"))
    return DeviceSolution(
        time=programme.end_times,
        residual=residual,
        final_state=state,
        final_sheet=potential,
        trace=None if steps is None else DeviceTrace(*steps),
        **out,
    )


def _segment(
    wiring: _Wiring, carry: tuple[CloudState, Array], x: PyTree[Array]
) -> tuple[tuple[CloudState, Array], PyTree[Array]]:
    """All steps of a segment; what it ends at and adds up to."""
    state, potential = carry
    (start, stop, duration, resolution, compliance), key = x
    device, spread = wiring.device, wiring.cycle_spread
    drawn = device if spread is None else spread.draw(device, key, *state.length.shape)
    numbers = drawn.cloud()
    lengths, edges = segment_steps(duration, resolution, wiring.steps)
    zero = jnp.zeros_like(state.length)
    at = lambda fraction: zero + start + fraction * (stop - start)

    def step(carry: _Carry, x: tuple[Array, Array, Array]) -> tuple[_Carry, PyTree[Array]]:
        dt, begin, end = x
        carry = _step(wiring, numbers, carry, dt, (at(begin), at(end)), compliance)
        return carry, (at(end), carry.current, carry.state) if wiring.trace else None

    first = _Carry(state, potential, zero, zero, zero, zero, zero, zero, state.temperature, zero)
    last, kept = jax.lax.scan(step, first, (lengths, edges[:-1], edges[1:]))
    out = {
        "voltage": at(jnp.ones((), zero.dtype)),
        "current": last.current,
        "charge": last.charge,
        "leaked_charge": last.leaked,
        "sheet_charge": last.drained,
        "energy": last.energy,
        "peak_temperature": last.peak,
        "residual": last.residual,
    }
    return (last.state, last.sheet), (out, None if kept is None else (jnp.cumsum(lengths), *kept))


def _step(
    wiring: _Wiring,
    numbers: ProtonCloud,
    carry: _Carry,
    dt: Array,
    drive: tuple[Array, Array],
    compliance: Array,
) -> _Carry:
    """One step of all devices and of the sheet under them.

    The devices see the sheet as it would be if they went on storing what they stored in the last step.
    """
    sheet, modes, under = wiring.sheet, wiring.modes, (carry.sheet, carry.sheet)
    volts = (drive[0] + STAGE_SHARE * (drive[1] - drive[0]), drive[1])
    if sheet is not None and modes is not None:
        under = sheet_step(sheet, modes, carry.sheet, (carry.stored, carry.stored), volts, dt)
    state, flow = proton_cloud_step(numbers, carry.state, dt, drive, compliance=compliance, sheet=under)
    current, mean, power = flow.current, flow.mean_current, flow.mean_power
    drained = carry.drained
    if sheet is not None and modes is not None:
        under = sheet_step(sheet, modes, carry.sheet, flow.stored, volts, dt)
        average = lambda x: (1 - STAGE_SHARE) * x[0] + STAGE_SHARE * x[1]
        through = [sheet.electrode_conductance * (v - psi) for v, psi in zip(volts, under, strict=True)]
        current, mean = current + through[1], mean + average(through)
        power = power + average([v * i for v, i in zip(volts, through, strict=True)])
        drained = drained + dt * average(under) / sheet.leak_resistance
    return _Carry(
        state=state,
        sheet=under[1],
        stored=flow.mean_current - flow.mean_leak,
        current=current,
        charge=carry.charge + dt * mean,
        leaked=carry.leaked + dt * flow.mean_leak,
        drained=drained,
        energy=carry.energy + dt * power,
        peak=jnp.maximum(carry.peak, state.temperature),
        residual=jnp.maximum(carry.residual, flow.residual),
    )
