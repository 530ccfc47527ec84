"""Runs of scripts, as from the command line."""

import json
import math
import os
import resource
import subprocess
import sys
from pathlib import Path

from helpers import ROOT


def run_script(*arguments) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def quick_report(name: str, folder: Path, seconds: float = math.inf) -> tuple[dict, str]:
    """The JSON and the text of a script with --quick, which has so much processor time.

    Wall time would measure others that use the same cores.
    """
    busy = lambda: resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    start = busy()
    (script,) = (ROOT / "experiments").rglob(f"{name}.py")
    done = run_script(script, "--quick", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert busy() - start < seconds
    return json.loads((folder / f"{name}.json").read_text()), done.stdout
