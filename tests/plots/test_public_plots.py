"""`jaxnn.plot`: every function draws on the axes that it is given, with units, and no text over another."""

import itertools
import subprocess
import sys
import types
from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Annotation

import jaxnn
from helpers import small_network


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def run():
    network, terminals, path = small_network()
    drive = jaxnn.Triangle(0.15 * path, 4.0)
    setup = {"terminals": terminals, "dt": 1e-3, "steps": 300, "record": "junction_conductance"}
    return jaxnn.simulate(network, jaxnn.TunnelJunction(), drive, **setup)


@pytest.fixture(scope="module")
def fitted():
    x = np.linspace(0.0, 1.0, 20)
    noise = 0.02 * np.cos(40 * np.arange(20))
    model = lambda a: a * jnp.asarray(x)
    return jaxnn.fit.fit_parameters(model, 0.5, x + noise, sigma=0.02, held_out=0.2)


def pictures(run, fitted) -> Any:
    """Each function of the module, called."""
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 100, 500, seed=0)
    law = jaxnn.analysis.fit_power_law(sample, 1, 100, samples=20)
    volts, ohms = np.linspace(0.0, 3.0, 7), np.geomspace(1e2, 1e5, 7)
    exponents = np.array([[-30.0, -2.0, np.nan], [-np.inf, 0.4, 8.0]])
    modes = {"resistor": (0.0, 1.0), "neuron": (1.0, 2.0), "synapse": (2.0, 3.0)}
    history = {"loss": np.geomspace(1, 1e-3, 9), "best_loss": 1e-3, "undone": np.zeros(9, bool)}
    found: Any = types.SimpleNamespace(**history)
    return {
        "avalanches": lambda ax: jaxnn.plot.avalanches(sample, fit=law, label="drawn", ax=ax),
        "conductance": lambda ax: jaxnn.plot.conductance(run, ax=ax),
        "device_modes": lambda ax: jaxnn.plot.device_modes(volts, ohms, 2 * ohms, modes=modes, ax=ax),
        "exponent_map": lambda ax: jaxnn.plot.exponent_map([0.5, 1, 2], [0.1, 0.2], exponents, ax=ax),
        "fit": lambda ax: jaxnn.plot.fit(fitted, xlabel="time [s]", ylabel="current [A]", ax=ax),
        "hysteresis": lambda ax: jaxnn.plot.hysteresis(volts, ohms, ohms, ax=ax),
        "iv_loop": lambda ax: jaxnn.plot.iv_loop(run, ax=ax),
        "network": lambda ax: jaxnn.plot.network(run, ax=ax),
        "path": lambda ax: jaxnn.plot.path(run, ax=ax),
        "raster": lambda ax: jaxnn.plot.raster(run, level=1e-6, ax=ax),
        "training": lambda ax: jaxnn.plot.training(found, target=1e-2, ax=ax),
    }


NAMES = sorted(set(jaxnn.plot.__all__) - {"sweep_map"})


