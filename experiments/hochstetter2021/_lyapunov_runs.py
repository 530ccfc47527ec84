"""Exponents of many drives, in pieces on disk: a run that was cut off goes on where it was."""

import argparse
import functools as ft
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.hochstetter2021._drive_map import DISTANCE, DT, LAWS, Runs
from experiments.shared import hochstetter2021 as published, script
from experiments.shared.pieces import Pieces, TimeUp
from jaxnn.analysis import on_off_ratio


INTERVAL = 50  # [steps] between two QR of tangents
PIECE = 50  # [s] that are simulated as one
SKIP = 10  # blocks that "late" exponents leave out
# Drives that transients up to the published one are shown on: the fastest chaos, and others.
LONG = ((3.0, 1.75), (2.5, 1.75), (3.0, 1.25), (2.0, 1.75), (0.1, 1.75), (1.25, 0.5))
# Drives that start from random states too.
STARTED = ((3.0, 1.75), (2.5, 1.75), (3.0, 1.25), (3.0, 1.0))
# Drives that the settings are changed on: amplitude [V], frequency [Hz].
PROBES = ((0.2, 0.1), (0.4, 1.0), (0.8, 0.5), (1.25, 0.1), (1.25, 0.5), (1.25, 1.0), (2.5, 0.5))


class Grid(NamedTuple):
    """Drives, and how long each is followed."""

    name: str
    amplitude: np.ndarray
    """[V], one per drive."""
    frequency: np.ndarray
    """[Hz]."""
    transient: float
    """[s]."""
    seconds: float
    """Of two trajectories [s]."""
    tangent_seconds: float
    junctions: int
    """How many are perturbed."""
    drives_at_once: int
    leading: int = 3
    """How many tangents."""
    block: float = 1.0
    """[s] whose growth is kept as one mean."""
    everywhere: bool = False
    """Pairs start in all junctions at once, as tangents do, and not in one each."""
    dt: float = DT
    distance: float = DISTANCE
    spread: float = 0.0
    """[V s] The transient starts from random fluxes up to this, at 0 from rest."""
    dtype: Any = jnp.float64
    """Of the two trajectories, see `Bench.pairs`; transients and tangents are in float32."""

    @property
    def folder(self) -> str:
        """Where its pieces are: all that its transient depends on."""
        return f"{self.name}_{self.dt:g}s"


class Size(NamedTuple):
    """How much is computed."""

    transient: float = 100.0  # [s]
    seconds: float = 200.0  # of two trajectories
    tangent_seconds: float = 25.0
    junctions: int = 8
    drives_at_once: int = 25
    probes: tuple[tuple[float, float], ...] = PROBES
    probe_seconds: float = 50.0
    probe_junctions: int = 8
    long_transient: float | None = 500.0
    distances: tuple[float, ...] = (5e-4, 5e-5, 5e-6, 5e-7)  # [V s]
    every_junction: tuple[tuple[float, float], ...] = ((0.1, 1.75), (0.4, 1.0), (1.25, 0.1), (3.0, 1.75))
    """Drives on which each junction is perturbed."""
    every_seconds: float = 10.0
    long: tuple[tuple[float, float], ...] = LONG
    transients: tuple[float, ...] = (500.0, 1000.0, 2000.0, 3000.0)  # [s] of these
    started: tuple[tuple[float, float], ...] = STARTED
    starts: int = 8
    """Random states that each of these starts from."""


QUICK = Size(
    transient=1.0,
    seconds=2.0,
    tangent_seconds=2.0,
    junctions=2,
    probes=((0.2, 0.5), (0.2, 2.0), (0.6, 0.5), (0.6, 2.0)),
    probe_seconds=2.0,
    probe_junctions=2,
    long_transient=None,
    distances=(5e-4, 5e-6),
    every_junction=(),
    long=((0.2, 0.5), (0.2, 2.0), (0.6, 0.5), (0.6, 2.0)),
    transients=(1.0,),
    started=((0.2, 0.5), (0.6, 2.0)),
    starts=2,
)
FULL = Size(
    transient=3000.0,
    tangent_seconds=200.0,
    junctions=32,
    long_transient=6000.0,
    every_seconds=200.0,
)


def grid_of(size: Size, name: str, drives: Any, **changes: Any) -> Grid:
    """The given drives, with some settings changed."""
    amplitude, frequency = np.array(drives, float).T
    grid = Grid(
        name,
        amplitude,
        frequency,
        size.transient,
        size.seconds,
        size.tangent_seconds,
        size.junctions,
        size.drives_at_once,
    )
    return grid._replace(**changes)


