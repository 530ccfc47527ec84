"""Runs of the map of drives as the deposited ones were made, by either law; what is done is kept on disk.

A transient of 3,000 s in steps of 1 ms, then 100 s in steps of 0.5 ms beside pairs of trajectories. Each
run begins at the start of a period and, by the deposited law, with no voltage remembered.
"""

import functools as ft
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared.pieces import Pieces
from jaxnn.analysis import on_off_ratio


LAWS = {
    "deposited": jaxnn.parameters.hochstetter2021_ac_deposited,
    "printed": jaxnn.parameters.hochstetter2021_ac,
}
"""What the deposited data were computed with, and the law that the paper prints and its code has."""
TRANSIENT = 3000.0  # [s] of the deposited data
TRANSIENT_DT = 1e-3  # [s]
DT = 5e-4  # [s] of pairs
DISTANCE = 5e-4  # [V s] of two trajectories, a twentieth of the critical flux
PERIOD = 40.0  # [s] a multiple of every period: frequencies are multiples of 1/40 Hz
SETTLED = 2e-13  # [V s] by which no flux has changed after that: what is left are roundings
STEADY = 4.0  # [s] until a pair of an ordered drive is steady
ORDERED = -1.0  # [1/s] below which an exponent counts as order
TOGETHER = 24  # drives in one program
FEW = (1, 2, 4, 8, 16)  # drives in one program, where there are no more
PERTURBED = 7  # junctions in one program: with the undisturbed network eight copies
MANY = 87  # junctions in one program where every one is perturbed: a third of the published network's


class Drives(NamedTuple):
    """Amplitudes [V] and frequencies [Hz], one per drive."""

    amplitude: np.ndarray
    frequency: np.ndarray

    @classmethod
    def of(cls, pairs: Any) -> "Drives":
        """From (amplitude, frequency), drive by drive."""
        return cls(*np.array(list(pairs), float).T)

    def __getitem__(self, chosen: Any) -> "Drives":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Drives(self.amplitude[chosen], self.frequency[chosen])


def deposited_window(frequency: Any) -> tuple[Any, Any]:
    """The first step, and how many, of a run of 100 s in steps of 0.5 ms that the deposited mean is over.

    n = round(70 f) periods, of which round(0.3 n) *steps*, not periods, are left out, and as many steps as
    go into 140,000 in multiples of n: some 70 s in place of the 200 s that the paper has.
    """
    periods = np.maximum(1, np.floor(70 * np.asarray(frequency) + 0.5)).astype(int)
    return np.floor(0.3 * periods + 0.5).astype(int), 140_000 // periods * periods


def whole_seconds(frequency: float) -> int:
    """The least whole seconds, four or more, that are whole periods."""
    return next(n for n in range(4, round(PERIOD) + 1) if abs(n * frequency - round(n * frequency)) < 1e-9)


def tolerance(value: Any) -> Any:
    """10 % or 0.3 /s, whichever is more."""
    return np.maximum(0.3, 0.1 * abs(value))


class Runs:
    """What runs of one law on one network share; what is done of them is kept in `pieces`."""

    def __init__(
        self,
        network: jaxnn.Network,
        terminals: tuple[int, int],
        pieces: Pieces,
        junction: jaxnn.AbstractJunction,
    ):
        self.network, self.terminals, self.pieces, self.junction = network, terminals, pieces, junction
        # The first few of one order, so that more junctions add to what is there.
        self.order = np.random.default_rng(0).permutation(network.n_junctions)

    def setup(self, drive: Any, start: Any, dt: Any) -> dict[str, Any]:
        """The arguments that all runs share, of one drive: (amplitude, frequency, state)."""
        amplitude, frequency, state = drive
        return {
            "network": self.network,
            "junction": self.junction,
            "drive": jaxnn.Triangle(amplitude, frequency),
            "terminals": self.terminals,
            "dt": dt,
            "state": state,
            "start_step": start,
        }


