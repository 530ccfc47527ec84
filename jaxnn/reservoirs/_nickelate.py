"""A reservoir of nickelate devices."""

import dataclasses as dc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxnn_kernels import CloudState

from .._core import Declared, Key, Number, arguments, as_inexact, check_at_least, follow, unit
from .._nickelate import CapacitiveSheet, NickelateDevice, NickelateSpread, Programme, simulate_devices
from ._abstract import AbstractReservoir, Response, check_pulses, in_dtype_of
from ._linear import check_reads, taps


# Set pulses of 1 us on an erased device of set B [V]: docs/nickelate.md.
_SET = {"neuron": 4.25, "synapse": 5.25, "capacitor": 9.5}
_SET_STEPS = 64


class NickelateReservoir(AbstractReservoir):
    r"""A row of devices that get one pulse per slot and are read by their currents.

    Amplitude $x$ is a pulse of `low` $+ x\,($`high` $-$ `low`$)$ for `width`, one per `period`, 0 V
    between; after the train come `reads` pulses of `read_voltage` at the same pace. The features are the
    terminal currents at the ends of every `every`-th pulse, counted from the last one, and of the
    reads [A].

    `NickelateReservoir.prepared` brings erased devices that differ into one of the modes. The volts
    may be one number or one per device; they, the times and the devices have gradients. With a `sheet`,
    each of its sites in turn is a device, and as many sheets lie side by side as are needed.

    Raises a `ValueError` for times that do not fit and devices that do not fill the sheets.

    ```python
    device = jaxnn.NickelateDevice()
    volts = {"low": 0.5, "high": 2.0, "read_voltage": 0.5}
    times = {"width": 1e-6, "period": 5e-6}
    reservoir = jaxnn.reservoirs.NickelateReservoir(device, device.init_state(2), **volts, **times)
    reservoir.programme(jnp.array([[0.0, 1.0], [1.0, 0.0]])).start[::2]  # [[0.5, 2.0], [2.0, 0.5]] [V]
    ```
    """

    device: NickelateDevice
    """The devices, their numbers scalars or one per device."""
    state: CloudState
    """State that every sample starts from."""
    low: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of a pulse of amplitude 0 [V]."""
    high: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of a pulse of amplitude 1 [V]."""
    width: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time that a pulse lasts [s], above 0 and below `period`."""
    period: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time from the start of a pulse to that of the next [s], positive."""
    read_voltage: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Voltage of the reads after the train [V]."""
    sheet: CapacitiveSheet | None = None
    """A sheet under the devices, or None."""
    reads: int = eqx.field(static=True, default=0)
    """Reads after the train, each of them a feature; at least 0."""
    every: int = eqx.field(static=True, default=1)
    """Pulses from one feature to the next, counted back from the last; at least 1."""
    steps: int = eqx.field(static=True, default=128)
    """Even time steps of each pulse and of each rest: a neuron fires at any time of a pulse."""

    def __check_init__(self):
        check_at_least("width of a NickelateReservoir", self.width, 0, "s", strict=True)
        own = follow(self)
        gap = own.period - own.width
        check_at_least("period less width of a NickelateReservoir", gap, 0, "s", strict=True)
        arguments.as_count("every of a NickelateReservoir", self.every)
        arguments.as_count("steps of a NickelateReservoir", self.steps)
        if self.reads < 0:
            raise ValueError(f"reads of a NickelateReservoir must be 0 or more, got {self.reads}.")
        sites = 1 if self.sheet is None else self.sheet.positions.shape[0]
        if self.state.length.ndim != 1 or self.state.length.shape[0] % sites:
            raise ValueError(
                f"the state must be of a row of devices that fill sheets of {sites}, got shape "
                f"{self.state.length.shape}."
            )

    @classmethod
    @arguments.checked(
        key=arguments.key,
        device=arguments.one_of(NickelateDevice),
        spread=arguments.one_of(NickelateSpread),
    )
    def prepared(
        cls,
        devices: int,
        mode: str,
        key: Key,
        *,
        device: NickelateDevice | None = None,
        spread: NickelateSpread | None = None,
        **numbers: Any,
    ) -> "NickelateReservoir":
        """Brings devices around `device` into a mode by one pulse of 1 us and 100 s of rest.

        - `mode`: "neuron", "synapse" or "capacitor".
        - `key`: of the devices' differences, those of `NickelateSpread()` unless `spread` is given.
        - `numbers`: fields of the class.
        """
        if not isinstance(mode, str) or mode not in _SET:
            raise ValueError(f"mode must be one of {list(_SET)}, got {mode!r}.")
        device = NickelateDevice() if device is None else device
        spread = NickelateSpread() if spread is None else spread
        drawn = spread.draw(device, key, arguments.as_count("devices", devices))
        pulse = Programme.pulse(jnp.full(devices, _SET[mode]), 1e-6, steps=_SET_STEPS)
        settled = simulate_devices(drawn, pulse + Programme.rest(100.0, steps=_SET_STEPS))
        return cls(drawn, settled.final_state, **_DEFAULTS[mode] | numbers)

    def shares_trains(self) -> bool:
        return self.sheet is None

    def programme(self, pulses: Float[Array, "devices slots"]) -> Programme:
        """Returns the drive of one sample; pulse k is segment 2k."""
        own = follow(self, pulses)
        volts = own._row(own.low) + pulses.T * own._row(own.high - own.low)
        reading = jnp.broadcast_to(own._row(own.read_voltage), (own.reads, volts.shape[1]))
        volts = jnp.concatenate([volts, reading.astype(volts.dtype)])
        return Programme.train(
            self._by_sheet(volts),
            width=self.width,
            period=self.period,
            resolution=10 * self.width,
            steps=self.steps,
        )

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        devices, slots = pulses.shape[1:]
        if devices != self.state.length.shape[0]:
            raise ValueError(f"pulses for {self.state.length.shape[0]} devices wanted, got {devices}.")
        check_reads(pulses, self.reads, 2)
        own = in_dtype_of(pulses, self)
        device, state = own._numbers(), jax.tree.map(own._by_sheet, own.state)
        read = taps(slots, self.every, self.reads)

        def one(train: Array) -> Response:
            solution = simulate_devices(device, own.programme(train), state=state, sheet=own.sheet)
            current = solution.current[::2].reshape(-1, devices)
            return Response(current[read].T, jnp.sum(solution.energy, axis=0).reshape(devices))

        return jax.vmap(one)(pulses)

    def _row(self, volts: Array) -> Array:
        """Volts of each device, with an axis for slots in front."""
        return jnp.broadcast_to(volts, self.state.length.shape)[None]

    def _by_sheet(self, x: Array) -> Array:
        """The last axis, devices, as (sheets, sites)."""
        if self.sheet is None:
            return x
        return x.reshape(*x.shape[:-1], -1, self.sheet.positions.shape[0])

    def _numbers(self) -> NickelateDevice:
        modes = ("relaxation_times", "relaxation_shares")
        arrays = {k: v for k, v in vars(self.device).items() if v.ndim > (k in modes)}
        return dc.replace(self.device, **{k: self._by_sheet(v) for k, v in arrays.items()})


# Chosen on parts of the training set of MNIST, where scores hardly depend on them. Steps are those for
# currents within 1 % of their range, root mean square for neurons, where a late firing decides.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "neuron": {"low": 0.5, "high": 1.7, "width": 5e-7, "period": 2e-6, "read_voltage": 0.5},
    "synapse": {"low": 0.5, "high": 2.8, "width": 1e-6, "period": 1e-5, "read_voltage": 0.5},
    "capacitor": {"low": 0.5, "high": 4.0, "width": 1e-6, "period": 2e-6, "read_voltage": 0.5, "steps": 16},
}
