"""How every script begins and ends: its options, what JAX is told, and its report.

A script that keeps compiled programs imports this before JAX: it sets what XLA logs.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from experiments.shared.pieces import written_whole


# XLA reads it when JAX is imported. Loading a program that was kept, its CPU compiler reports two
# preferences of its own tuning as missing from the machine; errors that matter are raised.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def parser(
    text: str | None,
    out: str | None = None,
    *,
    quick: str | None = None,
    full: str | None = None,
    minutes: float | None = None,
    reference: bool = False,
    redraw: bool = False,
) -> argparse.ArgumentParser:
    """The options that scripts have in common, of which each has some, and adds its own.

    - `text`: the script's docstring, whose first line is shown by --help.
    - `out`: where it writes if --out does not say.
    - `quick`, `full`: what --quick and --full do.
    - `minutes`: the time for new work if --minutes does not say.
    - `reference`: whether it takes the published network from --reference.
    - `redraw`: whether --redraw gives the report of an earlier run, whose pictures alone are made again.
    """
    made = argparse.ArgumentParser(description=str(text).splitlines()[0])
    if out is not None:
        made.add_argument("--out", type=Path, default=Path(out), help="output folder")
    if reference:
        made.add_argument("--reference", type=Path, help="folder of the published runs")
    if redraw:
        again = "the report of an earlier run: its pictures alone are made again"
        made.add_argument("--redraw", type=Path, help=again)
    if minutes is not None:
        begins = "begins nothing new after these; 0: only what is there"
        made.add_argument("--minutes", type=float, default=minutes, help=begins)
    if quick is not None:
        extent = made.add_mutually_exclusive_group()
        extent.add_argument("--quick", action="store_true", help=quick)
        if full is not None:
            extent.add_argument("--full", action="store_true", help=full)
        made.set_defaults(run=f"quick mode: {quick}")
    return made


def start(
    options: argparse.ArgumentParser, *, float64: bool = False, keep_compiled: bool = False
) -> argparse.Namespace:
    """What the command line says. The output folder is made, and pictures of a quick run will say so.

    - `float64`: JAX computes in it.
    - `keep_compiled`: programs are kept on disk for later runs, see `jaxnn.keep_compiled`.
    """
    arguments = options.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Imported where they are asked for: JAX alone would take some scripts longer than all else.
    if getattr(arguments, "quick", False):
        from experiments.shared import figures

        figures.this_run(arguments.run)
    if keep_compiled:
        import jaxnn

        jaxnn.keep_compiled()
    if float64:
        import jax

        jax.config.update("jax_enable_x64", True)
    return arguments


def plain(value: Any) -> Any:
    """Numbers and arrays as JSON has them: "-inf" as a word, null for what is not known."""
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    if hasattr(value, "tolist"):  # of NumPy or JAX
        return plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else "-inf" if value == -np.inf else None
    return value


def write_report(path: Path, report: Any) -> None:
    """Writes the numbers of a run as JSON, whole or not at all."""
    with written_whole(path) as file:
        file.write((json.dumps(plain(report), indent=1, allow_nan=False) + "\n").encode())


def read_report(path: Path) -> Any:
    """The report of an earlier run."""
    return json.loads(path.read_text())


def finish(path: Path, report: Any) -> None:
    """The same at the end of a run, whose pictures are beside it."""
    write_report(path, report)
    print(f"wrote {path}")
