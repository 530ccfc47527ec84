"""The nodal solve: plans, eliminations, and the derivative rule."""

from .dense import dense_plan as dense_plan
from .incidence import difference as difference, divergence as divergence
from .solve import (
    NodalSolution as NodalSolution,
    joined_wires as joined_wires,
    nodal_plan as nodal_plan,
    solve_nodes as solve_nodes,
)
from .star_mesh import star_mesh_plan as star_mesh_plan
