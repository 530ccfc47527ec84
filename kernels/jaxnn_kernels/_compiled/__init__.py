"""The nodal solve as a library in C++ that XLA calls on a CPU: see `kernels/native/`."""

from .calls import call as call, compiled_or_not as compiled_or_not
from .library import is_compiled as is_compiled, solved_by as solved_by
