"""The nodal solve as a library in C++ that XLA calls on a CPU, and as kernels of a GPU.

The library is in `kernels/native/`.
"""

from .calls import call as call, compiled_or_not as compiled_or_not
from .library import (
    is_compiled as is_compiled,
    is_insisted as is_insisted,
    is_there as is_there,
    solved_by as solved_by,
)
from .on_gpu import (
    eliminate_on_gpu as eliminate_on_gpu,
    is_pallas_there as is_pallas_there,
    substitute_on_gpu as substitute_on_gpu,
)
from .saved import saved as saved