def summary(growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponents (drives, columns) from growth (drives, blocks, columns), and their standard errors.

    Errors are those of the means of ten parts of the run, which are longer than what they remember.
    """
    parts = np.stack([part.mean(1) for part in np.array_split(growth, min(10, growth.shape[1]), axis=1)])
    if len(parts) == 1:
        return growth.mean(1), np.full_like(parts[0], np.nan)
    with np.errstate(invalid="ignore"):
        return growth.mean(1), parts.std(0, ddof=1) / len(parts) ** 0.5


def skipped(growth: np.ndarray) -> int:
    """How many blocks "late" exponents leave out."""
    return min(SKIP, growth.shape[1] // 2)


def late_means(growth: np.ndarray) -> np.ndarray:
    """The "late" exponent of each drive, over all of its pairs."""
    return growth[:, skipped(growth) :].mean((1, 2))


class Bench(Runs):
    """Runs of the law that the paper prints; every piece of a `Grid` is a file in a folder."""

    def __init__(self, network: jaxnn.Network, terminals: tuple[int, int], pieces: Pieces):
        super().__init__(network, terminals, pieces, LAWS["printed"]())

    # Compiled once for all settings of one length; what has an axis of drives comes in `drives`.

    @ft.partial(jax.jit, static_argnums=(0, 4))
    def _run_alone(self, drives: Any, start: Any, dt: Any, steps: int) -> Any:
        one = lambda drive: jaxnn.simulate(**self.setup(drive, start, dt), steps=steps, every=steps)
        return jax.vmap(lambda drive: one(drive).final_state)(drives)

    @ft.partial(jax.jit, static_argnums=(0, 6, 7))
    def _run_pairs(
        self, drives: Any, differences: Any, start: Any, dt: Any, distance: Any, steps: int, every: int
    ) -> Any:
        one = lambda drive, differences: jaxnn.two_trajectory_exponents(
            **self.setup(drive, start, dt),
            distance=distance,
            differences=differences,
            steps=steps,
            every=every,
        )
        return jax.vmap(one)(drives, differences)

    @ft.partial(jax.jit, static_argnums=(0, 4, 5))
    def _run_tangents(self, drives: Any, start: Any, dt: Any, steps: int, count: int) -> Any:
        one = lambda drive: jaxnn.lyapunov_exponents(
            **self.setup(drive, start, dt), steps=steps, interval=INTERVAL, count=count
        )
        return jax.vmap(lambda drive: one(drive).growth)(drives)

    def piece(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray]:
        """What `make` returns, and the seconds that it "took", from its file if that is there.

        Raises `TimeUp` if it is not there and the time is over.
        """
        return self.pieces.keep(name, make) | {"took": np.array(self.pieces.took[name])}

    def settled(self, grid: Grid) -> dict[str, np.ndarray]:
        """The state of each drive after the transient."""
        shape = len(grid.amplitude), self.network.n_junctions
        at = {"state": np.random.default_rng(2).uniform(-grid.spread, grid.spread, shape)}
        took = 0.0
        for start, end in windows(0.0, grid.transient):
            steps = round((end - start) / grid.dt)
            drives = tuple(np.float32(x) for x in (grid.amplitude, grid.frequency, at["state"]))
            make = lambda drives=drives, start=start, steps=steps: {
                "state": self._run_alone(drives, round(start / grid.dt), grid.dt, steps)
            }
            at = self.piece(f"{grid.folder}/settled_{end:g}s", make)
            took += float(at["took"])
        return {"state": at["state"], "took": np.array(took)}

    def pairs(self, grid: Grid) -> dict[str, np.ndarray]:
        """Growth of finite differences [1/s], (drives, blocks, junctions), and the on/off ratio.

        In float64: a difference that decays in a junction of its own is rescaled at every step, and with it
        its faint traces in other junctions, where it would grow. Float32 rounds these off.
        """
        first = np.eye(self.network.n_junctions)[self.order[: grid.junctions]]
        if grid.everywhere:
            first = np.random.default_rng(1).normal(size=first.shape)
            first /= np.linalg.norm(first, axis=-1, keepdims=True)
        first = np.tile(grid.distance * first, (len(grid.amplitude), 1, 1))
        at = self.settled(grid) | {"differences": first}
        found = []
        for start, end in windows(grid.transient, grid.transient + grid.seconds):

            def make(chosen: slice, at: Any = at, start: float = start, end: float = end) -> dict[str, Any]:
                each = grid.amplitude, grid.frequency, at["state"], at["differences"]
                *drives, differences = (x[chosen].astype(grid.dtype) for x in each)
                run = self._run_pairs(
                    tuple(drives),
                    differences,
                    round(start / grid.dt),
                    grid.dt,
                    grid.distance,
                    round((end - start) / grid.dt),
                    round(grid.block / grid.dt),
                )
                rows = zip(np.asarray(run.conductance), grid.frequency[chosen], strict=True)
                ratio = np.array([on_off_ratio(g, f, grid.dt) for g, f in rows])
                made = {"growth": run.growth, "ratio": ratio}
                return made | {"state": run.final_state, "differences": run.final_differences}

            kind = f"pairs_{grid.junctions}_{grid.distance:g}_{np.dtype(grid.dtype).name}"
            kind += "_everywhere" if grid.everywhere else ""
            at = self._in_groups(f"{kind}_{end - grid.transient:g}s", grid, make)
            found.append(at)
        growth = np.concatenate([window["growth"] for window in found], axis=1)
        ratio = np.mean([window["ratio"] for window in found], axis=0)
        return {"growth": growth, "ratio": ratio, "took": np.array(sum(w["took"] for w in found))}

    def tangents(self, grid: Grid) -> dict[str, np.ndarray]:
        """Growth of the leading tangents [1/s], (drives, blocks, count)."""
        settled = self.settled(grid)

        def make(chosen: slice) -> dict[str, np.ndarray]:
            each = grid.amplitude, grid.frequency, settled["state"]
            growth = self._run_tangents(
                tuple(np.float32(x[chosen]) for x in each),
                round(grid.transient / grid.dt),
                grid.dt,
                round(grid.tangent_seconds / grid.dt),
                grid.leading,
            )
            per_block = round(grid.block / grid.dt) // INTERVAL
            return {"growth": np.asarray(growth).reshape(len(growth), -1, per_block, grid.leading).mean(2)}

        return self._in_groups(f"tangents_{grid.leading}_{grid.tangent_seconds:g}s", grid, make)

    def _in_groups(self, kind: str, grid: Grid, make: Callable[[slice], Any]) -> dict[str, np.ndarray]:
        """What `make` returns for each group of drives, joined along the drives."""
        found, name = [], f"{grid.folder}/after_{grid.transient:g}s/{kind}"
        starts = range(0, len(grid.amplitude), grid.drives_at_once)
        for number, begin in enumerate(starts):
            chosen = slice(begin, begin + grid.drives_at_once)
            try:
                found.append(self.piece(f"{name}_{number:02d}", lambda chosen=chosen: make(chosen)))
            except TimeUp:
                found.append(None)
        there = [group for group in found if group is not None]
        if not there:
            raise TimeUp(name)
        joined: dict[str, np.ndarray] = {"took": np.array(sum(group["took"] for group in there))}
        for key in there[0].keys() - {"took"}:
            # What is not there yet is NaN.
            size = lambda begin: len(grid.amplitude[begin : begin + grid.drives_at_once])
            shape = there[0][key].shape[1:]
            joined[key] = np.concatenate(
                [
                    np.full((size(begin), *shape), np.nan) if group is None else group[key]
                    for begin, group in zip(starts, found, strict=True)
                ]
            )
        return joined


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """The options of the scripts on Lyapunov exponents; `text` is a script's docstring."""
    parser = script.parser(
        text,
        "results/lyapunov_map",
        quick="a small network, short runs",
        full="the paper's lengths: many hours",
        minutes=np.inf,
        reference=True,
    )
    parser.add_argument("--published", type=Path, help="the deposited table of drives")
    return parser


def begin(
    parser: argparse.ArgumentParser,
) -> tuple[argparse.Namespace, Bench, Size, str, dict[tuple[float, float], Any]]:
    """What a script needs: options, runs, how much of them, whose network it is, the deposited table."""
    arguments = script.start(parser, float64=True, keep_compiled=True)
    size = QUICK if arguments.quick else FULL if arguments.full else Size()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, {network.n_junctions} junctions", flush=True)
    bench = Bench(network, terminals, Pieces(arguments.out / "pieces", arguments.minutes, aloud=True))
    table = published.read_table(arguments.published) if origin == "published" else {}
    return arguments, bench, size, origin, table


def windows(start: float, end: float) -> list[tuple[float, float]]:
    """Starts and ends of the pieces of a run."""
    starts = np.arange(start, end, PIECE).tolist()
    return [(one, min(one + PIECE, end)) for one in starts]
