"""Handwritten digits and the read-outs that name them, for all scripts that show digits to a network."""

import functools as ft
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn import datasets

import jaxnn


class Digits(NamedTuple):
    """Images `(samples, side, side)` from 0 to 1 and their labels, to learn from and to test with."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def load(quick: bool, folder: Path | None, most: int = 60_000) -> Digits:
    """MNIST, the first `most` images of the training set; or the 8 x 8 digits of scikit-learn."""
    if quick:
        images, labels = map(np.asarray, datasets.load_digits(return_X_y=True))
        images = images.reshape(-1, 8, 8).astype(np.float32) / 16
        labels = labels.astype(np.int32)
        return Digits(images[:800], labels[:800], images[800:1100], labels[800:1100])
    images, labels = jaxnn.data.mnist(folder)
    return Digits(images[:most], labels[:most], *jaxnn.data.mnist(folder, split="test"))


def standard(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Features less the training set's mean, over its deviation; those that never change are 0."""
    mean, deviation = train.mean(axis=0, dtype=float), train.std(axis=0, dtype=float)
    scale = np.where(deviation > 0, deviation, np.inf)
    return [((x - mean) / scale).astype(np.float32) for x in (train, *others)]


class Softmax(NamedTuple):
    """How a softmax layer learnt."""

    loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    named: np.ndarray


def train_softmax(
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    epochs: int,
    batch: int,
) -> Softmax:
    """One dense softmax layer by Adam at Keras' defaults: Glorot's weights, a rate of 1e-3.

    Batches are shuffled. The test set is looked at after every epoch for the curve, and nothing is chosen
    by it: what counts is the last epoch.
    """
    train, test = standard(train, test)
    optimiser = optax.adam(1e-3, eps=1e-7)
    steps = len(train) // batch

    def cost(parts: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        said = x @ parts[0] + parts[1]
        return optax.softmax_cross_entropy_with_integer_labels(said, y).mean()

    def step(carry: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        parts, memory = carry
        loss, slope = jax.value_and_grad(cost)(parts, x[chosen], y[chosen])
        update, memory = optimiser.update(slope, memory)
        return (optax.apply_updates(parts, update), memory), loss

    @jax.jit
    def epoch(carry: Any, key: jax.Array) -> Any:
        order = jax.random.permutation(key, len(train))[: steps * batch].reshape(steps, batch)
        carry, loss = jax.lax.scan(step, carry, order)
        right = [jnp.mean(jnp.argmax(a @ carry[0][0] + carry[0][1], 1) == b) for a, b in ((x, y), (u, v))]
        return carry, (loss.mean(), *right)

    x, y, u, v = map(jnp.asarray, (train, labels, test, test_labels))
    keys = jax.random.split(jax.random.key(0), epochs + 1)
    limit = (6 / (train.shape[1] + 10)) ** 0.5
    weights = jax.random.uniform(keys[0], (train.shape[1], 10), jnp.float32, -limit, limit)
    parts = (weights, jnp.zeros(10, jnp.float32))
    carry, curve = (parts, optimiser.init(parts)), []
    for key in keys[1:]:
        carry, found = epoch(carry, key)
        curve.append(found)
    named = np.argmax(test @ np.asarray(carry[0][0]) + np.asarray(carry[0][1]), axis=1)
    loss, learnt, tested = (np.array(x) for x in zip(*curve, strict=True))
    return Softmax(loss, learnt, tested, named)


def in_batches(function: Any, samples: np.ndarray, size: int = 64) -> np.ndarray:
    """`function` of every sample, `size` at a time in one compiled loop of a few thousand."""
    run = jax.jit(ft.partial(jax.lax.map, function, batch_size=size))
    chunk = min(2048, len(samples))
    found = []
    for k in range(0, len(samples), chunk):
        part = samples[k : k + chunk]
        # Of one shape, for one program; what was added is cut off.
        whole = np.concatenate([part, np.repeat(part[-1:], chunk - len(part), axis=0)])
        found.append(np.asarray(run(whole))[: len(part)])
    return np.concatenate(found)


def confusion(labels: np.ndarray, named: np.ndarray) -> np.ndarray:
    """How many of each class (row) were named what (column)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (labels, named), 1)
    return table
