"""Different networks in one process, `python memory_worker.py NETWORKS`: prints by how much it grew.

What counts is the resident memory [MiB] from the tenth network on.
"""

import gc
import itertools
import sys
from pathlib import Path

import jaxnn


def resident():
    """Memory of this process [MiB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def networks(wires=5, more=2):
    """Chains with a few further junctions, no two of them alike."""
    chain = [(k, k + 1) for k in range(wires - 1)]
    others = [pair for pair in itertools.combinations(range(wires), 2) if pair not in chain]
    for extra in itertools.combinations(others, more):
        yield jaxnn.Network(wires, sorted([*chain, *extra]))
    yield from networks(wires + 1, more)


def main(count):
    before = 0.0
    for k, network in enumerate(itertools.islice(networks(), count)):
        drive, ends = jaxnn.Constant(0.1), (0, network.n_nodes - 1)
        jaxnn.simulate(network, jaxnn.Resistor(1e-3), drive, terminals=ends, dt=1e-3, steps=2)
        if k == 9:
            gc.collect()
            before = resident()
        if k % 50 == 49:
            print(k + 1, f"{resident() - before:.0f}", file=sys.stderr, flush=True)
    gc.collect()
    print(f"{resident() - before:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
