"""The command line: `jaxnn sweep`, `run`, `fit`, `show`, `view` and `info`."""

import _thread
import argparse
import contextlib
import importlib
import os
import shlex
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnn_kernels import solved_by

from . import _fit_command
from ._core import QUIET, cache_folder, cores, keep_compiled, user_code
from ._plots import save_figure
from ._simulation import ON_REQUEST, Solution, simulate
from ._sweep import (
    STORE,
    Specification,
    SpecificationError,
    open_sweep,
    provenance as _provenance,
    recording,
    show as _show,
    summary_of,
    sweep,
)
from ._version import __version__
from ._viewer import LIMIT, SHOWN


FAILED, REFUSED, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code is 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    command = shlex.join(["jaxnn", *(sys.argv[1:] if arguments is None else arguments)])
    try:
        with _plain_warnings(), _heeded_interruptions():
            _check_folders(parsed)
            for module in getattr(parsed, "plugins", None) or ():
                importlib.import_module(module)
            parsed.run(parsed)
    except KeyboardInterrupt:
        print(f"\ninterrupted: {_saved(parsed)}; to go on:\n  {command}", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, FileNotFoundError, IsADirectoryError) as error:
        print(f"jaxnn: {_said(error)}", file=sys.stderr)
        return REFUSED
    except (OSError, MemoryError, ImportError) as error:
        print(f"jaxnn: {_said(error)}", file=sys.stderr)
        return FAILED
    return 0


def entry() -> None:
    """The command of the shell."""
    if os.environ.get(QUIET[0], "1") == "1":  # what JAX sets it to, if nobody else has
        # XLA has read it by now: a new process starts with it.
        os.environ[QUIET[0]] = QUIET[1]
        os.execv(sys.executable, [sys.executable, "-m", "jaxnn", *sys.argv[1:]])
    if sys.argv[1:2] == ["sweep"] and "device_count" not in os.environ.get("XLA_FLAGS", ""):
        # The loops of a simulation run on one core: each core takes its share of a chunk.
        jax.config.update("jax_num_cpu_devices", cores())
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if code == INTERRUPTED:
        # Leaving in good order would wait for the chunk that is under way on the device.
        os._exit(code)
    sys.exit(code)


def _sweep(parsed: argparse.Namespace) -> None:
    specification = Specification(parsed.specification)
    over = specification.over()
    if not over:
        raise SpecificationError(
            f"{parsed.specification}: nothing changes: a sweep needs a section [grid], [sample] or "
            "[table]; for one simulation use `jaxnn run`."
        )
    netcdf = None if parsed.netcdf is None else _inside(parsed.out, parsed.netcdf)
    _start(parsed)
    chunks: dict[str, Any] = dict(specification.chunks())
    if parsed.points is not None:
        chunks["points"] = parsed.points
    arguments = specification.arguments()
    arguments["reduce"] = specification.reductions()
    with _located(specification):
        dataset = sweep(
            **arguments,
            over=over,
            out=parsed.out,
            progress=not parsed.quiet,
            **chunks,
        )
    if jax.process_index() == 0:
        print(_show.summary(dataset))
        if netcdf is not None:
            _write_netcdf(dataset, netcdf)


def _run(parsed: argparse.Namespace) -> None:
    specification = Specification(parsed.specification)
    _start(parsed)
    arguments, reductions = specification.arguments(), specification.reductions()
    if parsed.record is not None:
        if arguments["method"] is not simulate:
            raise ValueError(f'--record needs method = "simulate", and {parsed.specification} has another.')
        arguments["record"] = parsed.record or SHOWN
    arguments = recording(reductions, arguments)
    with _located(specification):
        network = arguments.pop("network")()
        terminals, method = arguments.pop("terminals"), arguments.pop("method")
        terminals: Any = terminals(network) if callable(terminals) else terminals
        print(f"network             {network.n_nodes} wires, {network.n_junctions} junctions")
        print(f"terminals           {tuple(map(int, terminals))}")
        junction, drive = arguments.pop("junction"), arguments.pop("drive")
        result = method(network, junction, drive, terminals=terminals, **arguments)
    if not isinstance(result, Solution):
        print(f"exponents           {np.asarray(result.exponents).tolist()} 1/s")
        return
    print(f"time                {float(result.time[-1]):g} s")
    for name, reduction in reductions.items():
        with user_code(f"the reduction {name!r}"):
            value = np.asarray(reduction.function(result))
        if value.ndim == 0:
            print(f"{name:<20}{value:.6g} {reduction.unit}")
    if parsed.out is not None:
        Path(parsed.out).mkdir(parents=True, exist_ok=True)
        result.save(Path(parsed.out) / "solution.npz")
        network.save(Path(parsed.out) / "network.npz")
        save_figure(_conductance_figure(result), Path(parsed.out) / "conductance.png")


