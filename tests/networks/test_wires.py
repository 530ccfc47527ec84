"""Wires that somebody measured: which of them touch, against exact cases and a slow look at all pairs."""

# The geometry that these networks have may be None in others.
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportCallIssue=false

import itertools
import time
from fractions import Fraction

import numpy as np
import pytest

import jaxnn


CASES = {
    "a cross": ([[0, 0, 10, 0], [5, -5, 5, 5]], True),
    "a cross of slopes": ([[0, 0, 10, 7], [1, 9, 8, -3]], True),
    "crossing lines, wires apart": ([[0, 0, 10, 0], [12, -5, 12, 5]], False),
    "a T": ([[0, 0, 10, 0], [3, 0, 3, 4]], True),
    "a T of slopes": ([[0, 0, 9, 3], [3, 1, 1, 8]], True),
    "an L": ([[0, 0, 10, 0], [10, 0, 10, 8]], True),
    "an L, the other ends": ([[10, 0, 0, 0], [10, 8, 10, 0]], True),
    "one line, ends that meet": ([[0, 0, 10, 5], [10, 5, 14, 7]], True),
    "one line, a gap": ([[0, 0, 10, 5], [12, 6, 14, 7]], False),
    "one line, an overlap": ([[0, 0, 10, 5], [8, 4, 14, 7]], True),
    "one within the other": ([[0, 0, 10, 5], [2, 1, 4, 2]], True),
    "the same wire twice": ([[0, 0, 10, 5], [10, 5, 0, 0]], True),
    "side by side": ([[0, 0, 10, 0], [0, 1, 10, 1]], False),
    "an end just short": ([[0, 0, 10, 0], [3, 0.001, 3, 4]], False),
    "upright": ([[2, 0, 2, 5], [2, 5, 2, 9]], True),
}


def junctions(ends, **options):
    return jaxnn.network_from_wires(ends, **options).edges.tolist()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1.0, 1e7])
def test_two_wires(name, scale):
    """At any scale, turned by any angle, anywhere, in either order: rounding decides nothing."""
    ends, touch = CASES[name]
    points = np.asarray(ends, float).reshape(-1, 2)
    for angle, shift in ((0.0, (0, 0)), (0.3, (1, -2)), (1.234, (100, 70)), (np.pi / 2, (-1e3, 1e3))):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = ((points @ turn.T + shift) * scale).reshape(-1, 4)
        for order in (slice(None), slice(None, None, -1)):
            assert junctions(moved[order]) == ([[0, 1]] if touch else [])


