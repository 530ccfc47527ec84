"""What is written so for XLA alone: each trick, and what a step loses without it.

| trick | 64 copies of 300 wires, jax 0.10.1 |
|---|---|
| `batch_last` | 8 to 9 times the time; 73 transposes for 3, 110 copies for 46 |
| `laid_out` | 1.5 times the time; 5 transposes for 3 |
| `batch_inner` | 1.2 times the time; 4 transposes for 3 |
| `rows`, `update` | with starts that may be negative, the same time; 152 fused loops for 141 |
| `desk` in `_nodal/star_mesh.py` | 1.14 times the time, though 119 fused loops for 141 |
| `fold`, in `total` | a step behind series resistors, 256 copies of 100 wires: 1.28 times the time |
| `settled`, on a GPU | 4,096 copies of 100 wires: 1.3 times the bytes, 4 times the compiling |

`settled` was compiled for an H100 that was not there; for the time on one, 361 us for 51, see docs/gpu.md.
The rest is processor time on two cores of an AMD EPYC, the least of 12 turns. Others kept the cores busy:
medians lie up to half above, but measured twice the factors were 1.22 and 1.24, 1.48 and 1.51, 8.3 and 9.2.
Alone, a network's program is the same without the first three. `tests/kernels/test_xla_tricks.py` measures
each again, and fails when it may go.
"""

from .batch_inner import batch_inner as batch_inner
from .batch_last import batch_last as batch_last, linear_pair as linear_pair
from .eager import always_compiled as always_compiled
from .loops import rows as rows, settled as settled, update as update
from .over_rows import TERMS as TERMS, fold as fold, largest as largest, total as total
from .placement import (
    is_shared_module as is_shared_module,
    is_shared_out as is_shared_out,
    mapped_like as mapped_like,
    on_mesh_of_arguments as on_mesh_of_arguments,
    shared_like as shared_like,
)
