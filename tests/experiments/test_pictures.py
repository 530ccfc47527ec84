"""What all pictures of the experiments have in common."""

from importlib import import_module

import matplotlib.pyplot as plt
import numpy as np
import pytest


@pytest.fixture
def pictures():
    return import_module("experiments.shared.figures")


def test_points_in_order(pictures):
    """Ascending, each abscissa once, along the last axis of what belongs to them."""
    rows = np.arange(8.0).reshape(2, 4)
    x, found, names = pictures.in_order([3, 1, 2, 1], rows, np.array(["c", "a", "b", "d"]))
    assert x.tolist() == [1, 2, 3]
    assert found.tolist() == [[1, 2, 0], [5, 6, 4]]
    assert names.tolist() == ["a", "b", "c"]


def nothing(ax):
    ax.loglog([], [], label="no points")
    ax.legend()


def not_finite(ax):
    ax.plot([1, 2], [np.nan, np.nan])


def blank_map(ax):
    ax.pcolormesh(np.full((2, 2), np.nan))


def points(ax):
    ax.semilogy([1, 2], [1, 10])


def map_of_one(ax):
    ax.pcolormesh(np.array([[1.0, np.nan], [np.nan, np.nan]]))


def area(ax):
    ax.fill_between([1, 2], 0, 1)


def words(ax):
    ax.text(0.5, 0.5, "words")


def bars(ax):
    ax.bar([1], [2])


def second_axis(ax):
    ax.plot([1, 2], [3, 4])
    ax.twiny().set_xlabel("another unit")


@pytest.mark.parametrize(
    ("draw", "empty"),
    [(f, True) for f in (nothing, not_finite, blank_map)]
    + [(f, False) for f in (points, map_of_one, area, words, bars, second_axis)],
)
def test_empty_panels_say_so(draw, empty, pictures, tmp_path):
    figure, ax = plt.subplots()
    draw(ax)
    pictures.save(figure, tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 0
    said = [text.get_text() for each in figure.axes for text in each.texts]
    assert ("nothing in this run" in said) is empty
    assert not (empty and ax.get_legend())
    assert not plt.fignum_exists(figure.number)


def test_the_run_stands_above(pictures, tmp_path):
    for run, title, wanted in (
        ("quick mode", "", "quick mode"),
        ("quick mode", "Two", "Two\nquick mode"),
        ("", "Two", "Two"),
    ):
        figure, ax = plt.subplots()
        points(ax)
        figure.suptitle(title)
        pictures.this_run(run)
        pictures.save(figure, tmp_path / "one.png")
        assert figure.get_suptitle() == wanted


def test_a_quick_run_shows_no_number_of_another_network(pictures):
    """The panels of Fig 2, with and without what was run again on this very network."""
    script = import_module("experiments.hochstetter2021.activation")
    size = script.QUICK
    for same in (True, False):
        figure, (left, right) = plt.subplots(1, 2)
        script.plot_time(left, size, same, np.array([1.0, 2.0]), np.ones((3, 2)), 7)
        script.plot_sweep(right, size, same, np.array([1.0, 2.0]), np.ones((3, 2)))
        words = [text.get_text() for ax in (left, right) for text in ax.get_legend().get_texts()]
        assert any("re-run" in word for word in words) is same
        assert "from rest, 2 s" in words
        plt.close(figure)
