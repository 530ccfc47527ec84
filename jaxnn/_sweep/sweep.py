"""The sweep itself: chunks of runs, each computed, written and recorded before the next."""

import json
import math
import time
from collections.abc import Callable
from typing import Any, SupportsIndex

import jax
import numpy as np
from jaxtyping import ArrayLike

from .._core import Declared, FilePath, arguments, bar, notice, ticking, unit_of, warn_user
from .._drives import AbstractDrive
from .._junctions import AbstractJunction
from .._simulation import LARGEST_CHANGE, simulate
from . import batch as _batch, provenance as _provenance
from .axes import Over, axes_of, short_names
from .layout import Layout, layout_from, make_layout
from .open import Dataset, open_sweep, require_store_libraries, summary_of
from .reductions import Reduce, Reduction, recording, reductions_of
from .store import Store, Variable
from .study import NetworkLike, Study, TerminalsLike


_NETWORKS_AT_ONCE = 64


def _terminals(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is wires by number, or a function that chooses them."""
    if isinstance(value, type) or not callable(value):
        arguments.whole_numbers(ndim=1, low=0)(name, value)


@arguments.checked(
    junction=arguments.one_of(AbstractJunction),
    terminals=_terminals,
    dt=arguments.real(ndim=0, above=0, known=True),
    steps=arguments.count(),
    points=arguments.count(),
    networks_at_once=arguments.count(),
    method=arguments.function,
    progress=arguments.flag,
)
def sweep(
    network: NetworkLike,
    junction: AbstractJunction,
    drive: AbstractDrive,
    *,
    over: Over,
    terminals: TerminalsLike,
    dt: Declared[ArrayLike],
    steps: SupportsIndex,
    out: FilePath,
    reduce: Reduce = ("final_conductance",),
    points: int | None = None,
    networks_at_once: int | None = None,
    method: Callable[..., Any] = simulate,
    progress: bool = True,
    **settings: Any,
) -> Dataset:
    """Simulates every combination of some parameters, and keeps labelled results on disk.

    - `network`: a `jaxnn.Network`, or a function that returns one. Its arguments, such as a seed, are
      then parameters of the sweep, and each value is another network.
    - `junction`, `drive`: the base case, as for `jaxnn.simulate`.
    - `over`: what changes: a `jaxnn.Grid`, `Sample` or `Table`, a mapping of paths to values (a grid), or
      a list of these, each combined with each. A path names a number by where it is: "junction.boost",
      "drive.drives.0.amplitude", "network.seed", "terminals.path_length".
    - `terminals`: two or more wires, or a function of the network such as `jaxnn.farthest_pair`.
    - `out`: the folder of the results. If it holds the same sweep unfinished, that is finished.
    - `reduce`: what is kept of each run: names of reductions, or a mapping of names to functions of a
      `jaxnn.Solution` or to `jaxnn.Reduction`. With several networks, a solution's values per
      junction or wire end in NaN up to the size of the largest.
    - `points`: combinations of numbers in a chunk; by default as many as fit the devices' memory by
      the measured footprint of the compiled program, but no more than make it faster.
    - `networks_at_once`: different networks in one compiled program, 64 by default.
    - `method`: `jaxnn.simulate`, or a function called as it is, such as `jaxnn.lyapunov_exponents` (for
      one network at a time).
    - `progress`: a bar with throughput and time left, on a terminal or in a notebook.
    - `settings`: further arguments of `method`, such as `every`, `record`, `solver`. Where networks or
      terminals change, a `key` is folded with their number, in row-major order along such axes: the
      random numbers of a run depend neither on those it is run with nor on devices.

    Returns an `xarray.Dataset` that reads from the store as needed. Besides the reductions it has
    `diagnosis` (0 successful, 1 dt too large, 2 failed), `failed_step` and `largest_change`.

    Killed at any moment and called again, it goes on after the last finished chunk and ends with the
    same bytes. Within `jax.distributed`, each process computes and writes its own chunks.

    **Raises:** `ValueError` for arguments that do not fit, and if `out` holds another sweep, or is
    being written by another run; `OSError` if it cannot be written, with all finished chunks safe;
    `MemoryError` if nothing fits.

    ```python
    results = jaxnn.sweep(
        network, law, drive, over={"drive.amplitude": [0.1, 0.3]}, out="results", progress=False, **setup
    )
    results.final_conductance.dims  # ("amplitude",)
    results.final_conductance.values  # [1.29e-7, 8.63e-7] [S]
    ```
    """
    require_store_libraries()
    store = Store(out, jax.process_index(), jax.process_count())
    reductions = reductions_of(reduce)
    settings = {"dt": dt, "steps": steps, **recording(reductions, settings)}
    study = Study(network, junction, drive, terminals, axes_of(over), reductions, method, settings)
    return _finished(study, store, points, networks_at_once, progress)


def _finished(
    study: Study, store: Store, points: int | None, networks_at_once: int | None, progress: bool
) -> Any:
    """The results, once all are there."""
    try:
        with notice("sweep", lambda: "beginning", show=progress):
            run = Run(study, store, points, networks_at_once)
        run.to_the_end(progress)
    finally:
        # Whatever came between: a notebook lives on, and its next call must not find the folder taken.
        store.release()
    dataset = open_sweep(store.folder)
    _warn_of_failures(dataset)
    return dataset


def _warn_of_failures(dataset: Dataset) -> None:
    counts = summary_of(dataset)
    bad = [f"{counts[name]:,} {name}" for name in ("failed", "dt too large") if counts[name]]
    if bad:
        warn_user(
            f"of {counts['runs']:,} runs {' and '.join(bad)}: look at `diagnosis`, `failed_step` and "
            "`largest_change` before believing their numbers, and simulate one alone to be told why."
        )


class Run:
    """A sweep under way: what is in its store, what this process has yet to do."""

    def __init__(self, study: Study, store: Store, points: int | None, networks_at_once: int | None):
        self.study, self.store = study, store
        if networks_at_once is None:
            networks_at_once = _NETWORKS_AT_ONCE if study.method is simulate else 1
        # The networks that were compiled last, and the program.
        self.compiled: tuple[tuple[int, ...], _batch.Program] | None = None
        # The chunks of this process that are known to be whole.
        self.finished: set[int] | None = None
        specification = _provenance.specification(study)
        attributes = store.attributes()
        self.layout = self._known_layout(attributes, specification)
        # A finished sweep is not written to: its folder may be for reading only.
        if attributes is None or not self._is_complete(attributes):
            try:
                store.take()
                self._begin(specification, points, networks_at_once)
            except BaseException:
                store.release()
                raise

    def _begin(self, specification: dict[str, Any], points: int | None, networks_at_once: int) -> None:
        """Makes the store or mends it, with the right to write."""
        attributes = self.store.attributes()
        if jax.process_index() != 0:
            self._wait_for(self._is_described)
            attributes = self.store.attributes()
        elif attributes is None:
            self.layout = self._new_layout(points, networks_at_once)
            attributes = _provenance.attributes(specification, self.layout)
            self.store.create(variables(self.study, self.layout), attributes)
        else:
            # Of now, not of before the folder was this run's.
            self.layout = self._known_layout(attributes, specification)
            self.store.mend(variables(self.study, self.layout), attributes)
        assert attributes is not None
        self.layout = self._known_layout(attributes, specification)
        self.store.open(variables(self.study, self.layout), attributes)

    @property
    def mine(self) -> list[int]:
        """The chunks of this process."""
        count = jax.process_count()
        return np.array_split(np.arange(self.layout.n_chunks), count)[jax.process_index()].tolist()

    def to_the_end(self, progress: bool) -> None:
        """Computes and writes the chunks of this process that are not there yet, and lets the folder go."""
        try:
            self._compute_missing(progress)
            self._wait_for(lambda: self.store.count_finished(self.layout.n_chunks) == self.layout.n_chunks)
        finally:
            self.store.release()

    def _compute_missing(self, progress: bool) -> None:
        starts, mine = self.layout.starts, self.mine
        if self.finished is None:
            self.finished = set(self.store.finished(len(starts), mine))
        finished = self.finished
        size = {i: math.prod(np.subtract(self.layout.stops(starts[i]), starts[i])) for i in mine}
        total, done = sum(size.values()), sum(size[i] for i in finished)
        steps = int(self.study.settings["steps"])
        new = bar(total=total, initial=done, unit=" runs", desc="sweep", smoothing=0, show=progress)
        with ticking(new) as shown:
            for index in mine:
                if index in finished:
                    continue
                program = self._program(starts[index])
                begin = time.perf_counter()
                values = self._compute(program, starts[index])
                rate = size[index] * steps / (time.perf_counter() - begin)
                region = tuple(map(slice, starts[index], self.layout.stops(starts[index])))
                self.store.write_chunk(index, len(starts), region, values)
                shown.set_postfix_str(f"{rate:,.0f} network-steps/s", refresh=False)
                shown.update(size[index])

    def _compute(self, program: _batch.Program, start: tuple[int, ...]) -> dict[str, np.ndarray]:
        """The results of a chunk, its axes in the order of the sweep's."""
        lengths = np.subtract(self.layout.stops(start), start)
        structural = np.asarray(self.layout.structural, bool)
        numeric = np.flatnonzero(~structural)
        shape = lengths[numeric].tolist()
        indices = np.indices(shape).reshape(len(numeric), math.prod(shape))
        numbers = {
            path: column[start[k] + place]
            for k, place in zip(numeric, indices, strict=True)
            for path, column in self.study.axes[k].columns.items()
        }
        # Points come first in what is computed, then networks, then what a result has of its own.
        computed = np.concatenate([numeric, np.flatnonzero(structural)])
        out = {}
        for name, value in program(numbers, math.prod(shape)).items():
            value = value.reshape(*lengths[computed], *value.shape[2:])
            rest = range(len(computed), value.ndim)
            out[name] = np.ascontiguousarray(value.transpose(*np.argsort(computed), *rest))
        large = out["largest_change"] > LARGEST_CHANGE
        out["diagnosis"] = np.where(out["failed_step"] >= 0, 2, large).astype(np.int8)
        return out

    def compile_first(self) -> tuple[tuple[int, ...], _batch.Program]:
        """The program of the first networks, compiled beforehand."""
        start = self.layout.starts[0]
        return self._networks_at(start), self._program(start)

    def _program(self, start: tuple[int, ...]) -> _batch.Program:
        """The compiled program for the networks of a chunk, the same for all of its numbers."""
        at = self._networks_at(start)
        if self.compiled is None or self.compiled[0] != at:
            case = self.study.build(start, self.layout.stops(start))
            program = _batch.compile_case(case, self.layout.points)
            _batch.check_fits(program)
            self.compiled = at, program
        return self.compiled[1]

    def _networks_at(self, start: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(s for s, structural in zip(start, self.study.structural, strict=True) if structural)

    def _new_layout(self, points: int | None, networks_at_once: int) -> Layout:
        """Chunks of the given or a fitting size; a program compiled to find that out is kept."""
        sizes, structural = tuple(axis.size for axis in self.study.axes), self.study.structural
        cut = lambda points: make_layout(sizes, structural, points, networks_at_once)
        start = (0,) * len(sizes)
        if points is not None:
            self.layout = cut(points)
            self._program(start)  # one that does not fit is said before there is a store of such chunks
            return self.layout
        most = cut(math.prod(sizes))
        fitting = _batch.fitting_program(self.study.build(start, most.stops(start)), most.points, cut)
        layout = cut(fitting.points)
        self.compiled = self._networks_at(start), fitting
        return layout

    def _known_layout(self, attributes: dict[str, Any] | None, specification: dict[str, Any]) -> Layout:
        """That of the store, which must be of the same sweep; without a store, none yet."""
        if attributes is None:
            return Layout((), (), ())
        self._check_same(attributes["specification"], specification)
        return layout_from(attributes["specification"]["layout"])

    def _is_complete(self, attributes: dict[str, Any]) -> bool:
        """Whether nothing is left to compute or to mend; every file has been read then."""
        count = self.layout.n_chunks
        self.store.know(attributes)
        if not self._is_described() or self.store.count_finished(count) < count:
            return False
        self.finished = set(self.store.finished(count, self.mine))
        return len(self.finished) == len(self.mine)

    def _is_described(self) -> bool:
        """Whether all files but the chunks are there and whole."""
        try:
            return self.store.attributes() is not None and self.store.check_metadata()
        except ValueError:
            return False

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        # If another process dies for good, JAX's distributed runtime ends this one.
        while not ready():
            time.sleep(0.2)

    def _check_same(self, there: dict[str, Any], here: dict[str, Any]) -> None:
        found = _provenance.differences(there, json.loads(json.dumps(here)))
        if found:
            more = f", and {len(found) - 3} more" if len(found) > 3 else ""
            raise ValueError(
                f"{self.store.folder} holds another sweep: {'; '.join(found[:3])}{more}. Give another "
                "folder. Nothing was changed, and what is there can be read with jaxnn.open_sweep."
            )


def variables(study: Study, layout: Layout) -> dict[str, Variable]:
    """Every array of the store: coordinates with their values, results without."""
    paths = [path for axis in study.axes for path in axis.columns]
    short = short_names(paths)
    out: dict[str, Variable] = {}
    beside = []
    for axis in study.axes:
        for path, column in axis.columns.items():
            root, _, place = path.partition(".")
            unit = unit_of(getattr(study, root), place)
            attributes = {"path": path} | ({"units": unit} if unit else {})
            out[short[path]] = Variable(
                (axis.name,), column.shape, column.shape, column.dtype, attributes, column
            )
            if short[path] != axis.name:
                beside.append(short[path])
    names = tuple(axis.name for axis in study.axes)
    also = {"coordinates": " ".join(beside)} if beside else {}
    for name, shape in (_batch.probe(study).shapes | _DIAGNOSIS_SHAPE).items():
        reduction = study.reductions.get(name) or _DIAGNOSIS[name]
        more = reduction.dimensions or tuple(f"{name}_{k}" for k in range(len(shape.shape)))
        if len(more) != len(shape.shape):
            raise ValueError(f"The reduction {name!r} has {len(shape.shape)} axes but dimensions={more}.")
        attributes = {"long_name": reduction.description, **_FLAGS.get(name, {}), **also}
        if reduction.unit:
            attributes["units"] = reduction.unit
        sizes, chunks = (*layout.sizes, *shape.shape), (*layout.lengths, *(max(1, n) for n in shape.shape))
        out[name] = Variable((*names, *more), sizes, chunks, np.dtype(shape.dtype), attributes)
        if "time" in more and "time" not in out:
            times = _batch.times_kept(study)
            out["time"] = Variable(("time",), times.shape, times.shape, times.dtype, {"units": "s"}, times)
    return out


_DIAGNOSIS = {
    "diagnosis": Reduction(lambda _: None, "", "how the run ended"),
    "failed_step": Reduction(lambda _: None, "1", "first step with a number that cannot be right, or -1"),
    "largest_change": Reduction(
        lambda _: None, "1", "largest move of a state in a step, of its critical value"
    ),
}
_DIAGNOSIS_SHAPE = {"diagnosis": jax.ShapeDtypeStruct((), np.int8)}
_FLAGS = {"diagnosis": {"flag_values": [0, 1, 2], "flag_meanings": "successful dt_too_large failed"}}
