"""Array kernels of jaxnn: pure functions that jit, vmap and differentiate."""

from . import _arguments as arguments  # noqa: F401
from ._compiled import is_compiled as is_compiled, saved as saved, solved_by as solved_by
from ._exact_time import (
    fractional_cycles as fractional_cycles,
    split_time_step as split_time_step,
    step_time as step_time,
    two_part_difference as two_part_difference,
    two_part_product as two_part_product,
    two_part_sum as two_part_sum,
    whole_periods as whole_periods,
)
from ._growing import (
    GrowEvent as GrowEvent,
    GrowParameters as GrowParameters,
    GrowState as GrowState,
    GrowStore as GrowStore,
    grow_state as grow_state,
    grow_step as grow_step,
    square_distance as square_distance,
)
from ._implicit import implicit as implicit
from ._junctions import (
    FluxWidths as FluxWidths,
    binary_conductance as binary_conductance,
    bounded as bounded,
    compensated_flux_step as compensated_flux_step,
    gap_conductance as gap_conductance,
    simmons_conductance as simmons_conductance,
    smooth_binary_conductance as smooth_binary_conductance,
    smooth_threshold_flux_step as smooth_threshold_flux_step,
    smooth_tunnel_conductance as smooth_tunnel_conductance,
    straight_through as straight_through,
    threshold_flux_rate as threshold_flux_rate,
    threshold_flux_step as threshold_flux_step,
    tunnel_conductance as tunnel_conductance,
)
from ._nickelate import (
    CloudFlow as CloudFlow,
    CloudState as CloudState,
    ProtonCloud as ProtonCloud,
    ProtonTraps as ProtonTraps,
    TransportState as TransportState,
    cloud_resistance as cloud_resistance,
    hop_rates as hop_rates,
    hopping as hopping,
    proton_cloud_rate as proton_cloud_rate,
    proton_cloud_step as proton_cloud_step,
    stored_charge as stored_charge,
    transport_step as transport_step,
)
from ._nodal import (
    AbstractPlan as AbstractPlan,
    Incidence as Incidence,
    NewtonSearch as NewtonSearch,
    NodalSolution as NodalSolution,
    charge_nodes as charge_nodes,
    compiled_plan as compiled_plan,
    dense_plan as dense_plan,
    difference as difference,
    divergence as divergence,
    eliminate_nodes as eliminate_nodes,
    incidence as incidence,
    joined_wires as joined_wires,
    newton_search as newton_search,
    newton_step as newton_step,
    nodal_plan as nodal_plan,
    open_conductance as open_conductance,
    plans_of_here as plans_of_here,
    solve_nodes as solve_nodes,
    sparse_plan as sparse_plan,
    star_mesh_plan as star_mesh_plan,
)
from ._number import (
    Number as Number,
)
from ._two_stages import STAGE_SHARE as STAGE_SHARE
from ._xla import (
    batch_inner as batch_inner,
    largest as largest,
    mapped_like as mapped_like,
    on_mesh_of_arguments as on_mesh_of_arguments,
    shared_like as shared_like,
    total as total,
)


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
