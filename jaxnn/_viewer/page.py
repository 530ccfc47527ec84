"""The page of a run: a template, its style, its script and the numbers, in one text."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from .._core import Declared, FilePath, arguments, written_whole
from .payload import payload_of


Member: TypeAlias = Declared[SupportsIndex | Sequence[int] | np.ndarray | None]
"""The place of a run in a batch, on each of its axes."""

LIMIT = 16.0  # [MB] that the numbers of a page take by default
_HERE = Path(__file__).parent
_TALL = 640  # [pixels] in a notebook


class View:
    """A page in which a run is played back: shown by a notebook, or written to a file."""

    def __init__(self, text: str):
        self.text = text

    def save(self, path: FilePath) -> None:
        """Writes the page, whole or not at all; nothing else is needed to open it."""
        with written_whole(Path(path)) as file:
            file.write(self.text.encode())

    def _repr_html_(self) -> str:
        # A frame of its own keeps the page's names and colours apart from the notebook's.
        inside = html.escape(self.text)
        style = f"width:100%;height:{_TALL}px;border:1px solid #ddd"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{inside}"></iframe>'

    def __repr__(self) -> str:
        return f"View({len(self.text) / 1e6:.1f} MB of HTML; save it with view.save('run.html'))"


def view_of(solution: Any, limit: float | int, member: Member = None) -> View:
    """The page of a run, or of a batch or its `member`, whose numbers take at most `limit` [MB]."""
    arguments.real(ndim=0, above=0, known=True)("limit", limit)
    if member is not None:
        arguments.whole_numbers(ndim=(0, 1))("member", member)
        member = tuple(map(int, np.atleast_1d(np.asarray(member))))
    payload = payload_of(solution, round(1e6 * float(limit)), member)
    # Nothing in the data may look like the end of the script that it stands in.
    data = json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    text = (_HERE / "page.html").read_text("utf-8")
    for name in ("style.css", "plots.js", "viewer.js"):
        text = text.replace(f"/*{name}*/", (_HERE / name).read_text("utf-8"))
    return View(text.replace("/*data*/", data))
