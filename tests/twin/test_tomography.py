"""Conductances inside a grid from the pads on its edge."""

import jax
import numpy as np
import pytest

import jaxnn
from circuits import central
from jaxnn import twin


N = 4
INDEX = np.arange(N * N).reshape(N, N)
EDGES = np.concatenate(
    [
        np.stack([INDEX[:, :-1].ravel(), INDEX[:, 1:].ravel()], axis=1),
        np.stack([INDEX[:-1].ravel(), INDEX[1:].ravel()], axis=1),
    ]
)
PADS = np.concatenate([INDEX[0], INDEX[-1], INDEX[1:-1, 0], INDEX[1:-1, -1]])
NETWORK = jaxnn.Network(N * N, EDGES)
PLACE = np.stack([EDGES // N, EDGES % N], axis=2).mean(axis=1)
TRUTH = 1e-5 * np.exp(1.2 * np.exp(-((PLACE - [1.9, 0.8]) ** 2).sum(axis=1)))  # [S]


def test_resistances_are_those_of_the_laplacian():
    laplacian = np.zeros((N * N, N * N))
    for (i, j), g in zip(EDGES, TRUTH, strict=True):
        laplacian[[i, j], [i, j]] += g
        laplacian[[i, j], [j, i]] -= g
    inverse = np.linalg.pinv(laplacian)[np.ix_(PADS, PADS)]
    # Relative to the first pad, where the current comes out.
    expected = inverse - inverse[:1] - inverse[:, :1] + inverse[0, 0]
    found = twin.pad_resistance(NETWORK, TRUTH, PADS)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6)


def test_gradients():
    loss = jax.jit(lambda g: (twin.pad_resistance(NETWORK, 1e-5 * g, PADS) ** 2).sum() / 1e10)
    found = jax.grad(loss)(1e5 * TRUTH)
    expected = [central(loss, 1e5 * TRUTH, way) for way in np.eye(len(TRUTH))]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("share", "correlation", "least"), [(1e-4, 0.99, 20), (1e-2, 0.8, 10)])
def test_maps_what_is_inside(share, correlation, least):
    """The less noise, the more is resolved; errors are as large as they are said to be."""
    exact = np.asarray(twin.pad_resistance(NETWORK, TRUTH, PADS))
    noise = share * exact.max()
    drawn = np.triu(noise * np.random.default_rng(0).normal(size=exact.shape))
    found = twin.map_conductances(NETWORK, PADS, exact + drawn + np.triu(drawn, 1).T, noise=noise)
    miss = np.log(found.conductance / TRUTH)
    assert np.corrcoef(np.log(found.conductance), np.log(TRUTH))[0, 1] > correlation
    assert least <= found.resolved <= len(EDGES)
    assert 0.3 < np.sqrt(np.mean((miss / found.log_error) ** 2)) < 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: twin.pad_resistance(NETWORK, TRUTH[:3], PADS), "conductance must be of 24 junctions"),
        (lambda: twin.pad_resistance(NETWORK, TRUTH, [0, 16]), "pads must be two or more wires of 16"),
        (lambda: twin.pad_resistance(NETWORK, TRUTH, [1, 1]), "each once"),
        (lambda: twin.map_conductances(NETWORK, [0, 1], np.ones((3, 3)), noise=1.0), "shape .2, 2."),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
