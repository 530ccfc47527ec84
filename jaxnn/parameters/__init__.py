"""Parameter sets, one file per paper."""

from ._hochstetter2021 import (
    hochstetter2021_ac as hochstetter2021_ac,
    hochstetter2021_ac_deposited as hochstetter2021_ac_deposited,
    hochstetter2021_dc as hochstetter2021_dc,
)
from ._kasdorf2025 import kasdorf2025 as kasdorf2025
from ._kvatinsky2015 import kvatinsky2015 as kvatinsky2015
from ._milano2022 import (
    milano2022_connectome as milano2022_connectome,
    milano2022_pulses as milano2022_pulses,
    milano2022_reservoir as milano2022_reservoir,
)
from ._nugent2014 import nugent2014 as nugent2014
from ._strukov2008 import strukov2008 as strukov2008
from ._yakopcic2013 import yakopcic2013 as yakopcic2013
from ._zhang2022 import nickelate_cool as nickelate_cool, nickelate_hot as nickelate_hot


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