def exact_touch(a, b):
    """Whether two wires of whole numbers share a point, in whole numbers."""
    (p, q), (r, s) = (np.reshape(x, (2, 2)).tolist() for x in (a, b))
    side = lambda u, v, w: (v[0] - u[0]) * (w[1] - u[1]) - (v[1] - u[1]) * (w[0] - u[0])
    within = lambda u, v, w: all(min(u[k], v[k]) <= w[k] <= max(u[k], v[k]) for k in (0, 1))
    sides = side(p, q, r), side(p, q, s), side(r, s, p), side(r, s, q)
    sign = lambda x: (x > 0) - (x < 0)
    if sign(sides[0]) * sign(sides[1]) < 0 and sign(sides[2]) * sign(sides[3]) < 0:
        return True
    ends = ((p, q, r), (p, q, s), (r, s, p), (r, s, q))
    return any(x == 0 and within(*end) for x, end in zip(sides, ends, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_on_a_lattice_against_whole_numbers(seed):
    """Many crosses, Ts, Ls, overlaps and multiple points, all at once."""
    random = np.random.default_rng(seed)
    ends = random.integers(0, 12, (70, 4))
    ends = ends[(ends[:, :2] != ends[:, 2:]).any(axis=1)]
    expected = [
        [a, b] for a, b in itertools.combinations(range(len(ends)), 2) if exact_touch(ends[a], ends[b])
    ]
    assert junctions(ends) == expected
    assert junctions(ends * 0.1, unit="um") == expected
    assert 500 < len(expected) < 2000


def test_dropped_wires_are_those_of_the_generator():
    network = jaxnn.nanowire_network(300, box=40e-6, seed=5)
    found = jaxnn.network_from_wires(network.wire_ends)
    np.testing.assert_array_equal(found.edges, network.edges)
    np.testing.assert_allclose(found.positions, network.positions, rtol=1e-12)


def test_long_wires_among_short_ones():
    """A grid of long wires and many short ones between."""
    random = np.random.default_rng(0)
    centres = random.uniform(0, 100, (90, 2))
    short = np.concatenate([centres - 0.5, centres + random.uniform(0, 20, (90, 2))], axis=1)
    at = np.arange(5.0, 100, 10)
    long = np.concatenate(
        [np.stack([0 * at, at, 0 * at + 100, at], 1), np.stack([at, 0 * at, at, 0 * at + 100], 1)]
    )
    ends = np.concatenate([long, short])
    slow = [
        [a, b]
        for a, b in itertools.combinations(range(len(ends)), 2)
        if exact_touch(*[[Fraction(x) for x in ends[k]] for k in (a, b)])
    ]
    assert junctions(ends) == slow


def test_how_near_is_touching():
    """Measured ends that miss each other by less than they are measured to."""
    ends = [[0, 0, 10, 0], [3, 0.04, 3, 4], [10.03, 0.04, 12, 5]]
    assert junctions(ends) == []
    assert junctions(ends, touching=0.045) == [[0, 1]]
    assert junctions(ends, touching=0.06) == [[0, 1], [0, 2]]
    assert junctions(np.multiply(ends, 1e-9), touching=0.06e-9) == [[0, 1], [0, 2]]


def test_units_and_what_is_kept():
    ends = [[0, 0, 10, 0], [5, -5, 5, 5], [90, 90, 95, 95]]
    for unit, metres in (("nm", 1e-9), ("um", 1e-6), (2.5e-7, 2.5e-7), ("m", 1.0)):
        network = jaxnn.network_from_wires(ends, unit=unit, box=(100, 100))
        assert network.n_nodes == 3  # the lone one too
        np.testing.assert_allclose(network.wire_ends, np.reshape(ends, (3, 2, 2)) * metres)
        np.testing.assert_allclose(network.box, 100 * metres)
    assert network.largest_component().wires.tolist() == [0, 1]


def test_a_drawn_network_with_wire_resistance():
    """A ladder drawn by its ends, in micrometres, through a run."""
    ends = [[0, 0, 10, 0], [0, 5, 10, 5], [2, 0, 2, 5], [8, 0, 8, 5]]
    ladder = jaxnn.network_from_wires(ends, unit="um")
    assert ladder.edges.tolist() == [[0, 2], [0, 3], [1, 2], [1, 3]]
    cut = ladder.with_wire_resistance(2.26e-8, 50e-9)
    assert cut.n_nodes == 8
    run = jaxnn.simulate(
        ladder, jaxnn.Resistor(1e-3), jaxnn.Constant(1.0), terminals=(0, 1), dt=1.0, steps=1
    )
    np.testing.assert_allclose(run.conductance, 1e-3)


def test_fifty_thousand_wires():
    """In far less than ten seconds of a processor's time, in proportion to their number."""
    n, random = 50_000, np.random.default_rng(0)
    centres, angles = random.uniform(0, (n / 0.1) ** 0.5, (n, 2)), random.uniform(0, np.pi, n)
    half = 5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    start = time.process_time()
    network = jaxnn.network_from_wires(np.stack([centres - half, centres + half], axis=1), unit="um")
    assert time.process_time() - start < 10
    # Of Buffon: n (n - 1) L^2 / (pi A), of which the edge takes a little.
    assert network.n_junctions == pytest.approx(n**2 * 100 / (np.pi * n / 0.1), rel=0.02)


REFUSED = {
    "three numbers": ([[0, 0, 1]], {}, r"shape \(1, 3\)"),
    "none": (np.zeros((0, 4)), {}, r"shape \(0, 4\)"),
    "NaN": ([[0, 0, 1, 1], [0, np.nan, 1, 1]], {}, "row 1 is .*leave out wires of which an end"),
    "no length": ([[0, 0, 1, 1], [2, 3, 2, 3]], {}, r"row 1 is \[2.0, 3.0\] twice"),
    "a unit": ([[0, 0, 1, 1]], {"unit": "mile"}, "unit must be .*um"),
    "no unit": ([[0, 0, 1, 1]], {"unit": 0.0}, "unit must be"),
    "a distance": ([[0, 0, 1, 1]], {"touching": -1.0}, "touching must be"),
    "too near to all": (np.random.default_rng(0).random((400_000, 4)), {}, "pairs of neighbours among"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    ends, options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        jaxnn.network_from_wires(ends, **options)