class DriveMap(Runs):
    """One network under many drives by one law; each piece is a file in a folder named for the law."""

    def __init__(self, network: jaxnn.Network, terminals: tuple[int, int], pieces: Pieces, law: str):
        super().__init__(network, terminals, pieces, LAWS[law]())
        self.law = law
        self.variables = jaxnn.PairVariables(rescaled=[0]) if law == "deposited" else None

    @ft.partial(jax.jit, static_argnums=(0, 3))
    def _transient(self, drives: Any, start: Any, steps: int) -> Any:
        one = lambda drive: jaxnn.simulate(
            **self.setup(drive, start, TRANSIENT_DT), steps=steps, every=steps
        )
        return jax.vmap(lambda drive: one(drive).final_state)(drives)

    @ft.partial(jax.jit, static_argnums=(0, 4))
    def _pairs(self, drives: Any, differences: Any, window: Any, steps: int) -> Any:
        def one(drive: Any, differences: Any, window: Any) -> Any:
            found = jaxnn.two_trajectory_exponents(
                **self.setup(drive, 0, DT),
                distance=DISTANCE,
                differences=differences,
                variables=self.variables,
                steps=steps,
                every=1,
            )
            number, (first, count) = jnp.arange(steps)[:, None], window
            inside = jnp.where((number >= first) & (number < first + count), found.growth, 0)
            seconds = found.growth.reshape(-1, round(1 / DT), found.growth.shape[-1]).mean(1)
            inside_steps = jnp.minimum(count, steps - first).astype(inside.dtype)
            return inside.sum(0) / inside_steps, seconds, found.conductance

        return jax.vmap(one)(drives, differences, window)

    def settled(self, name: str, drives: Drives, seconds: float) -> np.ndarray:
        """The fluxes of each drive after a transient of `seconds` from rest, whole `PERIOD`s of it.

        A drive whose fluxes have come back after a period is not followed on: they would again.
        """
        at = self.at_rest(len(drives.amplitude))
        moving = np.ones(len(at), bool)
        for number in range(round(seconds / PERIOD)):
            if not moving.any():
                break

            def make(at: np.ndarray = at, moving: np.ndarray = moving, number: int = number) -> Any:
                state, steps = at.copy(), round(PERIOD / TRANSIENT_DT)
                run = lambda x: self._transient(x, number * steps, steps)
                state[moving] = in_groups(run, *drives[moving], at[moving])
                return {"state": state}

            piece = self.pieces.keep(f"{self.law}/{name}/settled_{(number + 1) * PERIOD:g}s", make)
            after = np.where(moving.reshape(-1, *(1,) * (at.ndim - 1)), piece["state"], at)
            change = abs(self.fluxes(after) - self.fluxes(at)).max(-1)
            at, moving = after, moving & ~(change < SETTLED)
        return self.fluxes(at)

    def followed(self, name: str, drives: Drives, flux: np.ndarray, seconds: float) -> np.ndarray:
        """The fluxes so many seconds later, a whole number of periods, in the steps of a transient."""
        steps = round(seconds / TRANSIENT_DT)
        run = lambda x: self._transient(x, 0, steps)
        make = lambda: {"state": in_groups(run, *drives, self.from_fluxes(flux))}
        return self.fluxes(self.pieces.keep(f"{self.law}/{name}/followed_{seconds:g}s", make)["state"])

    def pairs(
        self,
        name: str,
        drives: Drives,
        flux: np.ndarray,
        junctions: range,
        seconds: float,
        perturbed: int = PERTURBED,
    ) -> dict[str, np.ndarray]:
        """Exponents of pairs of trajectories from some junctions of an order, drive by drive.

        So many of them in one program, and of drives as many as then are as many copies of the network.

        "window" (drives, junctions): means over the deposited window [1/s]; "growth" (drives, seconds,
        junctions): over each second [1/s]; "ratio" (drives,): on/off ratios of the undisturbed network.
        """
        parts, together = [], TOGETHER * (PERTURBED + 1) // (perturbed + 1)
        for begin in range(junctions.start, junctions.stop, perturbed):
            first = np.zeros((perturbed, *self.at_rest(1).shape[1:]))
            of_flux = first[:, 0] if self.law == "deposited" else first
            # The last ones fill up the program.
            chosen = np.resize(self.order[begin : begin + perturbed], perturbed)
            of_flux[np.arange(perturbed), chosen] = DISTANCE
            found = []
            for start in range(0, len(flux), together):
                some, fluxes = drives[start : start + together], flux[start : start + together]
                make = ft.partial(self._group_of_pairs, some, fluxes, first, seconds)
                kind = f"pairs_{seconds:g}s_{begin // perturbed}_{start // together:02d}"
                found.append(self.pieces.keep(f"{self.law}/{name}/{kind}", make))
            parts.append({key: np.concatenate([x[key] for x in found]) for key in found[0]})
        joined = {key: np.concatenate([x[key] for x in parts], -1) for key in ("window", "growth")}
        return {key: x[..., : len(junctions)] for key, x in joined.items()} | {"ratio": parts[0]["ratio"]}

    def of_every_junction(self, name: str, drives: Drives, flux: np.ndarray) -> np.ndarray:
        """Exponents from each junction over the deposited window, (drives, junctions) [1/s], in order.

        A pair of an ordered drive is steady after some seconds: its rate over whole periods then goes on
        to the end of the window.
        """
        late = np.array([whole_seconds(f) for f in drives.frequency.tolist()])
        found = np.empty((len(flux), self.network.n_junctions))
        for seconds in np.unique(late).tolist():
            some = late == seconds
            runs = f"{name}_{seconds}s", drives[some], flux[some]
            pairs = self.pairs(*runs, range(self.network.n_junctions), STEADY + seconds, MANY)
            first, count = (x[:, None] for x in deposited_window(drives.frequency[some]))
            inside = np.minimum(count, round((STEADY + seconds) / DT) - first)
            rate = pairs["growth"][:, -seconds:].mean(1)
            found[some] = (inside * pairs["window"] + (count - inside) * rate) / count
        return found

    def _group_of_pairs(self, drives: Drives, flux: np.ndarray, first: np.ndarray, seconds: float) -> Any:
        differences = np.broadcast_to(first, (len(flux), *first.shape))
        window = np.stack(deposited_window(drives.frequency), -1)
        run = lambda x: self._pairs(x[:3], x[3], (x[4][:, 0], x[4][:, 1]), round(seconds / DT))
        arrays = *drives, self.from_fluxes(flux), differences, window
        window, growth, conductance = in_groups(run, *arrays)
        rows = zip(conductance, drives.frequency.tolist(), strict=True)
        ratio = [on_off_ratio(g, f, DT) for g, f in rows]
        return {"window": window, "growth": growth, "ratio": np.array(ratio)}

    def tangents(self, name: str, drives: Drives, flux: np.ndarray, seconds: float) -> np.ndarray:
        """The leading exponent by the tangent dynamics, drive by drive [1/s]."""

        @jax.jit
        @jax.vmap
        def leading(drive: Any) -> Any:
            steps = round(seconds / DT)
            setup = self.setup(drive, 0, DT)
            return jaxnn.lyapunov_exponents(**setup, steps=steps, interval=50, count=1).exponents[..., 0]

        make = lambda: {"leading": in_groups(leading, *drives, self.from_fluxes(flux))}
        return self.pieces.keep(f"{self.law}/{name}/tangents_{seconds:g}s", make)["leading"]

    def loop(self, name: str, drives: Drives, flux: np.ndarray, periods: int) -> Any:
        """ "voltage" [V] and "current" [A] of one drive over some periods, a thousand times in each."""
        frequency = float(drives.frequency[0])
        make = lambda: self._loop(
            drives, flux, round(periods / frequency / DT), round(1e-3 / frequency / DT)
        )
        return self.pieces.keep(f"{self.law}/{name}/loop_{drives.amplitude[0]:g}V_{frequency:g}Hz", make)

    def _loop(self, drives: Drives, flux: np.ndarray, steps: int, every: int) -> dict[str, Any]:
        drive = drives.amplitude[0], drives.frequency[0], self.from_fluxes(flux)[0]
        every = max(1, every)
        run = jaxnn.simulate(**self.setup(drive, 0, DT), steps=steps // every * every, every=every)
        return {"voltage": run.drive[:, 0], "current": run.terminal_current[:, 0]}

    def at_rest(self, count: int) -> np.ndarray:
        """The state that a run starts from, once for each of `count` drives."""
        rest = np.asarray(self.junction.init_state(self.network.n_junctions), float)
        return np.tile(rest, (count, *(1,) * rest.ndim))

    def fluxes(self, state: np.ndarray) -> np.ndarray:
        """Of states, without the voltages that the deposited law remembers."""
        return state[..., 0, :] if self.law == "deposited" else state

    def from_fluxes(self, flux: np.ndarray) -> np.ndarray:
        """States that a run begins with: no voltage is remembered."""
        return np.stack([flux, np.zeros_like(flux)], -2) if self.law == "deposited" else flux


def in_groups(run: Callable[[Any], Any], *arrays: np.ndarray) -> Any:
    """What `run` returns for all drives, a group at a time, the last filled up: one program for all.

    Where there are few drives, the smallest of some groups that holds them.
    """
    count, found = len(arrays[0]), []
    together = next((size for size in FEW if count <= size), TOGETHER)
    for begin in range(0, count, together):
        index = np.minimum(np.arange(begin, begin + together), count - 1)
        made = run(tuple(x[index] for x in arrays))
        found.append(jax.tree.map(np.asarray, made))
    return jax.tree.map(lambda *x: np.concatenate(x)[:count], *found)
