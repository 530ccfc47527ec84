"""What is written so for XLA alone."""

from .batch_inner import batch_inner as batch_inner
from .batch_last import batch_last as batch_last, linear_pair as linear_pair
from .loops import fused_sum as fused_sum, rows as rows, settled as settled, update as update
from .placement import (
    is_shared_out as is_shared_out,
    mapped_like as mapped_like,
    on_mesh_of_arguments as on_mesh_of_arguments,
    shared_like as shared_like,
)
