"""Sweeps and changing networks for so many minutes, `python soak_worker.py MINUTES`: how memory went.

A round is a run, a gradient, a batch of drives and a sweep to disk, of a network that was never seen.
What is printed is JSON: rounds, and the resident memory [MiB] after each twentieth of the time.
"""

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from memory_worker import networks, resident


SETUP = {"dt": 1e-3, "steps": 50}


def sweep(network: jaxnn.Network, out: Path) -> None:
    """Sixteen runs, in pieces of four."""
    jaxnn.sweep(
        network,
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.1),
        over={"drive.voltage": np.linspace(0.02, 1.0, 16)},
        terminals=(0, network.n_nodes - 1),
        points=4,
        out=out,
        progress=False,
        **SETUP,
    )


def one_round(network: jaxnn.Network) -> None:
    ends = 0, network.n_nodes - 1
    law = jaxnn.TunnelJunction()
    run = lambda u: jaxnn.simulate(network, law, jaxnn.Constant(u), terminals=ends, **SETUP)
    jax.grad(lambda u: jnp.sum(run(u).terminal_current[:, 0]))(0.1)
    jax.vmap(run)(jnp.linspace(0.1, 1.0, 8)).conductance.block_until_ready()
    with tempfile.TemporaryDirectory() as folder:
        sweep(network, Path(folder) / "sweep")


def main(minutes: float) -> None:
    begin, memory = time.monotonic(), []
    for rounds, network in enumerate(networks()):
        passed = (time.monotonic() - begin) / 60 / minutes
        if len(memory) < int(20 * passed):
            gc.collect()
            memory.append(round(resident(), 1))
        if passed >= 1:
            print(json.dumps({"rounds": rounds, "minutes": minutes, "resident [MiB]": memory}))
            return
        one_round(network)


if __name__ == "__main__":
    main(float(sys.argv[1]))
