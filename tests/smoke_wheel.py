"""Run by `make wheel` in an environment that holds only the wheel, away from the source."""

import sys
import zipfile
from pathlib import Path

import jaxnn


names = {name.split("/")[0] for name in zipfile.ZipFile(sys.argv[1]).namelist()}
packages = {name for name in names if not name.endswith(".dist-info")}
assert packages == {"jaxnn", "jaxnn_kernels"}, packages
assert jaxnn.__version__ in Path(sys.argv[1]).name, jaxnn.__version__
assert "site-packages" in Path(jaxnn.__file__).parts, jaxnn.__file__

network = jaxnn.nanowire_network(100, box=30e-6, seed=1)
solution = jaxnn.simulate(
    network,
    jaxnn.TunnelJunction(),
    jaxnn.Constant(1.0),
    terminals=jaxnn.farthest_pair(network),
    dt=1e-3,
    steps=500,
    record="junction_conductance",
)
assert solution.conductance[-1] > 10 * solution.conductance[0], solution.conductance
assert "<canvas" in solution.view().text, "the page of a run lacks its files"
print(f"the wheel works: {network.n_nodes} wires, {float(solution.conductance[-1]):.3g} S")
