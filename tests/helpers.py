"""Cases and comparisons that several tests use."""

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

import jaxnn


ROOT = Path(__file__).resolve().parents[1]
# Flags of `make test`.
OF_COMPILING = ("--xla_backend_optimization_level", "--xla_cpu_use_fusion_emitters")


def relative_difference(ours, expected) -> float:
    """The largest relative difference; NaN counts as equal to NaN."""
    ours, expected = np.asarray(ours), np.asarray(expected)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    known = ~np.isnan(expected)
    ours, expected = ours[known], expected[known]
    return float(np.max(np.abs(ours - expected) / np.maximum(np.abs(expected), 1e-300), initial=0))


def line(n_junctions: int) -> jaxnn.Network:
    """Wires in a row, each joined to the next."""
    nodes = np.arange(n_junctions)
    return jaxnn.Network(n_junctions + 1, np.stack([nodes, nodes + 1], axis=-1))


def small_network(seed: int = 0, n_wires: int = 30) -> tuple[jaxnn.Network, tuple[int, int], int]:
    """A generated network, its farthest pair of wires and the path length between them."""
    network = jaxnn.nanowire_network(n_wires, box=17e-6, seed=seed)
    terminals = jaxnn.farthest_pair(network)
    return network, terminals, network.path_length(*terminals)


def assert_same(one, other):
    """Bit for bit, NaN included."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def endings(optimisation):
    """The endings of the restarts by name."""
    items = {
        name: getattr(jaxnn.OptimisationResult, name) for name in jaxnn.OptimisationResult._name_to_item
    }
    same = {name: np.atleast_1d(optimisation.result == item) for name, item in items.items()}
    return [next(name for name in same if same[name][i]) for i in range(len(same["out_of_steps"]))]


def run_worker(
    script, *arguments, devices: int | None = None, quickly: bool = False, python=sys.executable
) -> str:
    """What a script of this folder prints in a process of its own, on so many devices of a CPU.

    Compiled as a user's programs are, or `quickly`, as the tests around it.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    flags = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if flag.startswith(OF_COMPILING)]
    flags = flags if quickly else []
    if devices is not None:
        flags.append(f"--xla_force_host_platform_device_count={devices}")
    if flags:
        environment["XLA_FLAGS"] = " ".join(flags)
    command = [str(python), str(ROOT / "tests" / script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def altered(content: bytes, draws: random.Random) -> bytes:
    """A file with a bit turned round, bytes overwritten, cut off, put in, or taken out."""
    place, size = draws.randrange(len(content)), draws.randrange(1, 9)
    some = bytes(draws.randrange(256) for _ in range(size))
    return draws.choice(
        (
            content[:place] + bytes([content[place] ^ 1 << draws.randrange(8)]) + content[place + 1 :],
            content[:place] + some + content[place + size :],
            content[:place],
            content[:place] + some + content[place:],
            content[:place] + content[place + size :],
        )
    )


@contextlib.contextmanager
def as_a_reader():
    """JAX as it comes: the suite's float64 and strict promotion are not what a reader has."""
    with (
        jax.enable_x64(False),
        jax.numpy_rank_promotion("allow"),
        jax.numpy_dtype_promotion("standard"),
    ):
        yield
