"""Array kernels of jaxnn: pure functions that jit, vmap and differentiate."""

from ._batch_inner import batch_inner as batch_inner
from ._dense import dense_plan as dense_plan
from ._exact_time import (
    fractional_cycles as fractional_cycles,
    split_time_step as split_time_step,
    step_time as step_time,
    two_part_difference as two_part_difference,
    two_part_product as two_part_product,
    two_part_sum as two_part_sum,
    whole_periods as whole_periods,
)
from ._flux_rate import threshold_flux_rate as threshold_flux_rate
from ._grow_when_required import (
    GrowEvent as GrowEvent,
    GrowParameters as GrowParameters,
    GrowState as GrowState,
    GrowStore as GrowStore,
    grow_state as grow_state,
    grow_step as grow_step,
    square_distance as square_distance,
)
from ._incidence import difference as difference, divergence as divergence
from ._junction import (
    binary_conductance as binary_conductance,
    compensated_flux_step as compensated_flux_step,
    gap_conductance as gap_conductance,
    threshold_flux_step as threshold_flux_step,
    tunnel_conductance as tunnel_conductance,
)
from ._nodal import (
    NodalSolution as NodalSolution,
    joined_wires as joined_wires,
    nodal_plan as nodal_plan,
    solve_nodes as solve_nodes,
)
from ._number import Number as Number
from ._placement import (
    mapped_like as mapped_like,
    on_mesh_of_arguments as on_mesh_of_arguments,
    shared_like as shared_like,
)
from ._proton_cloud import (
    CloudState as CloudState,
    ProtonCloud as ProtonCloud,
    cloud_resistance as cloud_resistance,
    hopping as hopping,
    proton_cloud_rate as proton_cloud_rate,
    stored_charge as stored_charge,
)
from ._proton_cloud_step import (
    STAGE_SHARE as STAGE_SHARE,
    CloudFlow as CloudFlow,
    proton_cloud_step as proton_cloud_step,
)
from ._proton_transport import (
    ProtonTraps as ProtonTraps,
    TransportState as TransportState,
    hop_rates as hop_rates,
    transport_step as transport_step,
)
from ._smooth_junction import (
    smooth_binary_conductance as smooth_binary_conductance,
    smooth_threshold_flux_step as smooth_threshold_flux_step,
    smooth_tunnel_conductance as smooth_tunnel_conductance,
    straight_through as straight_through,
)
from ._star_mesh import star_mesh_plan as star_mesh_plan
