"""Runs of the waveform transformation, in pieces on disk: one that was cut off goes on where it was."""

import functools as ft
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared.pieces import Pieces, TimeUp
from jaxnn import analysis
from jaxnn.analysis import on_off_ratio


ATTRACTOR_DT = 5e-4  # [s] of the transient
DT = 1e-3  # [s] of the windows


class Group(NamedTuple):
    """Drives that are simulated together."""

    name: str
    amplitude: tuple[float, ...]
    frequency: tuple[float, ...]

    @property
    def drives(self) -> tuple[Any, Any]:
        """Amplitudes [V] and frequencies [Hz]."""
        return jnp.asarray(self.amplitude), jnp.asarray(self.frequency)

    def transient(self, seconds: float) -> float:
        """The shortest transient of whole periods of all drives, and of at least so many seconds.

        The windows begin at phase 0, as the authors' do, and all frequencies are multiples of 1/40 Hz.
        """
        cycles = seconds * np.asarray(self.frequency)
        return seconds if np.allclose(cycles, np.round(cycles)) else 2 * seconds


class Setting(NamedTuple):
    """The network, and the lengths of what is simulated."""

    network: jaxnn.Network
    terminals: tuple[int, int]
    block: float = 20.0
    """Of the transient that is simulated as one [s]."""
    window: float = 80.0
    """Over which read-outs are trained, and over which they are judged [s]."""
    segment: int = 1000


def targets(amplitude: Any, frequency: Any, time_: Any) -> Any:
    """What the read-outs have to give, (times, targets), in the order of `TARGETS`."""
    drives = (
        jaxnn.Sine(amplitude, frequency),
        jaxnn.Square(amplitude, frequency),
        jaxnn.Triangle(amplitude, frequency, phase=jnp.pi / 2),
        jaxnn.Triangle(amplitude, 2 * frequency),
    )
    return jnp.stack([jax.vmap(drive)(time_) for drive in drives], axis=1)


class Runs:
    """All runs of one setting, with their pieces on disk."""

    def __init__(self, setting: Setting, pieces: Pieces):
        self.setting, self.pieces = setting, pieces
        self.steps = 0  # of all networks, as far as they were asked for

    @ft.cached_property
    def _block(self) -> Any:
        """A piece of the transient: drives, state and the step to start from -> state."""
        s, junction = self.setting, jaxnn.parameters.hochstetter2021_ac()
        steps = round(s.block / ATTRACTOR_DT)

        def one(amplitude: Any, frequency: Any, state: Any, start: Any) -> Any:
            return jaxnn.simulate(
                s.network,
                junction,
                jaxnn.Triangle(amplitude, frequency),
                terminals=s.terminals,
                dt=ATTRACTOR_DT,
                steps=steps,
                every=steps,
                start_step=start,
                state=state,
            ).final_state

        return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))

    @ft.cached_property
    def _window(self) -> Any:
        """A window: drives, state and the step to start from -> `analysis.ReadOutRun`."""
        s, junction = self.setting, jaxnn.parameters.hochstetter2021_ac()
        steps = round(s.window / DT)

        def one(amplitude: Any, frequency: Any, state: Any, start: Any) -> Any:
            return analysis.record_read_out(
                s.network,
                junction,
                jaxnn.Triangle(amplitude, frequency),
                targets(amplitude, frequency, DT * (start + jnp.arange(1, steps + 1))),
                terminals=s.terminals,
                dt=DT,
                segment=s.segment,
                start_step=start,
                state=state,
            )

        return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)))

    def extend(self, group: Group, transient: float) -> bool:
        """Simulates a group, its two windows after the transient, as far as time allows; whether it did."""
        name = f"{group.name}/records_{transient:g}"
        new = not self.pieces.has(name)
        try:
            state = self._settled(group, transient)
            self.pieces.keep(name, lambda: self._windows(group, state))
        except TimeUp:
            return False
        self.steps += 2 * len(state) * round(self.setting.window / DT)
        if new:
            print(f"{time.strftime('%H:%M:%S')} {group.name}, transient {transient:g} s", flush=True)
        return True

    def records(self, group: Group, transient: float) -> tuple[Any, Any, np.ndarray]:
        """The records of the two windows that `extend` made, batched over drives, and the on/off ratios."""
        found = self.pieces.find(f"{group.name}/records_{transient:g}")
        assert found is not None
        samples = jnp.full(len(group.amplitude), round(self.setting.window / DT), jnp.int32)
        first, second = (
            analysis.ReadOutRecord(jnp.asarray(f), samples, self.setting.network.n_nodes)
            for f in found["factor"]
        )
        return first, second, found["ratio"]

    def _settled(self, group: Group, transient: float) -> Any:
        """The states after the transient, block by block: a shorter one begins a longer one."""
        state, done = np.zeros((len(group.amplitude), self.setting.network.n_junctions)), 0.0
        while done < transient - 1e-9:
            start = jnp.int32(round(done / ATTRACTOR_DT))
            make = lambda state=state, start=start: {"state": self._block(*group.drives, state, start)}
            done += self.setting.block
            state = self.pieces.keep(f"{group.name}/state_{done:g}", make)["state"]
            self.steps += len(state) * round(self.setting.block / ATTRACTOR_DT)
        return state

    def _windows(self, group: Group, state: Any) -> dict[str, Any]:
        """The triangular factors of the two windows, and the on/off ratios."""
        steps = round(self.setting.window / DT)
        first = self._window(*group.drives, state, jnp.int32(0))
        second = self._window(*group.drives, first.final_state, jnp.int32(steps))
        assert np.all(np.asarray(second.failed_step) < 0), "a step was not finite"
        rows = zip(np.asarray(first.conductance), group.frequency, strict=True)
        ratio = [on_off_ratio(g, f, DT, first=1) for g, f in rows]
        return {"factor": np.stack([first.record.factor, second.record.factor]), "ratio": ratio}
