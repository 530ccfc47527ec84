"""Compiles the nodal solve to a library, beside the Python code that loads it."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


SOURCE = Path(__file__).parent
ROOT = SOURCE.parents[1]
LIBRARY = ROOT / "kernels" / "jaxnn_kernels" / "_compiled" / "libjaxnn_nodal.so"

# The same bits whatever the compiler fuses or reorders; nothing of the machine that builds.
FLAGS = ["-std=c++17", "-O3", "-fno-tree-vectorize", "-fPIC", "-fvisibility=hidden"]
FLAGS += ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
WIDTHS = {"plain": ""}
if platform.machine() in ("x86_64", "AMD64"):
    WIDTHS["avx2"] = "-mavx2 -mfma"
    WIDTHS["avx512"] = "-mavx2 -mfma -mavx512f -mavx512dq -mavx512vl"


def build(folder: Path) -> None:
    """Compiles the library, each instruction set by itself, unless the folder has it of the same parts."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "clang++", "c++")), None)
    if compiler is None:
        raise OSError("there is no C++ compiler (g++, clang++, or what CXX names)")
    folder.mkdir(parents=True, exist_ok=True)
    include = ["-isystem", str(_headers())]
    jobs = [(SOURCE / f"{name}.cc", folder / f"{name}.o", include) for name in ("calls", "turn")]
    for name, flags in WIDTHS.items():
        jobs.append((SOURCE / "nodal.cc", folder / f"{name}.o", [f"-DJAXNN_ISA={name}", *flags.split()]))
    new, note = folder / LIBRARY.name, folder / "made_of"
    made_of = _fingerprint(compiler)
    if not (new.exists() and note.exists() and note.read_text() == made_of):
        note.unlink(missing_ok=True)
        with ThreadPoolExecutor() as pool:
            compile_one = lambda job: _run(
                [compiler, *FLAGS, *job[2], "-c", str(job[0]), "-o", str(job[1])]
            )
            list(pool.map(compile_one, jobs))
        static = ["-static-libstdc++", "-static-libgcc"] if sys.platform == "linux" else []
        _run([compiler, "-shared", *(str(out) for _, out, _ in jobs), *static, "-o", str(new)])
        note.write_text(made_of)
    # Moved to its place whole: a process that has the old one loaded keeps it.
    os.replace(shutil.copy(new, LIBRARY.with_suffix(".new")), LIBRARY)


def is_current() -> bool:
    """Whether the library is there and newer than its source."""
    newest = max(path.stat().st_mtime for path in SOURCE.iterdir())
    return LIBRARY.exists() and LIBRARY.stat().st_mtime >= newest


def _fingerprint(compiler: str) -> str:
    """Of all that the library hangs on: the source and this file, the compiler, and XLA's headers."""
    said = subprocess.run([compiler, "--version"], check=True, capture_output=True).stdout
    parts = [path.read_bytes() for path in sorted(SOURCE.iterdir()) if path.is_file()]
    return hashlib.sha256(b"\0".join([*parts, said, version("jaxlib").encode()])).hexdigest()


def _headers() -> Path:
    """Those of XLA's foreign function interface, which come with jaxlib."""
    found = find_spec("jaxlib")
    if found is None or found.origin is None:
        raise OSError("the headers of jaxlib are needed: pip install jaxlib")
    return Path(found.origin).parent / "include"


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__" and not is_current():
    build(ROOT / "build" / "native")
