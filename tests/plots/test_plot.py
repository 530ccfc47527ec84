"""Pictures: they draw without a warning, say what their axes are, and refuse what does not fit."""

from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from jaxnn import G0
from jaxnn._networks.network import Network
from jaxnn._plots import plot_conductance, plot_hysteresis, plot_network


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# Three vertical wires and a long horizontal one (0), which crosses them at x = 0, 10 and 20 µm.
WIRES = [[(-5, 0), (25, 0)], [(0, -5), (0, 5)], [(10, -5), (10, 5)], [(20, -5), (20, 5)]]
EDGES = [(0, 1), (2, 0), (0, 3)]
VALUES = np.array([1e-5, 1e-7, 1e-6])


def crossing_wires(**changes):
    ends = np.array(WIRES) * 1e-6
    geometry: Any = dict(positions=ends.mean(1), wire_ends=ends, box=np.array([20e-6, 10e-6]))
    return Network(4, EDGES, **(geometry | changes))


def with_pads(**changes):
    """A source pad on wire 1 and a drain pad on wires 2 and 3."""
    network = crossing_wires()
    assert network.positions is not None
    assert network.wire_ends is not None
    geometry: Any = dict(
        positions=np.concatenate([network.positions, [(0, 5e-6), (15e-6, -5e-6)]]),
        wire_ends=np.concatenate([network.wire_ends, np.full((2, 2, 2), np.nan)]),
        passive=np.array([False] * 3 + [True] * 3),
        passive_conductance=0.1,
    )
    return Network(6, [*EDGES, (1, 4), (2, 5), (3, 5)], **(geometry | changes))


def draw(ax) -> Any:
    """Renders, which is when Matplotlib computes scales and layouts, and complains of them."""
    ax.figure.canvas.draw()
    return ax


def strong_lines(ax) -> Any:
    """The one collection of lines that is coloured by value (the wires are not)."""
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection) and c.norm.scaled())
    return lines


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_network_by_wires():
    ax = draw(plot_network(crossing_wires(), jnp.asarray(VALUES), terminals=(1, np.int64(3))))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x [µm]", "y [µm]")
    assert texts(ax) == ["source", "drain"]
    assert ax.figure.axes[-1].get_ylabel() == "junction conductance [S]"
    wires: Any = ax.collections[0]
    assert isinstance(wires, LineCollection)
    np.testing.assert_allclose(np.stack(wires.get_segments()), np.array(WIRES), atol=1e-12)


def test_network_dots_are_at_the_crossings_and_grow_with_the_value():
    ax = draw(plot_network(crossing_wires(), VALUES))
    dots: Any = ax.collections[-1]
    # The strongest is drawn last, on top of the others.
    np.testing.assert_allclose(dots.get_offsets(), [(10, 0), (20, 0), (0, 0)], atol=1e-12)
    np.testing.assert_allclose(dots.get_array(), [1e-7, 1e-6, 1e-5])
    assert np.all(np.diff(dots.get_sizes()) > 0)


def test_network_sections_take_the_weaker_side():
    """Wire 0 has 1e-5, 1e-7 and 1e-6 S in a row: a path of 1e-6 passes over both sections."""
    ax = draw(plot_network(crossing_wires(), VALUES))
    sections = strong_lines(ax)
    np.testing.assert_allclose(sections.get_array(), [1e-6, 1e-6])
    segments = np.sort(np.stack(sections.get_segments())[:, :, 0], axis=0)
    np.testing.assert_allclose(segments, [(0, 10), (10, 20)], atol=1e-12)
    assert np.all(np.array(sections.get_linewidths()) > 0)


def test_network_with_pads():
    """Leads are not drawn and do not set the scale; the wires of a pad stand in for it."""
    values = np.concatenate([VALUES, [0.1, 0.1, 0.1]])
    ax = draw(plot_network(with_pads(), values, terminals=[4, 5]))
    assert ax.collections[-1].get_clim() == (1e-7, 1e-5)
    assert texts(ax) == ["source", "drain"]
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 2, 2]
    draw(plot_network(with_pads(), terminals=[4, 5]))
    without_wires = draw(plot_network(with_pads(wire_ends=None), values, terminals=[4, 5]))
    assert without_wires.collections[-1].get_clim() == (1e-7, 1e-5)


