"""The benchmark's cases of networks that grow: a sample against the memory traffic that it needs."""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.benchmarks._cases import compiled
from experiments.benchmarks._statistics import Case


LARGE = (2000, 784)  # nodes and inputs: MNIST
SMALL = (400, 64)  # digits of 8x8
CORES = 2


def clouds(streams: int, samples: int, nodes: int, inputs: int) -> np.ndarray:
    """Streams of samples, (streams, samples, inputs), in as many clouds as a third of the nodes."""
    draw = np.random.default_rng(0)
    centres = draw.uniform(size=(streams, nodes // 3, inputs))
    of = draw.integers(0, nodes // 3, (streams, samples))
    noise = 0.15 * draw.normal(size=(streams, samples, inputs))
    return (np.take_along_axis(centres, of[..., None], axis=1) + noise).astype(np.float32)


def grow_case(nodes: int, inputs: int, streams: int, samples: int, threads: int = 1) -> Case:
    """A stretch of streams, learned at once, by networks that have seen ten such stretches.

    A step is one sample of every stream. Nodes are added, switched off and woken on the way. With more
    threads each calls the same program with its share of the streams.
    """
    network = jaxnn.GrowWhenRequired(nodes, activity_threshold=0.87, off_after=10 * nodes)
    shown = clouds(streams // threads, samples, nodes, inputs)
    start = jax.vmap(lambda x: network.start(x, 10))(shown[:, : nodes // 2])
    labels = jnp.zeros(shown.shape[:2], jnp.int32)
    alone = lambda *stream: network.learn(*stream)
    learn = alone if streams == 1 else jax.vmap(alone)
    arguments = jax.tree.map(lambda x: x[0] if streams == 1 else x, (start, jnp.asarray(shown), labels))
    program, info = compiled(learn, *arguments)
    state, history = program(*arguments)
    for _ in range(9):
        state, history = program(state, *arguments[1:])
    written = float(jnp.mean(history.written))

    pool = ThreadPoolExecutor(threads)
    share = lambda _: jax.block_until_ready(program(state, *arguments[1:]))
    name = f"ours, {streams} streams" if streams > 1 else "ours, one stream"
    return Case(
        name if threads == 1 else f"{name} on {threads} threads",
        lambda _: list(pool.map(share, range(threads))),
        streams,
        samples,
        resize=False,
        info=info | {"written": written},
    )


def traffic_case(nodes: int, inputs: int, repeats: int = 100) -> Case:
    """The floor: the weights read once per sample, by a product of OpenBLAS on each core."""
    parts = np.array_split(np.random.default_rng(0).random((nodes, inputs), dtype=np.float32), CORES)
    parts = [np.ascontiguousarray(part) for part in parts]
    sample = np.ones(inputs, np.float32)
    pool = ThreadPoolExecutor(CORES)

    def read(part: np.ndarray) -> None:
        out = np.empty(len(part), np.float32)
        for _ in range(repeats):
            np.dot(part, sample, out=out)

    return Case(
        "weights read once", lambda _: list(pool.map(read, parts)), 1, repeats, resize=False,
        info={"bytes": 4.0 * nodes * inputs},
    )  # fmt: skip
