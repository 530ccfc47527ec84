"""The command line: `jaxnn sweep`, `run`, `show` and `info`."""

import argparse
import contextlib
import importlib
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ._core import QUIET, cache_folder, cores, keep_compiled
from ._simulation import Solution
from ._sweep import (
    Specification,
    SpecificationError,
    open_sweep,
    provenance as _provenance,
    show as _show,
    summary_of,
    sweep,
)
from ._version import __version__


if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:
    Figure = Any  # annotations that are evaluated must not import Matplotlib


FAILED, REFUSED, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code is 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    command = shlex.join(["jaxnn", *(sys.argv[1:] if arguments is None else arguments)])
    try:
        with _plain_warnings():
            for module in getattr(parsed, "plugins", None) or ():
                importlib.import_module(module)
            parsed.run(parsed)
    except KeyboardInterrupt:
        print(f"\ninterrupted: {_saved(parsed)}; to go on:\n  {command}", file=sys.stderr)
        return INTERRUPTED
    except (SpecificationError, ValueError, FileNotFoundError) as error:
        print(f"jaxnn: {error}", file=sys.stderr)
        return REFUSED
    except (OSError, MemoryError, ImportError) as error:
        print(f"jaxnn: {error.strerror if isinstance(error, OSError) else error}", file=sys.stderr)
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
    _start(parsed)
    chunks: dict[str, Any] = dict(specification.chunks())
    if parsed.points is not None:
        chunks["points"] = parsed.points
    arguments = specification.arguments()
    arguments["reduce"] = specification.reductions()
    try:
        dataset = sweep(
            **arguments,
            over=over,
            out=parsed.out,
            progress=not parsed.quiet,
            **chunks,
        )
    except ValueError as error:
        raise SpecificationError(specification.locate(str(error))) from error
    if jax.process_index() == 0:
        print(_show.summary(dataset))
        if parsed.netcdf is not None:
            dataset.to_netcdf(_inside(parsed.out, parsed.netcdf))


def _run(parsed: argparse.Namespace) -> None:
    specification = Specification(parsed.specification)
    _start(parsed)
    arguments = specification.arguments()
    network = arguments.pop("network")()
    terminals, method = arguments.pop("terminals"), arguments.pop("method")
    terminals: Any = terminals(network) if callable(terminals) else terminals
    print(f"network             {network.n_nodes} wires, {network.n_junctions} junctions")
    print(f"terminals           {tuple(map(int, terminals))}")
    result = method(
        network, arguments.pop("junction"), arguments.pop("drive"), terminals=terminals, **arguments
    )
    if not isinstance(result, Solution):
        print(f"exponents           {np.asarray(result.exponents).tolist()} 1/s")
        return
    print(f"time                {float(result.time[-1]):g} s")
    for name, reduction in specification.reductions().items():
        value = np.asarray(reduction.function(result))
        if value.ndim == 0:
            print(f"{name:<20}{value:.6g} {reduction.unit}")
    if parsed.out is not None:
        Path(parsed.out).mkdir(parents=True, exist_ok=True)
        result.save(Path(parsed.out) / "solution.npz")
        network.save(Path(parsed.out) / "network.npz")
        _save(_conductance_figure(result), Path(parsed.out) / "conductance.png")


def _conductance_figure(solution: Solution) -> Any:
    from ._plots import plot_conductance

    return plot_conductance(solution.time, solution.conductance).figure


def _show_results(parsed: argparse.Namespace) -> None:
    dataset = open_sweep(parsed.results)
    print(_show.summary(dataset))
    name = parsed.result or _show.results_of(dataset)[0]
    target = _inside(parsed.results, parsed.png or f"{name}.png")
    _save(_show.picture(dataset, name, parsed.axes, parsed.over), target)
    print(f"picture             {target}")
    if parsed.netcdf is not None:
        target = _inside(parsed.results, parsed.netcdf)
        dataset.to_netcdf(target)
        print(f"netcdf              {target}")


def _info(_parsed: argparse.Namespace) -> None:
    print("versions            " + ", ".join(f"{name} {v}" for name, v in _provenance.versions().items()))
    print(f"commit              {_provenance.commit()}")
    for device in jax.devices():
        print(f"device              {device.platform} {device.device_kind} ({device.id})")
    print(f"cores               {cores()}")
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


def _inside(folder: str, name: str) -> Path:
    target = (Path(folder) / name).resolve()
    if not target.is_relative_to(Path(folder).resolve()):
        raise ValueError(f"{name} lies outside {folder}: results are written inside their folder only.")
    return target


def _save(figure: Figure, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=150)
    plt.close(figure)


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
    look = add("show", _show_results, "sum up the results in a folder and draw one of them")
    look.add_argument("results", help="the folder of a sweep")
    look.add_argument("--result", help="the result to draw, the first by default")
    look.add_argument("--axes", nargs="+", metavar="NAME", help="one or two dimensions to draw against")
    look.add_argument(
        "--over", choices=["median", "mean", "min", "max"], default="median", help="all others"
    )
    look.add_argument("--png", metavar="NAME", help="name of the picture in the folder")
    look.add_argument("--netcdf", metavar="NAME", help="a NetCDF file to write into the folder")
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
