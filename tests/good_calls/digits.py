"""Good calls of what the digits and the information measures brought."""

import jaxnn
from good_calls.examples import Call


def of_grids() -> dict[str, Call]:
    grid = {"rows": 3, "columns": 4, "diagonals": True, "seed": 2, "spacing": 1e-6}
    return {"grid_network": (jaxnn.grid_network, grid)}


CHEAP = (of_grids,)
ALL = CHEAP