def test_network_with_rectangular_pads_and_resistive_wires():
    """Pads are shaded; of cut wires all is drawn, the junctions at the same places."""
    network = crossing_wires().with_pad((-1e-6, -1e-6, 1e-6, 1e-6)).with_pad(side="right")
    ax = draw(plot_network(network, terminals=[4, 5]))
    assert ax.patches[0].get_bbox().bounds == pytest.approx((-1, -1, 2, 2))
    assert len(ax.patches) == 2
    values = np.concatenate([VALUES, np.full(network.n_junctions - 3, 0.1)])
    dots: Any = draw(plot_network(network, values)).collections[-1]
    cut = network.with_wire_resistance(2e-8, 50e-9)
    pieces = np.full(cut.n_junctions - network.n_junctions, 0.1)
    ax = draw(plot_network(cut, np.append(values, pieces), terminals=cut.renumbered([4, 5])))
    same: Any = ax.collections[-1]
    np.testing.assert_allclose(same.get_offsets(), dots.get_offsets(), atol=1e-9)
    lines: Any = ax.collections[0]
    assert len(ax.patches) == 2
    reach = lambda points: (np.min(points, axis=(0, 1)), np.max(points, axis=(0, 1)))
    np.testing.assert_allclose(reach(np.stack(lines.get_segments())), reach(WIRES), atol=1e-9)


def test_network_without_geometry():
    ax = draw(plot_network(crossing_wires(wire_ends=None), VALUES, terminals=[1, 2, 3]))
    assert ax.get_xlabel() == "x [µm]"
    assert texts(ax) == ["terminal 1", "terminal 2", "terminal 3"]
    links = strong_lines(ax)
    assert links is ax.collections[-1]
    np.testing.assert_allclose(links.get_array(), [1e-7, 1e-6, 1e-5])
    ax = draw(plot_network(crossing_wires(wire_ends=None, positions=None), VALUES))
    assert ax.get_xlabel() == ""
    assert len(ax.get_xticks()) == 0


@pytest.mark.parametrize("wire_ends", [np.array(WIRES) * 1e-6, None])
@pytest.mark.parametrize(
    "values",
    [
        None,
        [1e-5, np.nan, 0.0],
        [np.nan] * 3,
        [0.0] * 3,
        [2e-7] * 3,
    ],
)
def test_network_values_with_nothing_to_show(values, wire_ends):
    draw(plot_network(crossing_wires(wire_ends=wire_ends), values))


def test_network_linear_scale_limits_and_axes():
    fig, ax = plt.subplots()
    same = plot_network(*(crossing_wires(), [-1.0, 0.0, 2.0]), ax=ax, log=False, limits=(-2, 2), label=None)
    assert draw(same) is ax
    assert fig.axes == [ax]  # no colour bar
    assert ax.collections[-1].get_clim() == (-2, 2)


def test_network_parallel_wires_are_skipped():
    """An edge whose wires do not cross in one point has no place along them; nothing fails."""
    network = Network(4, [(0, 1), (1, 2), (0, 3)], wire_ends=np.array(WIRES) * 1e-6)
    draw(plot_network(network, VALUES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(values=np.ones((5, 3))), r"one per junction, \(3,\), got \(5, 3\).*\[-1\]"),
        (dict(values=[1e-5, -1e-5, 1e-5]), "not be negative on a log scale.*log=False"),
        (dict(values=VALUES, limits=(0, 1)), "low > 0 on a log scale; got"),
        (dict(values=VALUES, limits=(2, 1), log=False), "low < high"),
        (dict(terminals=[0, 4]), r"nodes from 0 to 3, got \[0, 4\]"),
        (dict(terminals=np.array([[0, 1]])), "list of nodes"),
    ],
)
def test_network_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_network(crossing_wires(), **arguments)


TIME = np.linspace(0.0, 1.0, 50)
TRACES = 1e-7 * np.exp(np.linspace(0, 5, 12)[:, None] * TIME)


