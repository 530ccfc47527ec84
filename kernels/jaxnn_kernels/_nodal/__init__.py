"""The nodal solve: plans, eliminations, and the derivative rule."""

from .charging import charge_nodes as charge_nodes
from .choice import nodal_plan as nodal_plan, sparse_plan as sparse_plan
from .compiled_plan import compiled_plan as compiled_plan, plans_of_here as plans_of_here
from .dense import dense_plan as dense_plan
from .incidence import (
    Incidence as Incidence,
    difference as difference,
    divergence as divergence,
    incidence as incidence,
)
from .leak import open_conductance as open_conductance
from .newton import (
    NewtonSearch as NewtonSearch,
    newton_search as newton_search,
    newton_step as newton_step,
)
from .plan import AbstractPlan as AbstractPlan
from .solve import (
    NodalSolution as NodalSolution,
    eliminate_nodes as eliminate_nodes,
    joined_wires as joined_wires,
    solve_nodes as solve_nodes,
)
from .star_plan import star_mesh_plan as star_mesh_plan
