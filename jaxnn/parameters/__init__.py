"""Parameter sets, one file per paper."""

from ._hochstetter2021 import (
    hochstetter2021_ac as hochstetter2021_ac,
    hochstetter2021_ac_deposited as hochstetter2021_ac_deposited,
    hochstetter2021_dc as hochstetter2021_dc,
)
from ._zhang2022 import nickelate_cool as nickelate_cool, nickelate_hot as nickelate_hot


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
