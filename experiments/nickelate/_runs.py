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
        # Rests of no length go in front, where they change nothing: behind, they would end the run. In
        # NumPy: JAX would compile each of these small steps for each number of segments.
        resting = {"start": 0.0, "stop": 0.0, "duration": 1e-15, "resolution": 1e-9, "compliance": 0.0}
        fields = []
        for name, value in resting.items():
            field = np.asarray(getattr(programme, name))
            if name in ("start", "stop"):
                field = np.broadcast_to(field.reshape(count, -1), (count, LANES))
            fields.append(np.concatenate([np.full((lacking, *field.shape[1:]), value), field]))
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
