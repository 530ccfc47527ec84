"""Networks of wires: their junctions, parts, paths, pads and terminals."""

from .connectivity import checked_node as checked_node
from .ensemble import Ensemble as Ensemble, padded_ranges as padded_ranges
from .files import KNOWN as KNOWN, REQUIRED as REQUIRED, network_arrays as network_arrays
from .generate import nanowire_network as nanowire_network
from .geometry import crossing_points as crossing_points
from .graph_models import (
    lattice_network as lattice_network,
    random_graph_network as random_graph_network,
)
from .grid import grid_network as grid_network
from .layout import spring_layout as spring_layout
from .network import Network as Network, network_from as network_from
from .paths import lightest_path as lightest_path
from .read import read_network as read_network
from .stacked import stacked_network as stacked_network
from .terminals import (
    farthest_pair as farthest_pair,
    pair_at as pair_at,
    random_terminals as random_terminals,
)
from .topology import Topology as Topology
from .wires import network_from_wires as network_from_wires
