"""The dynamic memristor that reservoirs of single devices began with."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import Number, as_inexact, check_at_least, follow, unit
from ._abstract import AbstractReservoir, Response, in_dtype_of
from ._linear import taps


class TungstenOxideReservoir(AbstractReservoir):
    r"""WOx memristors with short-term memory, whose state $w$ in 0 to 1 pulses raise and time lowers.

    $$I = (1 - w)\,\alpha\,(1 - e^{-\beta V}) + w\,\gamma \sinh \delta V, \qquad
      \dot w = \lambda \sinh \eta V - w / \tau$$

    Driven and read as `NickelateReservoir` is; w is exact during a pulse and after it, the energy
    is that of the current at its end. The form of the
    equations is that of Chang et al., Applied Physics A 102, 857 (2011), used for reservoirs by Du et
    al., Nature Communications 8, 2204 (2017), quoted second-hand; **the numbers are assumed**: pulses of
    3 V and 1 ms every 3 ms, a decay of 50 ms, a step of w of 0.2 per full pulse. Those that vary between
    devices may be one per device.
    """

    insulating_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=5e-7, metadata=unit("A")
    )
    """alpha [A]."""
    insulating_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=0.5, metadata=unit("1/V")
    )
    """beta [1/V]."""
    tunnelling_current: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=4e-6, metadata=unit("A")
    )
    """gamma [A]."""
    tunnelling_slope: Float[Number, "..."] = eqx.field(
        converter=as_inexact, default=2.0, metadata=unit("1/V")
    )
    """delta [1/V]."""
    growth_rate: Float[Number, "..."] = eqx.field(converter=as_inexact, default=1.0, metadata=unit("1/s"))
    """lambda [1/s]."""
    growth_slope: Float[Number, "..."] = eqx.field(converter=as_inexact, default=2.0, metadata=unit("1/V"))
    """eta [1/V]."""
    decay_time: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.05, metadata=unit("s"))
    """tau [s]."""
    low: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.6, metadata=unit("V"))
    """Pulse of amplitude 0, and of the reads after the train [V]."""
    high: Float[Number, "..."] = eqx.field(converter=as_inexact, default=3.0, metadata=unit("V"))
    """Pulse of amplitude 1 [V]."""
    width: Float[Number, ""] = eqx.field(converter=as_inexact, default=1e-3, metadata=unit("s"))
    """Length of a pulse [s]."""
    period: Float[Number, ""] = eqx.field(converter=as_inexact, default=3e-3, metadata=unit("s"))
    """One pulse per period [s]."""
    reads: int = eqx.field(static=True, default=0)
    every: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        check_at_least("decay_time of a TungstenOxideReservoir", self.decay_time, 0, "s", strict=True)
        own = follow(self)
        gap = own.period - own.width
        check_at_least("period less width of a TungstenOxideReservoir", gap, 0, "s", strict=True)

    def respond(self, pulses: Float[Array, "samples devices slots"]) -> Response:
        slots = pulses.shape[2]
        drive = jnp.moveaxis(jnp.pad(pulses, ((0, 0), (0, 0), (0, self.reads))), 2, 0)
        per_device = lambda x: jnp.broadcast_to(x, pulses.shape[:2])
        law = jax.tree.map(per_device, in_dtype_of(pulses, self))
        under_pulse = jnp.exp(-law.width / law.decay_time)
        at_rest = jnp.exp((law.width - law.period) / law.decay_time)

        def step(w: Array, amplitude: Array) -> tuple[Array, tuple[Array, Array]]:
            volts = law.low + amplitude * (law.high - law.low)
            end = law.decay_time * law.growth_rate * jnp.sinh(law.growth_slope * volts)
            w = jnp.clip(end + (w - end) * under_pulse, 0, 1)
            current = (1 - w) * law.insulating_current * -jnp.expm1(-law.insulating_slope * volts)
            current = current + w * law.tunnelling_current * jnp.sinh(law.tunnelling_slope * volts)
            energy = volts * current * law.width
            return w * at_rest, (current, energy)

        _, (current, energy) = jax.lax.scan(step, jnp.zeros_like(pulses[..., 0]), drive)
        tapped = jnp.moveaxis(current[taps(slots, self.every, self.reads)], 0, -1)
        return Response(tapped, jnp.sum(energy, axis=0))

    def shares_trains(self) -> bool:
        return True