def test_conductance_single_trace():
    ax = draw(plot_conductance(TIME, TRACES[0]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [s]", "network conductance [S]")
    assert ax.get_yscale() == "log"
    assert ax.get_legend() is None


def test_conductance_few_traces_have_a_legend():
    ax = plot_conductance(TIME, TRACES[:3], labels=["a", 0.25, 1 / 3], label="drive", unit="G0")
    legend = draw(ax).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a", "0.25", "0.3333"]
    assert legend.get_title().get_text() == "drive"
    assert ax.get_ylabel() == "network conductance [$G_0$]"
    np.testing.assert_allclose(np.asarray(ax.lines[1].get_ydata()), TRACES[1] / G0)


def test_conductance_many_traces_have_a_colour_bar():
    labels = np.linspace(0.1, 3, 12)
    ax = draw(plot_conductance(TIME, TRACES, labels=labels, label="amplitude [V]"))
    assert ax.figure.axes[-1].get_ylabel() == "amplitude [V]"
    np.testing.assert_array_equal(ax.collections[0].get_array(), labels)
    low, high = ax.get_ylim()
    assert 0 < low < TRACES.min()
    assert high > TRACES.max()
    draw(plot_conductance(TIME, TRACES))


def test_conductance_leaves_gaps():
    """NaN, and what a log axis cannot show."""
    traces = TRACES.copy()
    traces[:, 10], traces[:, 20], traces[3] = np.nan, 0.0, np.nan
    draw(plot_conductance(TIME, traces))
    ax = draw(plot_conductance(TIME, traces[2]))
    assert np.flatnonzero(np.isnan(ax.lines[0].get_ydata())).tolist() == [10, 20]
    draw(plot_conductance(TIME, traces[3]))


@pytest.mark.parametrize(
    ("time", "conductance", "options", "message"),
    [
        (TIME, TRACES.T, {}, r"got conductance \(50, 12\) and time \(50,\).*conductance\.T"),
        (TRACES, TRACES, {}, r"that of time \(n_times,\)"),
        (TIME, TRACES, dict(labels=[1, 2]), "got 2 for 12 traces"),
        (TIME, TRACES, dict(labels=list("abcdefghijkl")), "must be numbers, got 'a'"),
        (TIME, TRACES, dict(unit="mS"), 'unit must be "S" or "G0"'),
    ],
)
def test_conductance_bad_input(time, conductance, options, message):
    with pytest.raises(ValueError, match=message):
        plot_conductance(time, conductance, **options)


DRIVE = np.array([2.0, 0.5, 1.0, 1.5])
UP = np.array([3.0, 0.005, 0.01, 1.0])
DOWN = np.array([3.5, 0.5, np.nan, 3.0])


def test_hysteresis():
    ax = draw(plot_hysteresis(DRIVE, UP, DOWN))
    assert ax.get_xlabel().startswith("$V^*")
    assert ax.get_ylabel().startswith("$G^*")
    assert ax.get_yscale() == "log"
    up, down, *guides = ax.lines
    np.testing.assert_array_equal(up.get_xdata(), [0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(up.get_ydata(), [0.005, 0.01, 1, 3])
    np.testing.assert_array_equal(down.get_ydata(), [0.5, np.nan, 3, 3.5])
    assert [guide.get_xdata()[0] for guide in guides] == [1.0, 0.5]
    assert len(draw(plot_hysteresis(DRIVE, UP, DOWN, thresholds=None)).lines) == 2


def test_labels_of_thresholds_lie_apart_on_a_wide_axis():
    for thresholds in ((1.0, 0.5), (0.5, 1.0)):
        ax = draw(plot_hysteresis(8 * np.asarray(DRIVE) - 4, UP, DOWN, thresholds=thresholds))
        (top,) = ax.child_axes
        a, b = (label.get_window_extent() for label in top.get_xticklabels())
        assert not a.overlaps(b)


def test_hysteresis_bad_input():
    with pytest.raises(ValueError, match=r"got \(4,\), \(3,\) and \(4,\): evaluate both"):
        plot_hysteresis(DRIVE, UP[:3], DOWN)
