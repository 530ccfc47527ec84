"""Wires in pictures that were drawn of wires that are known."""

import importlib
import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import jaxnn
from jaxnn import data


pytest.importorskip("skimage", exc_type=ImportError)
drawn = importlib.import_module("experiments.networks._micrographs")

SIZE, WIDTH = 300, 4.0
CROSS = np.array([[[20.0, 30], [140, 80]], [[40, 110], [120, 20]]])


def found_in(ends, **more):
    return data.wires_from_image(drawn.micrograph(ends, SIZE, WIDTH, **more), WIDTH)


def test_recall_and_precision():
    """In pictures with some four crossings a wire; docs/formats.md has more figures."""
    scores = []
    for seed in range(6):
        true = drawn.wires(12, SIZE, 110.0, seed)
        scores.append(drawn.score(found_in(true, seed=seed), true, 2 * WIDTH))
    mean = {name: np.mean([score[name] for score in scores]) for name in scores[0]}
    assert mean["recall of wires"] > 0.8
    assert mean["precision of wires"] > 0.8
    assert mean["error of ends [pixels]"] < 2


@pytest.mark.parametrize("angle", [25, 45, 90, 130])
def test_two_that_cross(angle):
    half = 55 * np.array([[np.cos(a), np.sin(a)] for a in (0.3, 0.3 + np.deg2rad(angle))])
    true = 150 + np.stack([-half, half], axis=1)
    found = found_in(true)
    assert drawn.score(found, true, WIDTH)["recall of junctions"] == 1
    assert len(found) == 2


def test_the_network_of_an_image():
    """In metres, with the picture's sense: upwards is up."""
    pixel = 20e-9
    image = drawn.micrograph(CROSS, SIZE, WIDTH)
    ends = data.wires_from_image(image, WIDTH, pixel=pixel)
    network = jaxnn.network_from_wires(ends, touching=WIDTH * pixel)
    assert network.edges.tolist() == [[0, 1]]
    assert drawn.score(ends / pixel, CROSS, WIDTH)["precision of wires"] == 1


def test_dark_wires_and_colours():
    image = drawn.micrograph(CROSS, SIZE, WIDTH)
    bright = data.wires_from_image(image, WIDTH)
    np.testing.assert_allclose(data.wires_from_image(-image, WIDTH, dark=True), bright, atol=1e-6)
    np.testing.assert_allclose(
        data.wires_from_image(np.stack([image] * 3, axis=2), WIDTH), bright, atol=1e-6
    )
    scaled = np.round(1000 * (image - image.min())).astype(np.uint16)
    np.testing.assert_allclose(data.wires_from_image(scaled, WIDTH), bright, atol=0.5)


def test_gaps():
    broken = np.array([[[20.0, 150], [130, 150]], [[150, 150], [280, 150]]])
    assert len(found_in(broken)) == 2
    image = drawn.micrograph(broken, SIZE, WIDTH)
    assert len(data.wires_from_image(image, WIDTH, gap=24)) == 1


def test_overlay():
    image = drawn.micrograph(CROSS, SIZE, WIDTH)
    axes = data.plot_wires(image, CROSS * 1e-8, pixel=1e-8)
    np.testing.assert_allclose(axes.get_xlim(), (-0.5e-2, 299.5e-2))
    assert axes.get_xlabel() == "x [µm]"
    own: Any = plt.figure().add_subplot()
    bad: Any = 3
    assert data.plot_wires(image, CROSS, ax=own) is own
    assert own.get_ylabel() == "y [pixels]"
    with pytest.raises(ValueError, match=r"ax must be matplotlib.axes.Axes, got int"):
        data.plot_wires(image, CROSS, ax=bad)
    plt.close("all")
    with pytest.raises(ValueError, match=r"shape \(wires, 2, 2\)"):
        data.plot_wires(image, np.zeros((2, 4, 1)))


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.ones((60, 60)), {}, "must have contrast"),
        (np.eye(9), {"width": 6.0}, "at least three widths of a wire, 18 pixels"),
        (np.random.default_rng(0).normal(size=(200, 200)), {}, "no wire of 4 pixels"),
        (np.full((60, 60), np.nan), {}, "image must be finite"),
        ("wires.png", {}, "image must be an array of pixels, got 'wires.png'. skimage.io.imread reads"),
        (np.eye(60), {"width": 0.5}, "width must be at least 1"),
    ],
)
def test_refusals(image, options, message):
    with pytest.raises(ValueError, match=message):
        data.wires_from_image(image, **({"width": WIDTH} | options))


def test_without_scikit_image(monkeypatch):
    for name in ("skimage", "skimage.filters", "skimage.morphology"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match='extra "image"'):
        found_in(CROSS)