def words(ax) -> list[Any]:
    """Every text that is seen: names, ticks and what is written on the axes."""
    figure = ax.figure
    figure.canvas.draw()
    found = []
    for one in figure.axes:
        for axis in (one.xaxis, one.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            labels = [label for tick in ticks for label in (tick.label1, tick.label2)]
            found += [axis.label, *(label for label in labels if label.get_visible())]
        found += [one.title, *one.texts]
        for child in one.child_axes:
            found += [tick.label2 for tick in child.xaxis.get_major_ticks()]
        if one.get_legend():
            found += one.get_legend().get_texts()
    whole = figure.bbox
    boxes = [(text.get_text(), text.get_window_extent()) for text in found if text.get_text().strip()]
    return [(name, box) for name, box in boxes if box.overlaps(whole)]


def overlaps(ax) -> list[tuple[str, str]]:
    boxes = words(ax)
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    # Ticks at the corner of two axes may touch by a pixel.
    apart = lambda a, b: min(a.x1, b.x1) - max(a.x0, b.x0) < 2 or min(a.y1, b.y1) - max(a.y0, b.y0) < 2
    return [(a[0], b[0]) for a, b in pairs if not apart(a[1], b[1])]


@pytest.mark.parametrize("name", NAMES)
def test_on_given_axes_with_units_and_nothing_over_another(name, run, fitted):
    draw = pictures(run, fitted)[name]
    _, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    before = list(left.get_children())
    assert draw(right) is right
    assert left.get_children() == before, "nothing is drawn on other axes"
    assert right.get_xlabel()
    assert right.get_ylabel()
    assert overlaps(right) == []
    alone = draw(None)
    assert alone.figure is not right.figure
    assert overlaps(alone) == []


def test_units_of_axes(run):
    units = {"iv_loop": ("V", "A"), "conductance": ("s", "S"), "path": ("µm", "µm")}
    for name, (x, y) in units.items():
        ax = getattr(jaxnn.plot, name)(run)
        assert ax.get_xlabel().endswith(f"{x}]")
        assert ax.get_ylabel().endswith(f"{y}]")


@pytest.mark.parametrize("size", [(6.4, 5.2), (11, 10)])
@pytest.mark.parametrize("seed", range(2))
def test_names_of_terminals_are_within_the_axes(seed, size):
    """Where no tick is, and apart from each other, on one panel as on four."""
    network = jaxnn.nanowire_network(60, box=25e-6, seed=seed)
    for terminals in (jaxnn.farthest_pair(network), (0, 1, 2, 3, 4)):
        figure, axes = plt.subplots(*((2, 2) if size[0] > 10 else (1, 1)), figsize=size, squeeze=False)
        figure.set_layout_engine("constrained")
        for ax in axes.flat:
            jaxnn.plot.network(network, np.ones(network.n_junctions), ax=ax, terminals=terminals)
        figure.canvas.draw()
        for ax in axes.flat:
            frame = ax.get_window_extent()
            boxes = [text.get_window_extent() for text in ax.texts if isinstance(text, Annotation)]
            assert len(boxes) == len(terminals)
            for i, box in enumerate(boxes):
                assert frame.x0 <= box.x0
                assert box.x1 <= frame.x1
                assert frame.y0 <= box.y0
                assert box.y1 <= frame.y1
                assert not any(box.overlaps(other) for other in boxes[:i])


def test_the_path_runs_along_wires(run):
    (line,) = [x for x in jaxnn.plot.path(run).lines if str(x.get_label()).startswith("path")]
    points = np.stack(line.get_data(), 1)
    ends = run.network.wire_ends * 1e6
    for a, b in itertools.pairwise(points):
        middle = (a + b) / 2
        way = ends[:, 1] - ends[:, 0]
        off = np.abs(way[:, 0] * (middle - ends[:, 0])[:, 1] - way[:, 1] * (middle - ends[:, 0])[:, 0])
        assert np.min(off / np.linalg.norm(way, axis=1)) < 1e-6


def test_the_path_counts_no_contacts_of_pads():
    network = jaxnn.nanowire_network(100, box=30e-6, seed=0)
    padded = network.with_pad(side="left", fraction=0.05).with_pad(side="right", fraction=0.05)
    ends = (padded.n_nodes - 2, padded.n_nodes - 1)
    conductance = np.where(padded.passive, 0.1, 1e-5)
    path = padded.path_length(*ends)
    assert path > 1
    ax = jaxnn.plot.path(padded, conductance, terminals=ends)
    assert f"path of {path} junctions" in [x.get_label() for x in ax.lines]


def test_the_loop_is_the_run(run):
    ax = jaxnn.plot.iv_loop(run)
    lines: Any = ax.collections[0]
    ends = np.array([segment[-1] for segment in lines.get_segments()])
    np.testing.assert_allclose(ends[:, 0], run.drive[1:, 0], rtol=1e-6)
    scale = ends[-1, 1] / float(run.terminal_current[-1, 0])
    np.testing.assert_allclose(np.log10(scale) % 3, 0, atol=1e-6)
    assert 1 <= np.abs(ends[:, 1]).max() < 1000


def test_the_raster_marks_crossings(run):
    above = np.asarray(run.junction_conductance) > 1e-6
    change = np.diff(above.astype(int), axis=0)
    on, off = jaxnn.plot.raster(run, level=1e-6).lines
    assert np.size(on.get_xdata()) == (change > 0).sum() > 0
    assert np.size(off.get_xdata()) == (change < 0).sum()


def test_a_density_adds_up_to_one():
    sample = jaxnn.analysis.power_law_sample(1.5, 1, 1000, 2000, seed=1)
    ax = jaxnn.plot.avalanches(sample)
    jaxnn.plot.avalanches(sample[:500], ax=ax)
    first, second = ax.lines
    assert first.get_color() != second.get_color()
    x, density = map(np.asarray, first.get_data())
    few = x < 5  # bins of one number
    counts = np.array([(sample == value).mean() for value in np.round(x[few])])
    np.testing.assert_allclose(density[few], counts, rtol=1e-12)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda run: jaxnn.plot.iv_loop([0.0, 1.0]), "needs voltage and current"),
        (lambda run: jaxnn.plot.iv_loop([0.0, 1.0], [1.0]), "one shape"),
        (lambda run: jaxnn.plot.raster(run), "needs the level"),
        (lambda run: jaxnn.plot.raster([0.0, 1.0], np.ones((3, 2))), "time first"),
        (lambda run: jaxnn.plot.avalanches([]), "at least one"),
        (lambda run: jaxnn.plot.avalanches([1, 2], quantity="width"), "quantity"),
        (lambda run: jaxnn.plot.exponent_map([1.0], [1.0], np.ones((2, 1))), "rows, columns"),
        (lambda run: jaxnn.plot.device_modes([1.0, 2.0], [1.0]), "one resistance per voltage"),
    ],
)
def test_what_does_not_fit(draw, message, run):
    with pytest.raises(ValueError, match=message):
        draw(run)


# Not until something is drawn, fitted or tuned: everybody waits for the first import of a session.
LATE = ("matplotlib", "scipy", "networkx", "optax", "sklearn", "xarray", "zarr", "tqdm", "diffrax")


def test_an_import_draws_nothing():
    code = f"import sys, jaxnn; print([name for name in {LATE!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_axes_is_named():
    figure, both = plt.subplots(2)
    for wrong, name in ((figure, "Figure"), (both, "ndarray")):
        with pytest.raises(ValueError, match=f"one Matplotlib Axes, got {name}"):
            jaxnn.plot.conductance([0.0, 1.0], [1e-6, 2e-6], ax=wrong)  # pyright: ignore[reportArgumentType]
