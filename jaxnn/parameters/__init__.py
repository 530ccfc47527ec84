"""Parameter sets, one file per paper."""

from ._hochstetter2021 import (
    hochstetter2021_ac as hochstetter2021_ac,
    hochstetter2021_dc as hochstetter2021_dc,
)
from ._nickelate import nickelate_cool as nickelate_cool, nickelate_hot as nickelate_hot
