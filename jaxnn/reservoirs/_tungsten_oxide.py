"""The dynamic memristor that reservoirs of single devices began with."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxnn_kernels import bounded

from .._core import Declared, Number, as_inexact, check_at_least, check_finite, follow, unit
from ._abstract import AbstractReservoir, Response, check_pulses, in_dtype_of
from ._linear import check_reads, check_taps, taps


_FINITE = ("insulating_current", "insulating_slope", "tunnelling_current", "tunnelling_slope")
_FINITE += ("growth_rate", "growth_slope", "low", "high")


class TungstenOxideReservoir(AbstractReservoir):
    r"""A row of WOx memristors with a short memory: pulses raise their state $w$ in 0 to 1, time lowers it.

    $$I = (1 - w)\,\alpha\,(1 - e^{-\beta V}) + w\,\gamma \sinh \delta V, \qquad
      \dot w = \lambda \sinh \eta V - w / \tau$$

    Driven and read as `NickelateReservoir` is; w is exact during a pulse and after it, the energy
    is that of the current at its end. The form of the
    equations is that of Chang et al., Applied Physics A 102, 857 (2011), used for reservoirs by Du et
    al., Nature Communications 8, 2204 (2017), quoted second-hand; **the numbers are assumed**: pulses of
    3 V and 1 ms every 3 ms, a decay of 50 ms, a step of w of 0.2 per full pulse. Those that vary between
    devices may be one per device.

    ```python
    memristors = jaxnn.reservoirs.TungstenOxideReservoir(decay_time=0.02)
    pulses = jnp.array([[[1.0, 0.0, 1.0]]])
    memristors.respond(pulses).features[0, 0]  # [0.000159, 1.14e-6, 0.000278] [A]
    ```
    """

    insulating_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=5e-7, metadata=unit("A")
    )
    """Scale alpha of the insulating current [A]."""
    insulating_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.5, metadata=unit("1/V")
    )
    """Slope beta of the insulating current [1/V]."""
    tunnelling_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=4e-6, metadata=unit("A")
    )
    """Scale gamma of the tunnelling current [A]."""
    tunnelling_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=2.0, metadata=unit("1/V")
    )
    """Slope delta of the tunnelling current [1/V]."""
    growth_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1/s"))
    """Rate lambda at which pulses raise the state [1/s]."""
    growth_slope: Float[Number, "..."] = eqx.field(converter=as_inexact, default=2.0, metadata=unit("1/V"))
    """Slope eta of that rate [1/V]."""
    decay_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.05, metadata=unit("s"))
    """Time tau in which the state decays [s], positive."""
    low: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.6, metadata=unit("V"))
    """Voltage of a pulse of amplitude 0, and of the reads after the train [V]."""
    high: Float[Number, "..."] = eqx.field(converter=as_inexact, default=3.0, metadata=unit("V"))
    """Voltage of a pulse of amplitude 1 [V]."""
    width: Float[Number, ""] = eqx.field(converter=as_inexact, default=1e-3, metadata=unit("s"))
    """Time that a pulse lasts [s], above 0 and below `period`."""
    period: Float[Number, ""] = eqx.field(converter=as_inexact, default=3e-3, metadata=unit("s"))
    """Time from the start of a pulse to that of the next [s], positive."""
    reads: int = eqx.field(static=True, default=0)
    """Reads after the train, each of them a feature; at least 0."""
    every: int = eqx.field(static=True, default=1)
    """Pulses from one feature to the next, counted back from the last; at least 1."""

    def __check_init__(self):
        for name in _FINITE:
            check_finite(f"{name} of a TungstenOxideReservoir", getattr(self, name))
        check_taps(self)
        check_at_least("decay_time of a TungstenOxideReservoir", self.decay_time, 0, "s", strict=True)
        check_at_least("width of a TungstenOxideReservoir", self.width, 0, "s", strict=True)
        own = follow(self)
        gap = own.period - own.width
        check_at_least("period less width of a TungstenOxideReservoir", gap, 0, "s", strict=True)

    def respond(self, pulses: Declared[Float[Array, "samples devices slots"]]) -> Response:
        pulses = jnp.asarray(check_pulses(pulses))
        check_reads(pulses, self.reads)
        slots = pulses.shape[2]
        drive = jnp.moveaxis(jnp.pad(pulses, ((0, 0), (0, 0), (0, self.reads))), 2, 0)
        per_device = lambda x: jnp.broadcast_to(x, pulses.shape[:2])
        law = jax.tree.map(per_device, in_dtype_of(pulses, self))
        under_pulse = jnp.exp(-law.width / law.decay_time)
        at_rest = jnp.exp((law.width - law.period) / law.decay_time)

        def step(w: Array, amplitude: Array) -> tuple[Array, tuple[Array, Array]]:
            volts = law.low + amplitude * (law.high - law.low)
            end = law.decay_time * law.growth_rate * jnp.sinh(law.growth_slope * volts)
            w = bounded(end + (w - end) * under_pulse, 0, 1)
            current = (1 - w) * law.insulating_current * -jnp.expm1(-law.insulating_slope * volts)
            current = current + w * law.tunnelling_current * jnp.sinh(law.tunnelling_slope * volts)
            energy = volts * current * law.width
            return w * at_rest, (current, energy)

        _, (current, energy) = jax.lax.scan(step, jnp.zeros_like(pulses[..., 0]), drive)
        tapped = jnp.moveaxis(current[taps(slots, self.every, self.reads)], 0, -1)
        return Response(tapped, jnp.sum(energy, axis=0))

    def shares_trains(self) -> bool:
        return True
