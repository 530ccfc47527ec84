"""Runs of the waveform transformation, in pieces on disk: one that was cut off goes on where it was."""

import functools as ft
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared.pieces import write_whole
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
    """All runs of one setting, in a folder."""

    def __init__(self, setting: Setting, folder: Path, end: float):
        self.setting, self.folder, self.end = setting, folder, end

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
        path = self.path(group, transient)
        if path.is_file():
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        state, done = self._settled(group, transient)
        while done < transient - 1e-9:
            if time.perf_counter() > self.end:
                return False
            start = jnp.int32(round(done / ATTRACTOR_DT))
            begin = time.perf_counter()
            state = self._block(*group.drives, state, start)
            done += self.setting.block
            name = path.with_name(f"state_{done:g}.npz")
            _write(
                name, begin, len(state) * round(self.setting.block / ATTRACTOR_DT), state=np.asarray(state)
            )
        if time.perf_counter() > self.end:
            return False
        begin, steps = time.perf_counter(), round(self.setting.window / DT)
        first = self._window(*group.drives, state, jnp.int32(0))
        second = self._window(*group.drives, first.final_state, jnp.int32(steps))
        assert np.all(np.asarray(second.failed_step) < 0), "a step was not finite"
        rows = zip(np.asarray(first.conductance), group.frequency, strict=True)
        ratio = [on_off_ratio(g, f, DT, first=1) for g, f in rows]
        factor = np.stack([first.record.factor, second.record.factor])
        _write(path, begin, 2 * steps * len(ratio), factor=factor, ratio=np.asarray(ratio))
        print(f"{time.strftime('%H:%M:%S')} {group.name}, transient {transient:g} s", flush=True)
        return True

    def path(self, group: Group, transient: float) -> Path:
        """The file that keeps the records of a group."""
        return self.folder / group.name / f"records_{transient:g}.npz"

    def records(self, group: Group, transient: float) -> tuple[Any, Any, np.ndarray]:
        """The records of the two windows, batched over drives, and the on/off ratios."""
        with np.load(self.path(group, transient)) as file:
            samples = jnp.full(len(group.amplitude), round(self.setting.window / DT), jnp.int32)
            made = [
                analysis.ReadOutRecord(jnp.asarray(f), samples, self.setting.network.n_nodes)
                for f in file["factor"]
            ]
            return made[0], made[1], file["ratio"]

    def _settled(self, group: Group, transient: float) -> tuple[Any, float]:
        """The latest state on disk that is not beyond the transient, and its time [s]."""
        names = self.path(group, transient).parent.glob("state_*.npz")
        known = [x for x in (float(path.stem.split("_")[1]) for path in names) if x <= transient + 1e-9]
        if not known:
            return jnp.zeros((len(group.amplitude), self.setting.network.n_junctions)), 0.0
        with np.load(self.folder / group.name / f"state_{max(known):g}.npz") as file:
            return jnp.asarray(file["state"]), max(known)


def cost(folder: Path) -> dict[str, float]:
    """Steps and time of all that is in a folder, of all calls."""
    total = np.zeros(2)
    for path in folder.glob("*/[sr]*.npz"):
        with np.load(path) as file:
            total += file["cost"]
    return {"network_steps": int(total[0]), "seconds_simulating": float(total[1])}


def _write(path: Path, begin: float, steps: int, **arrays: np.ndarray) -> None:
    """With what it took."""
    write_whole(path, cost=np.asarray([steps, time.perf_counter() - begin]), **arrays)
