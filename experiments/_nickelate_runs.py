"""Runs of nickelate devices in chunks of one shape, so that one compiled program does for all of them."""

import dataclasses as dc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn


P = jaxnn.Programme
LANES = 16  # devices side by side
CHUNK = 40  # segments of a call


@dc.dataclass
class Ends:
    """A run's segments, (segments, devices), and the state after them."""

    current: np.ndarray
    charge: np.ndarray
    leaked: np.ndarray
    peak: np.ndarray
    state: Any


def pick(state: Any, lane: int) -> Any:
    """All devices in the state of one of them."""
    return jax.tree.map(lambda x: jnp.repeat(x[..., lane : lane + 1], LANES, axis=-1), state)


@dc.dataclass
class Runner:
    """Applies programmes to 16 devices; `residual` is the worst of all the steps so far."""

    device: Any
    steps: int
    residual: float = 0.0

    def on(self, device: Any) -> "Runner":
        """The same for other devices."""
        return Runner(device, self.steps)

    def __call__(self, programme: Any, state: Any = None) -> Ends:
        count = programme.duration.shape[0]
        lacking = -count % CHUNK
        if lacking:
            # In front, where they change nothing: behind, they would end the run.
            programme = P.rest(1e-15, steps=self.steps).repeat(lacking) + programme
        names = ("start", "stop", "duration", "resolution", "compliance")
        fields = [getattr(programme, name) for name in names]
        wide = lambda x: jnp.broadcast_to(x.reshape(x.shape[0], -1), (x.shape[0], LANES))
        fields[:2] = map(wide, fields[:2])
        state = self.device.init_state(LANES) if state is None else state
        kept = []
        for begin in range(0, count + lacking, CHUNK):
            part = P(*(x[begin : begin + CHUNK] for x in fields), steps=self.steps)
            solution = jaxnn.simulate_devices(self.device, part, state=state)
            state = solution.final_state
            kept.append(solution)
            self.residual = max(self.residual, float(solution.residual))
        of = lambda name: np.concatenate([np.asarray(getattr(s, name)) for s in kept])[lacking:]
        return Ends(of("current"), of("charge"), of("leaked_charge"), of("peak_temperature").max(0), state)

    def read(self, state: Any, voltage: float = 0.1, wait: float = 100.0, hold: float = 1.0) -> np.ndarray:
        """V/I at the terminals [ohm]."""
        programme = P.read(voltage, wait=wait, hold=hold, steps=self.steps)
        return voltage / self(programme, state).current[-1]
