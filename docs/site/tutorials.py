"""The tutorials as notebooks: scripts of docs/tutorials/, run at the build, with what they show.

Cells of a script begin with `# %%` (code) or `# %% [markdown]` (text in comments), the percent format of
Jupytext. What a cell prints stands below it, and so does each figure that it leaves open.

`make docs-quick` sets QUICK=1, and has their programs compiled without optimisation, as those of the tests.
Compiling is what takes the time: fewer steps, voltages and networks would save 2 % of it.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "tutorials"
QUICK = os.environ.get("QUICK") == "1"
# Pages made in one way are not taken for those made in the other.
MADE = ROOT / "build" / ("tutorials-quick" if QUICK else "tutorials")
MARK = re.compile(r"^# %%(.*)\n", re.MULTILINE)


class Cell(NamedTuple):
    """A cell, and the line of the script that it begins in."""

    is_text: bool
    source: str
    line: int


def cells(script: str) -> list[Cell]:
    """The cells of a script in the percent format."""
    marks = list(MARK.finditer(script))
    ends = [mark.start() for mark in marks[1:]] + [len(script)]
    found = []
    for mark, end in zip(marks, ends, strict=True):
        source, is_text = script[mark.end() : end].strip("\n"), "[markdown]" in mark[1]
        if is_text:
            source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
        found.append(Cell(is_text, source, script[: mark.end()].count("\n")))
    return found


def run(cell: Cell, path: Path, names: dict[str, Any]) -> tuple[str, list[bytes]]:
    """What a cell prints, and its figures as PNG."""
    import matplotlib.pyplot as plt

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        # Empty lines in front, so that a traceback shows the line of the script.
        exec(compile("\n" * cell.line + cell.source, str(path), "exec"), names)
    pictures = []
    for number in plt.get_fignums():
        kept = io.BytesIO()
        plt.figure(number).savefig(kept, format="png", dpi=110)
        pictures.append(kept.getvalue())
    plt.close("all")
    return printed.getvalue(), pictures


def notebook(path: Path) -> tuple[str, dict[str, bytes]]:
    """A tutorial as a page, and its pictures by name."""
    parts, pictures = [], {}
    module = types.ModuleType(path.stem)
    # Dataclasses look their module up by its name.
    sys.modules[path.stem] = module
    for cell in cells(path.read_text()):
        if cell.is_text:
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        printed, figures = run(cell, path, module.__dict__)
        if printed:
            parts.append(f"```text\n{printed.rstrip()}\n```")
        for figure in figures:
            name = f"{path.stem}-{len(pictures) + 1}.png"
            pictures[name] = figure
            parts.append(f"![What the cell above draws]({name})")
    how = ", compiled without optimisation" if QUICK else ""
    parts.append(f"This page was made by running [{path.name}]({path.name}){how}: take it and change it.")
    return "\n\n".join(parts) + "\n", pictures


def make(path: Path) -> None:
    """Runs a tutorial in a process of its own, and leaves its page and pictures in the folder MADE."""
    search = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, __file__, str(path)],
        env=os.environ | {"PYTHONPATH": search, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{path.name} fails:\n{done.stderr}")


def is_made(path: Path) -> bool:
    """Whether the page of a tutorial is younger than the script and all that it may run."""
    page = MADE / f"{path.stem}.md"
    code = [path, Path(__file__), *(ROOT / "jaxnn").rglob("*.py"), *(ROOT / "kernels").rglob("*.py")]
    return page.exists() and page.stat().st_mtime > max(file.stat().st_mtime for file in code)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Runs every tutorial, two at a time; an error in one fails the build."""
    MADE.mkdir(parents=True, exist_ok=True)
    scripts = sorted(FOLDER.glob("*.py"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, [path for path in scripts if not is_made(path)]))
    for path in sorted(made for script in scripts for made in MADE.glob(f"{script.stem}*")):
        files.append(File.generated(config, f"tutorials/{path.name}", abs_src_path=str(path)))
    return files


if __name__ == "__main__":
    script = Path(sys.argv[1])
    text, pictures = notebook(script)
    (MADE / f"{script.stem}.md").write_text(text)
    for name, content in pictures.items():
        (MADE / name).write_bytes(content)