def _conductance_figure(solution: Solution) -> Any:
    from ._plots import plot_conductance

    return plot_conductance(solution.time, solution.conductance).figure


def _show_results(parsed: argparse.Namespace) -> None:
    dataset = open_sweep(parsed.results)
    name = parsed.result or _show.results_of(dataset)[0]
    target = _inside(parsed.results, f"{name}.png" if parsed.png is None else parsed.png)
    netcdf = None if parsed.netcdf is None else _inside(parsed.results, parsed.netcdf)
    print(_show.summary(dataset))
    save_figure(_show.picture(dataset, name, parsed.axes, parsed.over), target)
    print(f"picture             {target}")
    if netcdf is not None:
        _write_netcdf(dataset, netcdf)
        print(f"netcdf              {netcdf}")


def _view(parsed: argparse.Namespace) -> None:
    out = Path(parsed.run_file).with_suffix(".html") if parsed.out is None else Path(parsed.out)
    made = Solution.load(parsed.run_file).view(out, member=parsed.member, limit=parsed.limit)
    print(f"page                {out} ({len(made.text) / 1e6:.1f} MB)")


def _fit(parsed: argparse.Namespace) -> None:
    parsed.x64 = True  # least squares of small differences
    _start(parsed)
    _fit_command.run(parsed)


