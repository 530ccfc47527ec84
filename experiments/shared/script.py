"""What scripts have in common beside their subject."""

from typing import Any

import numpy as np


def finite(x: Any) -> Any:
    """NaN, the error of what has none, as null."""
    if isinstance(x, dict):
        return {k: finite(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [finite(v) for v in x]
    return None if isinstance(x, float) and not np.isfinite(x) else x
