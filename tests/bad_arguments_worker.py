"""Every argument of every public callable, replaced by what does not fit: `python bad_arguments_worker.py`.

A process of its own, because the checks of annotated shapes, which the tests run under, would answer first.
Prints the counts as JSON, and each fault with what was answered. An argument `sample=N` tries N of the
cheap ones, drawn with a fixed seed.
"""

import decimal
import json
import linecache
import os
import random
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

import good_calls
import jaxnn


ROOT = Path(__file__).resolve().parents[1]
OURS = (str(ROOT / "jaxnn"), str(ROOT / "kernels"))
SECONDS = 30  # for one call, with what it compiles

matplotlib.use("agg")
jax.config.update("jax_traceback_filtering", "off")
jax.config.update("jax_enable_x64", True)

BAD: dict[str, Any] = {
    "None": None,
    "text": "many",
    "a number as text": "1",
    "ragged": [[1.0, 2.0], [3.0]],
    "masked": np.ma.masked_array([1.0, 2.0], [False, True]),
    "complex": 1 + 2j,
    "decimal": decimal.Decimal("0.1"),
    "huge": 10**400,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "array of one": np.array(3.7),
    "wrong rank": np.ones((2, 1, 2, 1, 2)),
    "objects": np.array([object(), None]),
    "empty": np.zeros(0),
    "bool": True,
    "class": jaxnn.Dense,
    "name of a solver": "dense",
    "graph": nx.path_graph(4),
    "traced": ...,
}
# No argument of numbers has a meaning for these; what answers with a number fell silent.
NEVER = {"text", "a number as text", "ragged", "masked", "complex", "huge", "NaN", "objects", "class"}
NEVER |= {"name of a solver", "graph"}
# Beside those: what lies outside the domain of arguments of a name.
POSITIVE = {"-1", "0", "NaN", "infinite"}
OUTSIDE = {
    **dict.fromkeys(("dt", "width", "period", "duration", "interval"), POSITIVE),
    **dict.fromkeys(("steps", "every", "capacity", "window", "segment", "batch"), POSITIVE | {"1.5"}),
    **dict.fromkeys(("count", "folds", "n_classes", "slots", "sections", "rows"), POSITIVE | {"1.5"}),
    **dict.fromkeys(("channels", "frames", "nodes", "repeats", "cells", "restarts"), POSITIVE | {"1.5"}),
    **dict.fromkeys(("on_conductance", "off_conductance", "max_flux", "critical_flux"), POSITIVE),
    "duty": {"-1", "1.5", "NaN", "infinite"},
    "labels": {"1.5", "NaN", "infinite", "-1"},
    "margins": {"NaN", "infinite", "-1", "0"},
    "features": {"NaN", "infinite"},
}
# What lies in a set above and is meant all the same, and why.
ALLOWED = {
    ("*", "seed"): {"huge"},  # NumPy makes a generator of any whole number that is not negative
    ("*", "off_conductance"): {"0"},  # an open junction
    ("*", "free"): {"NaN"},  # an optimiser that diverges is followed, and its run says so
    ("analysis.power_law_sample", "count"): {"0"},  # an empty sample
    ("kernels.split_time_step", "dt"): {"-1", "0"},  # any number, not a time step alone
    ("Timing.of", "number"): {"NaN"},  # what is no number stays none
    **{(f"Clock.{x}", "instant"): {"NaN"} for x in ("since", "reached")},  # as are times
    ("Clock.at", "time"): {"NaN"},
    ("Clock.cycles", "frequency"): {"NaN"},
    ("Clock.nearest_edge", "start"): {"NaN"},
    ("StateEquation.observe", "time"): {"NaN"},
    ("NickelateNodes.conductance", "fraction"): {"NaN"},
    **{(f"NickelateNodes.{x}", "log_conductance"): {"NaN"} for x in ("at", "number")},
    ("Network.from_graph", "graph"): {"graph"},
    **{("Reduction", x): {"text", "a number as text", "name of a solver"} for x in ("unit", "description")},
    **{(x, "name"): {"text", "name of a solver"} for x in ("Table", "Sample")},  # of a dimension
    **{(x, "name"): {"text", "name of a solver"} for x in ("verilog_a", "spice_netlist")},  # of a module
    # Names of files: of one that is not there the error is that of files.
    **{("*", x): {"text", "a number as text", "name of a solver"} for x in ("path", "folder", "out")},
    **{
        (name, x): {"text", "a number as text", "name of a solver"}
        for name in ("fit.Fit.plot", "plot.fit", "plot.exponent_map", "plot.avalanches")
        for x in ("xlabel", "ylabel", "label")
    },
    ("measured", "twin"): {"NaN"},  # of which the derivative alone is taken
}
# Names, labels of curves, values that are looked at by what the caller gives, trees of anything.
TAKES_ANYTHING = {
    ("jaxnn.only", "module"),
    ("jaxnn.optimise", "parameters"),
    ("jaxnn.optimise", "checkpoint"),
    ("jaxnn.plot_conductance", "label"),
    ("jaxnn.plot_network", "log"),
    *((f"jaxnn.{x}", "device") for x in ("AutoSolver", "StarMesh", "kernels.nodal_plan")),
    *((f"jaxnn.kernels.{x}", "device") for x in ("star_mesh_plan", "sparse_plan", "compiled_plan")),
    ("jaxnn.kernels.plans_of_here", "tree"),
    *(("jaxnn.kernels.implicit", x) for x in ("given", "solution")),
    ("jaxnn.kernels.saved", "name"),
    ("jaxnn.to_free", "parameters"),
    ("jaxnn.from_free", "parameters"),
    ("jaxnn.spread", "parameters"),
}


