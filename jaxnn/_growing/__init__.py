"""Networks that grow when required, and what holds their nodes."""

from .network import (
    AbstractNodeStorage as AbstractNodeStorage,
    GrowthHistory as GrowthHistory,
    GrowWhenRequired as GrowWhenRequired,
)
from .nickelate_nodes import (
    NickelateNodes as NickelateNodes,
    NickelateStorage as NickelateStorage,
    NodeCost as NodeCost,
    node_cost as node_cost,
)
