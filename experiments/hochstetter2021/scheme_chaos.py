"""The fastest published chaos is a property of the numerical scheme: exponents against the time step.

A finding about: Hochstetter, J. et al. Avalanches and edge-of-chaos learning in neuromorphic nanowire
networks. Nat. Commun. 12, 4008 (2021). doi 10.1038/s41467-021-24260-z

The deposited AC data were computed with Simmons' law in three ranges of the voltage, each junction at the
voltage of the step before. The law jumps where a voltage passes half the barrier, so that junctions can
flip in every step, however short it is. Shown here, on the published network:

- flips: the voltage of a junction, step by step; how often junctions flip, by either law;
- the step: exponents against dt, by the deposited scheme with the flux alone set back (as deposited) or the
  remembered voltage too, by the law for low voltages that the paper prints, and by the same law in three
  ranges solved within the step (`jaxnn.SimmonsJunction`);
- validity: the share of steps in which some junction is beyond half the barrier, over amplitude;
- what remains: exponents over amplitude as dt becomes small, by the two laws that have a limit.

Network and --minutes as in lyapunov_map.py, whose transients are the states to start from.

    python experiments/hochstetter2021/scheme_chaos.py --reference FOLDER
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import functools as ft
import itertools
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.hochstetter2021 import _scheme_pictures as pictures
from experiments.hochstetter2021._drive_map import DISTANCE, PERTURBED, DriveMap, Drives
from experiments.shared import hochstetter2021 as published
from experiments.shared.hochstetter2021 import AMPLITUDES, FREQUENCIES
from experiments.shared.pieces import Pieces, TimeUp


SIMMONS = jaxnn.SimmonsJunction(jaxnn.parameters.hochstetter2021_ac())
BEYOND = jaxnn.analysis.VoltageRange.of(SIMMONS.filament)  # half the barrier
# Name -> the law of the transient, what a copy's differences are set back in (None: all).
SCHEMES: dict[str, tuple[str, list[int] | None]] = {
    "deposited": ("deposited", [0]),
    "deposited, voltage set back": ("deposited", None),
    "printed": ("printed", None),
    "within the step": ("printed", None),
}


class Size(NamedTuple):
    """How much is computed, and the grid of lyapunov_map.py that its drives are on."""

    amplitudes: tuple[float, ...] = AMPLITUDES
    frequencies: tuple[float, ...] = FREQUENCIES

    fast: tuple[tuple[float, float], ...] = ((3.0, 1.75), (2.5, 1.75), (3.0, 1.25), (1.25, 0.5))
    """Drives on which the step is made smaller: amplitude [V], frequency [Hz]."""
    steps: tuple[float, ...] = (1e-3, 5e-4, 2.5e-4, 1.25e-4)  # [s]
    line: tuple[float, ...] = (0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
    """Amplitudes [V] of the way through the edge."""
    frequency: float = 0.5  # [Hz] of it
    line_steps: tuple[float, ...] = (5e-4, 1.25e-4)  # [s]
    transient: float = 3000.0  # [s] by lyapunov_map.py
    settle: float = 5.0  # [s] with the new step
    seconds: float = 20.0
    seconds_within: float = 8.0
    """Of the law that is solved within the step, which costs tens of times as much."""

    def length(self, scheme: str) -> float:
        """How long a scheme is followed [s]."""
        return self.seconds_within if scheme == "within the step" else self.seconds


QUICK = Size(
    amplitudes=(0.6, 1.5),
    frequencies=(0.5,),
    fast=((1.5, 0.5), (0.6, 0.5)),
    steps=(1e-3,),
    line=(0.6, 1.5),
    line_steps=(1e-3,),
    transient=40.0,
    settle=0.5,
    seconds=1.0,
    seconds_within=0.25,
)


class Flips(jaxnn.AbstractObserver):
    """Counts steps after which a junction is on the side of half the barrier that it just came from."""

    def start(self, run: Any) -> Any:
        none = jnp.zeros(run.junction_conductance.shape, bool)
        return none, none, jnp.int32(0), jnp.zeros(none.shape, jnp.int32)

    def follow(self, memory: Any, step: Any) -> Any:
        before, turned, steps, flips = memory
        beyond = jnp.abs(step.junction_voltage) > BEYOND.limit
        turns = beyond != before
        flipped = (turns & turned).astype(jnp.int32)
        return beyond, turns, steps + jnp.max(flipped), flips + flipped


class Scheme:
    """Runs of one scheme over a set of drives, from the transients of the map."""

    def __init__(self, maps: dict[str, DriveMap], name: str):
        law, rescaled = SCHEMES[name]
        self.variables = jaxnn.PairVariables(rescaled=rescaled)
        self.map = maps[law]
        self.junction = SIMMONS if name == "within the step" else self.map.junction

    def flux(self, drives: Drives, size: Size) -> np.ndarray:
        """The fluxes of some drives of the map after the transient [V s]."""
        grid = list(itertools.product(size.amplitudes, size.frequencies))
        chosen = [grid.index(drive) for drive in zip(*(x.tolist() for x in drives), strict=True)]
        return self.map.settled("map", Drives.of(grid), size.transient)[chosen]

    def setup(self, drive: Any, dt: float) -> dict[str, Any]:
        """The arguments that all runs share."""
        return self.map.setup(drive, 0, dt) | {"junction": self.junction}

    def exponents(self, drives: Drives, flux: np.ndarray, dt: float, settle: float, seconds: float) -> Any:
        """The exponent of each drive [1/s], the mean over junctions of the second half; and its error."""

        @jax.jit
        @jax.vmap
        def settled(drive: Any) -> Any:
            steps = max(1, round(settle / dt))
            return jaxnn.simulate(**self.setup(drive, dt), steps=steps, every=steps).final_state

        @jax.jit
        @jax.vmap
        def growth(drive: Any) -> Any:
            steps = round(seconds / dt) // 20 * 20
            return jaxnn.two_trajectory_exponents(
                **self.setup(drive, dt),
                distance=DISTANCE,
                junctions=self.map.order[:PERTURBED],
                variables=self.variables,
                steps=steps,
                every=steps // 20,
            ).growth

        state = settled((*map(jnp.asarray, drives), jnp.asarray(self.map.from_fluxes(flux))))
        found = np.asarray(growth((*map(jnp.asarray, drives), state)))[:, 10:].mean(-1)
        return {"exponent": found.mean(1), "error": found.std(1, ddof=1) / found.shape[1] ** 0.5}

    def flips(self, drives: Drives, flux: np.ndarray, dt: float, seconds: float) -> dict[str, np.ndarray]:
        """Shares of steps with a flip and with a junction beyond half the barrier, and a voltage."""

        @jax.jit
        @jax.vmap
        def run(drive: Any) -> Any:
            steps = round(seconds / dt)
            setup = self.setup(drive, dt)
            record = {"flips": Flips(), "beyond": BEYOND}
            found = jaxnn.simulate(**setup, steps=steps, every=steps, record=record).recorded
            _, _, flipped, each = found["flips"]
            return flipped / steps, found["beyond"].share, each

        flipped, beyond, each = run((*map(jnp.asarray, drives), jnp.asarray(self.map.from_fluxes(flux))))
        most = int(np.argmax(each[0]))
        drive = drives.amplitude[0], drives.frequency[0], self.map.from_fluxes(flux)[0]
        shown = jaxnn.simulate(
            **self.setup(drive, dt),
            steps=round(0.5 / drives.frequency[0] / dt),
            record={"v": lambda step: step.junction_voltage[most]},
        ).recorded["v"]
        return {"flips": np.asarray(flipped), "beyond": np.asarray(beyond), "voltage": np.asarray(shown)}


def exponents(
    schemes: dict[str, Scheme],
    kind: str,
    drives: Drives,
    steps: tuple[float, ...],
    size: Size,
    pieces: Pieces,
) -> list[dict[str, Any]]:
    """Exponents of some drives by each scheme and step."""
    rows = []
    for name, scheme in schemes.items():
        flux, seconds = scheme.flux(drives, size), size.length(name)
        for dt in steps:
            make = ft.partial(scheme.exponents, drives, flux, dt, size.settle, seconds)
            found = pieces.keep(f"scheme/{name}/{kind}_{dt:g}s", make)
            rows.append({"scheme": name, "dt": dt} | {k: found[k].tolist() for k in ("exponent", "error")})
            print(f"{name:>28}, dt {1e3 * dt:g} ms:", np.round(found["exponent"], 2), flush=True)
    return rows


def main() -> None:
    """Simulates what is not there yet, prints the tables and writes picture and numbers."""
    parser = script.parser(
        __doc__, "results/scheme_chaos", quick="a small network, short runs", minutes=np.inf, reference=True
    )
    parser.add_argument(
        "--pieces", type=Path, default=Path("results/drive_map/pieces"), help="what is kept"
    )
    arguments = script.start(parser, float64=True, keep_compiled=True)
    size = QUICK if arguments.quick else Size()
    network, terminals, origin = published.network_for(arguments.reference, arguments.quick)
    print(f"{origin} network of {network.n_nodes} wires, {network.n_junctions} junctions", flush=True)
    pieces = Pieces(arguments.out / "pieces" if arguments.quick else arguments.pieces, arguments.minutes)
    maps = {law: DriveMap(network, terminals, pieces, law) for law in ("deposited", "printed")}
    schemes = {name: Scheme(maps, name) for name in SCHEMES}
    report: dict[str, Any] = {"network": origin, "fast": size.fast, "line_V": size.line}
    report["line_Hz"] = size.frequency
    fast, line = Drives.of(size.fast), Drives.of((a, size.frequency) for a in size.line)
    try:
        report["flips"] = {}
        for name in ("deposited", "printed", "within the step"):
            scheme = schemes[name]
            for kind, drives in (("fast", fast), ("line", line)):
                flux = scheme.flux(drives, size)
                make = ft.partial(scheme.flips, drives, flux, 5e-4, size.length(name))
                found = pieces.keep(f"scheme/{name}/{kind}_flips", make)
                report["flips"][f"{name}, {kind}"] = {k: v.tolist() for k, v in found.items()}
                shares = np.round(100 * found["flips"], 2), np.round(100 * found["beyond"], 2)
                print(
                    f"{name}, {kind}: flips in {shares[0]} % of steps, beyond in {shares[1]} %", flush=True
                )
        report["steps"] = exponents(schemes, "fast", fast, size.steps, size, pieces)
        with_limit = {name: schemes[name] for name in ("printed", "within the step")}
        report["line"] = exponents(with_limit, "line", line, size.line_steps, size, pieces)
    except TimeUp:
        print("not done yet: call again to go on")
        return
    pictures.draw(arguments.out / "scheme_chaos.png", report, SIMMONS)
    report["seconds"] = pieces.seconds
    script.finish(arguments.out / "scheme_chaos.json", report)


if __name__ == "__main__":
    main()