class Hung(BaseException):
    """The time for a call is over."""


def hang(*_: object) -> None:
    raise Hung


def last_raise(error: BaseException) -> str:
    """The statement that raised, if it stands in this library."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not frames[-1].filename.startswith(OURS):
        return ""
    return linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()


def answer(name: str, argument: str, kind: str, call: Any, good: dict[str, Any]) -> tuple[str, str]:
    """How a call with one bad argument ended, in a word, and its message."""
    signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            if kind == "traced":
                traced = _traceable(good[argument])
                jax.jit(lambda x: (call(**good | {argument: x}), None)[1])(traced)
            else:
                call(**good | {argument: BAD[kind]})
    except Hung:
        return "hung", ""
    except RecursionError as error:
        return "obscure", f"RecursionError: {error}"
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and kind in ALLOWED.get(("*", argument), ()):
            return "named", text
        if not isinstance(error, ValueError | TypeError | jaxnn.NumericalWarning):
            return "obscure", text
        own = last_raise(error).startswith("raise")
        if re.search(rf"(?<![A-Za-z]){argument}(?![A-Za-z])", str(error)) and (own or _plain(error)):
            return "named", text
        return ("own words" if own else "obscure"), text
    finally:
        signal.alarm(0)
        plt.close("all")
    outside = kind in NEVER or kind in OUTSIDE.get(argument, ())
    # What comes to an array of no number goes through a kernel as it is.
    outside &= not (name.startswith("kernels.") and kind in ("NaN", "huge", "infinite"))
    outside &= not any(kind in ALLOWED.get((who, argument), ()) for who in ("*", name))
    fault = outside and (f"jaxnn.{name}", argument) not in TAKES_ANYTHING
    return ("silent" if fault else "finite"), ""


def _plain(error: Exception) -> bool:
    """Whether it is Python's own word for an argument that is unknown or missing."""
    return "argument" in str(error)


def _traceable(value: Any) -> Any:
    try:
        return jnp.asarray(value)
    except (TypeError, ValueError):
        return jnp.asarray(1.0)


def tries(quick: int | None) -> list[tuple[str, str, str, Any, dict[str, Any]]]:
    calls = good_calls.every(cheap=bool(quick))
    every = [
        (name, argument, kind, call, good)
        for name, (call, good) in calls.items()
        for argument in good
        for kind in BAD
        if not (kind == "None" and good[argument] is None)
    ]
    return random.Random(0).sample(every, quick) if quick else every


def main() -> None:
    # What writes files, under whatever name it is given, does so in a folder of its own.
    sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]
    os.chdir(tempfile.mkdtemp())
    options = dict(x.split("=") for x in sys.argv[1:])
    counts: Counter[str] = Counter()
    faults = []
    for name, argument, kind, call, good in tries(int(options.get("sample", 0)) or None):
        if options.get("only", name) not in name:
            continue
        word, text = answer(name, argument, kind, call, good)
        counts[word] += 1
        if word in ("obscure", "silent", "hung"):
            faults.append([word, name, argument, kind, text.split("\n")[0][:200]])
    print(json.dumps({"tried": counts.total(), "counts": counts, "faults": faults}))


if __name__ == "__main__":
    main()
