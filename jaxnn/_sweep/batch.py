"""The compiled part of a sweep: a chunk of runs in one call on all local devices."""

import dataclasses
import functools as ft
import hashlib
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from jax.stages import Compiled
from jaxtyping import Array, Float, PyTree

from .._core import free_memory, user_code
from .._networks import Ensemble, padded_ranges
from .._simulation import Diagnosis, Solution
from .layout import Layout
from .study import Case, Study


# Runs in a call beyond which a device gains nothing: caches of a CPU, launches of a GPU.
_MOST_RUNS = {"cpu": 1024, "gpu": 65_536}
_UNKNOWN_MEMORY = 4 * 2**30  # [B] where the system does not say
_SHARE = 0.5  # of the free memory that a chunk may take


class Program(NamedTuple):
    """A compiled chunk: `points` combinations of numbers, each on all networks of the case."""

    call: Any
    points: int
    footprint: int
    """Memory that the call takes on each device [B]."""

    def __call__(self, numbers: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """`count` columns of numbers to arrays (count, networks, ...)."""
        room = self.points - count
        padded = {
            path: np.concatenate([column, np.repeat(column[-1:], room, axis=0)])
            for path, column in numbers.items()
        }
        # One number that nothing hangs on, because a batch of nothing has no size.
        out = self.call(
            {path: jnp.asarray(column) for path, column in padded.items()}, np.arange(self.points)
        )
        _wait_for(out)
        return {name: np.asarray(value)[:count] for name, value in out.items()}


def _wait_for(arrays: dict[str, Any]) -> None:
    """Waits in Python, which Ctrl-C can end, unlike a wait inside the runtime."""
    begin = time.perf_counter()
    while not all(array.is_ready() for array in arrays.values()):
        # A fiftieth of the time so far is not missed.
        time.sleep(min(max(0.02 * (time.perf_counter() - begin), 1e-4), 0.02))


def columns(study: Study) -> dict[str, np.dtype]:
    """The parameters that change from run to run of one program, with their dtypes."""
    return {
        path: np.dtype(column.dtype)
        for axis, taken in zip(study.axes, study.structural, strict=True)
        if not taken
        for path, column in axis.columns.items()
    }


def compile_case(case: Case, points: int) -> Program:
    """Compiles a chunk of `points` combinations, shared among the local devices."""
    devices, points = jax.local_devices(), padded(points)
    mesh = Mesh(np.asarray(devices), ("runs",))
    spec = P("runs")
    # Each device runs its share by itself: the program of one, however many there are.
    sharded = jax.shard_map(
        _batched(case), mesh=mesh, in_specs=(spec, spec), out_specs=spec, check_vma=False
    )
    compiled = jax.jit(sharded).lower(*_blank(case.study, points)).compile()
    return Program(compiled, points, _footprint(compiled))


def padded(points: int) -> int:
    """The next size that the local devices can share."""
    devices = len(jax.local_devices())
    return math.ceil(points / devices) * devices


def fitting_program(case: Case, wanted: int, layout: Callable[[int], Layout]) -> Program:
    """The program of as many points as fit the device's memory, by the measured footprint.

    `layout` cuts the sweep into chunks of at most so many points.

    **Raises:** `MemoryError` if not even one does.
    """
    devices = jax.local_devices()
    most = max(1, _MOST_RUNS.get(devices[0].platform, 65_536) // len(case.networks)) * len(devices)
    points = min(wanted, most)
    free = _SHARE * _free_memory(devices)
    while True:
        program = compile_case(case, layout(points).points)
        if program.footprint <= free:
            return program
        if points <= len(devices):
            raise MemoryError(
                f"One run on {len(case.networks)} networks takes {program.footprint / 2**20:.0f} MiB, more "
                f"than the {free / 2**20:.0f} MiB that a chunk may take: give networks_at_once= a "
                "smaller number, or keep fewer steps (every=), of which a reduction then sees no more."
            )
        points = max(len(devices), int(0.9 * points * free / program.footprint))


def check_fits(program: Program) -> None:
    """**Raises:** `MemoryError` for a chunk of a given size that would not fit the devices."""
    free = _free_memory(jax.local_devices())
    if program.footprint > free:
        raise MemoryError(
            f"A chunk of {program.points:,} combinations takes {program.footprint / 2**20:,.0f} MiB, more "
            f"than the {free / 2**20:,.0f} MiB that are free: give points= a smaller number, or leave it "
            "out to have it chosen (for a sweep that was begun elsewhere, with another folder)."
        )


class Probe(NamedTuple):
    """What tracing one run on the first network tells."""

    digest: str
    """Of the program: junction law, drive, solver, reductions, all."""
    shapes: dict[str, jax.ShapeDtypeStruct]
    """Shape and dtype of each result of one run on one network."""


@ft.lru_cache(maxsize=1)
def probe(study: Study) -> Probe:
    """Traces one run. A user's function or an edited law cannot be compared in another way."""
    case = study.build([0] * len(study.axes), [1] * len(study.axes))
    lowered = jax.jit(_batched(case)).lower(*_blank(study, 1))
    digest = hashlib.sha256(lowered.as_text().encode()).hexdigest()[:16]
    shapes = {n: jax.ShapeDtypeStruct(x.shape[2:], x.dtype) for n, x in lowered.out_info.items()}
    return Probe(digest, shapes)


def times_kept(study: Study) -> Float[np.ndarray, " time"]:
    """The times of a trace [s], the same for all runs."""
    settings = study.settings
    every = int(settings.get("every", 1))
    kept = every * np.arange(1, int(settings["steps"]) // every + 1)
    return (int(settings.get("start_step", 0)) + kept) * float(settings["dt"])


def _blank(study: Study, points: int) -> tuple[PyTree, PyTree]:
    dtype = lambda d: jax.dtypes.canonicalize_dtype(d)
    numbers = {path: jax.ShapeDtypeStruct((points,), dtype(d)) for path, d in columns(study).items()}
    return numbers, jax.ShapeDtypeStruct((points,), dtype(np.int64))


def _batched(case: Case) -> Callable[[dict[str, Array], Array], dict[str, Array]]:
    """(numbers, places) with a leading axis -> results (points, networks, ...)."""
    run, ensemble, reductions = case.runner(), case.ensemble, case.study.reductions

    def reduce(solution: Any) -> dict[str, Array]:
        out = {}
        for name, reduction in reductions.items():
            what = f"the reduction {name!r}"
            try:
                with user_code(what):
                    out[name] = jnp.asarray(reduction.function(solution))
            except ValueError as error:
                # A refusal of its own does not know under which name it is kept.
                if str(error).startswith(what):
                    raise
                raise ValueError(f"{what} cannot be run: {error}") from error
        return out | _diagnosis(solution, out)

    def one(numbers: dict[str, Array], _unused_place: Array) -> dict[str, Array]:
        solution = run(numbers)
        if ensemble is None:
            return jax.tree.map(lambda x: x[None], reduce(solution))
        return jax.vmap(lambda parts: reduce(Solution(**parts)))(_by_network(solution, ensemble))

    return jax.vmap(one)


def _diagnosis(solution: object, results: dict[str, Array]) -> dict[str, Array]:
    """First step that cannot be right, or -1, and the largest move of a state, NaN if unknown."""
    if isinstance(solution, Solution):
        return {"failed_step": solution.failed_step, "largest_change": solution.largest_change}
    # What another method makes of a run can fail where the run did not.
    bad = [jnp.isnan(x).any() for x in results.values() if jnp.issubdtype(x.dtype, jnp.inexact)]
    failed = jnp.any(jnp.stack(bad)) if bad else jnp.asarray(False)
    known = getattr(solution, "diagnosis", None)
    before, change = -1, jnp.nan
    if isinstance(known, Diagnosis):
        before, change = known.failed_step, known.largest_change
    return {
        "failed_step": jnp.where(failed & (jnp.asarray(before) < 0), 0, before).astype(jnp.int32),
        "largest_change": jnp.asarray(change),
    }


def _by_network(solution: object, ensemble: Ensemble) -> dict[str, Any]:
    """The fields of one solution per network, along a leading axis; wires and junctions end in NaN.

    Networks of fewer wires than the largest have no value there.
    """
    if not isinstance(solution, Solution):
        raise ValueError(f"An ensemble gives a jaxnn.Solution, got {type(solution).__name__}.")
    n = ensemble.n_networks
    repeat = lambda x: jnp.broadcast_to(x, (n, *x.shape))
    axis = {field.name: field.metadata.get("per", "") for field in dataclasses.fields(Solution)}
    offsets = {"junction": ensemble.junction_offsets, "node": ensemble.node_offsets}
    parts = {}
    for name, x in vars(solution).items():
        if name == "setup":  # that of all networks together
            continue
        if not eqx.is_array(x) or name in ("largest_change", "failed_step", "cause"):
            parts[name] = x
        elif name == "failed_junction":
            # In the network's own numbers.
            parts[name] = jnp.where(x < 0, -1, x - jnp.asarray(ensemble.junction_offsets[:-1], x.dtype))
        elif axis[name] == "network":
            parts[name] = jnp.moveaxis(x, 1, 0)
        elif axis[name] in offsets:
            parts[name] = _padded(x, offsets[axis[name]])
        else:
            parts[name] = repeat(x)
    return parts


def _padded(x: Array, offsets: tuple[int, ...]) -> Array:
    taken = jnp.take(x, padded_ranges(offsets), axis=-1, mode="fill", fill_value=jnp.nan)
    return jnp.moveaxis(taken, -2, 0)


def _footprint(compiled: Compiled) -> int:
    memory = compiled.memory_analysis()
    sizes = ("temp_size_in_bytes", "argument_size_in_bytes", "output_size_in_bytes")
    return sum(getattr(memory, size) for size in sizes)


def _free_memory(devices: list[Any]) -> float:
    """Free memory of each device [B]."""
    stats = devices[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    # On a CPU all devices share the machine's memory.
    free = free_memory()
    return (_UNKNOWN_MEMORY if free is None else free) / len(devices)