def _info(_parsed: argparse.Namespace) -> None:
    print("versions            " + ", ".join(f"{name} {v}" for name, v in _provenance.versions().items()))
    print(f"commit              {_provenance.commit()}")
    for device in jax.devices():
        print(f"device              {device.platform} {device.device_kind} ({device.id})")
    print(f"cores               {cores()}")
    print(f"nodal solve         {solved_by()}")
    folder = cache_folder()
    files = [file for file in folder.glob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 2**20
    print(f"cache               {folder}: {len(files)} files, {size:.1f} MiB")


def _start(parsed: argparse.Namespace) -> None:
    """What has to be set before anything is computed."""
    keep_compiled()
    if parsed.x64:
        jax.config.update("jax_enable_x64", True)
    if getattr(parsed, "distributed", False):
        given = (parsed.coordinator, parsed.processes, parsed.process)
        # Without, JAX asks Slurm or Open MPI.
        jax.distributed.initialize(*given) if any(
            x is not None for x in given
        ) else jax.distributed.initialize()


def _saved(parsed: argparse.Namespace) -> str:
    try:
        counts = summary_of(open_sweep(parsed.out))
        return f"{counts['computed']:,} of {counts['runs']:,} runs are saved in {parsed.out}"
    except Exception:
        # Nothing about an interruption may hide it.
        return "nothing was saved"


def _said(error: BaseException) -> str:
    """What an error has to say, with the file that it is about."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _check_folders(parsed: argparse.Namespace) -> None:
    """An empty name would be the working folder, which nobody means."""
    for option, name in (("--out", "out"), ("results", "results")):
        value = getattr(parsed, name, None)
        if value is not None and (not value.strip() or "\0" in value):
            raise ValueError(f"{option} must be the name of a folder, got {value!r}.")


@contextlib.contextmanager
def _located(specification: Specification) -> Iterator[None]:
    """What does not fit, said with the file and the line of the specification."""
    try:
        yield
    except SpecificationError:
        raise
    # A function that is called with what stands in the file says TypeError of some of it.
    except (ValueError, TypeError, OverflowError) as error:
        raise SpecificationError(specification.locate(str(error))) from error


def _inside(folder: str, name: str) -> Path:
    """A file to write in a folder of results, but not over these."""
    base = Path(folder).resolve()
    target = (base / name).resolve()
    if not target.is_relative_to(base):
        raise ValueError(f"{name} lies outside {folder}: results are written inside their folder only.")
    first = target.relative_to(base).parts[:1]
    if not first or target.is_dir():
        raise ValueError(f"{name!r} is no name of a file in {folder}: give one such as results.nc.")
    if first[0] in (STORE, "done", "sweep.json") or first[0].startswith("."):
        raise ValueError(f"{name} is a part of the sweep in {folder}: give another name.")
    return target


def _write_netcdf(dataset: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside it first: what is there already stays whole until all is written.
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        dataset.to_netcdf(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _heeded_interruptions() -> Iterator[None]:
    """Ctrl-C also where Python cannot raise it, as in a callback of the garbage collector."""
    before, again, heard = sys.unraisablehook, [], threading.Lock()

    def once_more() -> None:
        # Not within the hook, which a busy machine may keep longer than the timer: there it would be lost.
        with heard:
            pass
        _thread.interrupt_main()

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is not KeyboardInterrupt:
            before(unraisable)
            return
        # Once more when the callback is over; at once would be within it.
        with heard:
            timer = threading.Timer(0.05, once_more)
            timer.daemon = True
            timer.start()
            again.append(timer)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in again:
            timer.cancel()


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as one line on the error stream, without a place in the source."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxnn", description="Batched, differentiable simulation of nanowire networks."
    )
    parser.add_argument("--version", action="version", version=f"jaxnn {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")
    add = lambda name, run, text: _command(commands, name, run, text)
    several = add("sweep", _sweep, "run every combination of a specification; the same command resumes")
    one = add("run", _run, "run the base case of a specification")
    for command in (several, one):
        command.add_argument("specification", help="a TOML file, see docs/sweeps.md")
        command.add_argument("--x64", action="store_true", help="float64 instead of float32")
        command.add_argument(
            "--import",
            dest="plugins",
            action="append",
            metavar="MODULE",
            help="a Python module to import first, such as one with jaxnn.register_reduction",
        )
    one.add_argument("--out", help="folder for solution.npz, network.npz and conductance.png")
    one.add_argument(
        "--record",
        nargs="*",
        choices=ON_REQUEST,
        metavar="NAME",
        help="what to keep besides, such as state; without names all that `jaxnn view` shows",
    )
    several.add_argument("--out", required=True, help="folder of the results")
    several.add_argument("--points", type=int, help="combinations of numbers in a chunk")
    several.add_argument("--netcdf", metavar="NAME", help="a NetCDF file to write into the folder as well")
    several.add_argument("--quiet", action="store_true", help="no bar of progress")
    several.add_argument("--distributed", action="store_true", help="one of several processes (Slurm, MPI)")
    several.add_argument(
        "--coordinator", metavar="HOST:PORT", help="of the first process, where started by hand"
    )
    several.add_argument("--processes", type=int, help="how many there are, where started by hand")
    several.add_argument("--process", type=int, help="the number of this one, from 0")
    _fit_command.add_arguments(add("fit", _fit, "fit a model to measurements and judge it on a later part"))
    look = add("show", _show_results, "sum up the results in a folder and draw one of them")
    look.add_argument("results", help="the folder of a sweep")
    look.add_argument("--result", help="the result to draw, the first by default")
    look.add_argument("--axes", nargs="+", metavar="NAME", help="one or two dimensions to draw against")
    look.add_argument(
        "--over", choices=["median", "mean", "min", "max"], default="median", help="all others"
    )
    look.add_argument("--png", metavar="NAME", help="name of the picture in the folder")
    look.add_argument("--netcdf", metavar="NAME", help="a NetCDF file to write into the folder")
    play = add("view", _view, "make one HTML file in which a run is played back")
    play.add_argument("run_file", metavar="run.npz", help="what Solution.save or `jaxnn run --out` wrote")
    play.add_argument("--out", help="the file to write, by default beside the run")
    play.add_argument(
        "--member",
        type=int,
        nargs="+",
        metavar="I",
        help="one run of a batch; by default all of them",
    )
    play.add_argument("--limit", type=float, default=LIMIT, metavar="MB", help="most that its numbers take")
    add("info", _info, "versions, devices and the cache of compiled programs")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(run=run)
    return command
