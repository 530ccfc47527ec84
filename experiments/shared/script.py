"""What scripts have in common beside their subject."""

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np


def plain(value: Any) -> Any:
    """Numbers and arrays as JSON has them: "-inf" as a word, null for what is not known."""
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return plain(np.asarray(value).tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else "-inf" if value == -np.inf else None
    return value


def write_report(path: Path, report: Any) -> None:
    """Writes the numbers of a run as JSON, whole or not at all."""
    draft = path.with_name(f"partial_{path.name}")
    draft.write_text(json.dumps(plain(report), indent=1, allow_nan=False) + "\n")
    draft.replace(path)
