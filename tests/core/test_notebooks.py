"""What a notebook shows of results, networks and laws: a small picture, soon, and whatever they hold."""

import dataclasses
import time
import xml.etree.ElementTree as ET
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network
from public_modules import ALL


def shown(value: Any) -> tuple[str, Any]:
    """The text and the picture, None if there is none; both are well formed."""
    tree = ET.fromstring(value._repr_html_())
    text = tree.find("pre")
    assert text is not None
    return text.text or "", tree.find("{http://www.w3.org/2000/svg}svg")


def points(picture: Any) -> list[str]:
    return [x.get("points") or x.get("d") or "" for x in picture.iter() if x.get("points") or x.get("d")]


# Their making takes seconds, and their `repr` is what a notebook shows.
SLOWLY_MADE = {"fit", "nanowire reservoir", "nickelate reservoir", "side by side"}


@pytest.mark.parametrize("name", sorted(ALL.keys() - SLOWLY_MADE))
def test_every_module_that_shows_itself(name):
    value = ALL[name]()
    if not hasattr(value, "_repr_html_"):
        pytest.skip("its repr is what a notebook shows")
    text, picture = shown(value)
    assert text == repr(value)
    assert picture is None or "nan" not in "".join(points(picture))
    assert len(value._repr_html_()) < 400_000


def test_pictures():
    network, terminals, _ = small_network()
    _, wires = shown(network)
    assert points(wires)[0].count("M") == network.n_nodes
    assert points(wires)[1].count("M") == network.n_junctions
    run = jaxnn.simulate(
        network, jaxnn.TunnelJunction(), jaxnn.Constant(0.3), terminals=terminals, dt=1e-3, steps=50
    )
    _, trace = shown(run)
    assert len(points(trace)) == 1
    assert points(trace)[0].count(",") == 50
    for law in (jaxnn.TunnelJunction(), jaxnn.BinaryJunction(), jaxnn.parameters.strukov2008()):
        _, curve = shown(law)
        assert curve is not None, law


def ends(picture: Any) -> list[str]:
    """What stands at the ends of the axes: the least and the largest value, the first and the last."""
    return [x.text for x in picture.iter() if x.tag.endswith("text")][:4]


@pytest.mark.parametrize(
    ("drive", "axes", "rows"),
    [
        (jaxnn.Constant(0.1), ["0.1", "0.1", "0", "1"], 1),
        (jaxnn.Constant([0.1, 0.0, -0.1]), ["-0.1", "0.1", "0", "1"], 3),
        (jaxnn.Sine(0.5, 2.0, offset=0.1), ["-0.4", "0.6", "0", "1"], 1),
        (jaxnn.Triangle([0.5, 0.5], [2.0, 4.0]), ["-0.5", "0.5", "0", "1"], 2),
        (jaxnn.Ramp(0.0, 0.4, 2.0), ["0", "0.4", "0", "2.5"], 1),
        (jaxnn.OnThenOff(0.2, 0.0, 3.0), ["0", "0.2", "0", "6"], 1),
        (jaxnn.PulseTrain(0.3, 1e-3, 1.0, start=1.0), ["0", "0.3", "0", "6"], 1),
        (jaxnn.PulseTrain(0.3, 0.1, 1.0, count=2), ["0", "0.3", "0", "2"], 1),
        (jaxnn.Samples(np.linspace(0, 1, 10_001)[1:], 1e-3), ["0", "1", "0", "10"], 1),
        (jaxnn.Sine(0.1, 2.0) + jaxnn.Constant(1.0), ["0.9", "1.1", "0", "1"], 1),
        (-jaxnn.Ramp(0.0, 0.1, 1.0).then(2 * jaxnn.Sine(0.1, 1.0)), ["-0.2", "0.2", "0", "3"], 1),
        (jaxnn.Ramp(0.0, 0.1, 1.0).then(0.5), ["0", "0.5", "0", "1.5"], 1),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, jaxnn.AbstractDrive) else "",
)
def test_drives(drive, axes, rows):
    picture = shown(drive)[1]
    assert len(points(picture)) == rows
    found, expected = ([float(x) for x in texts] for texts in (ends(picture), axes))
    # Of 2,240 instants, which may miss a peak by a little.
    assert found[:2] == pytest.approx(expected[:2], abs=1e-3)
    assert found[2:] == expected[2:]


@pytest.mark.parametrize("width", [1e-6, 0.4, 1 - 1e-6])
def test_no_pulse_and_no_gap_is_left_out(width):
    """However short: five of each, at their places."""
    train = jaxnn.PulseTrain(0.3, width, 1.0, start=1.0)
    late = jaxnn.Constant(0.0).then(jaxnn.PulseTrain(0.3, width, 1.0, start=0.5), at=0.5)
    for drive in (train, -2 * train, train + 1.0, late):
        (trace,) = points(shown(drive)[1])
        x, y = np.array([pair.split(",") for pair in trace.split()], float).T
        inside = np.abs(y - y[0]) > 1  # it begins in a gap
        begun = x[1:][np.diff(inside.astype(int)) == 1]
        assert len(begun) == 5
        np.testing.assert_allclose(np.diff(begun), (x[-1] - x[0]) / 6, atol=(x[-1] - x[0]) / 100)


def test_a_drive_of_ones_own():
    class Chirp(jaxnn.AbstractDrive):
        rate: float = 30.0

        def __call__(self, time):
            return 0.2 * jnp.sin(self.rate * time**2)

    class Broken(jaxnn.AbstractDrive):
        def __call__(self, time):
            raise RuntimeError

    text, picture = shown(Chirp())
    assert text.startswith("Chirp(")
    assert len(points(picture)) == 1
    assert shown(Broken())[1] is None
    assert shown(Broken() + 0.1)[1] is None


def test_devices():
    pulses = jaxnn.Programme.train([2.0, 2.5], count=3, width=1e-6, period=1.0).with_steps(8)
    _, picture = shown(pulses)
    assert len(points(picture)) == 2
    assert ends(picture) == ["0", "2.5", "0", "6"]
    traced = jaxnn.simulate_devices(jaxnn.NickelateDevice(), pulses, trace=True)
    _, picture = shown(traced)
    assert [row.count(",") for row in points(picture)] == [24, 24], "at 0 V there is no resistance"
    run = dataclasses.replace(traced, trace=None)
    _, picture = shown(run)
    assert [row.count(",") for row in points(picture)] == [3, 3]
    assert float(ends(picture)[1]) == pytest.approx(float(jnp.nanmax(run.resistance)), rel=0.005)
    batch = jax.tree.map(lambda x: jnp.stack([x] * 5), run)
    assert len(points(shown(batch)[1])) == 7
    at_once = {k: x[:1] for k, x in vars(run).items() if getattr(x, "shape", ())[:1] == run.time.shape}
    assert shown(dataclasses.replace(run, **at_once))[1] is None, "a single segment"
    quiet = dataclasses.replace(run, voltage=0 * run.voltage)
    assert ends(shown(quiet)[1])[1] == f"{jnp.max(run.current):.3g}"


def test_an_ensemble_side_by_side():
    network, _, _ = small_network()
    wires, crossings = points(shown(jaxnn.Ensemble([network] * 3))[1])
    assert wires.count("M") == 3 * network.n_nodes
    assert crossings.count("M") == 3 * network.n_junctions
    numbers = [tuple(map(float, x.split("h")[0].split())) for x in crossings.split("M")[1:]]
    first, second, third = np.array(numbers).reshape(3, -1, 2)
    np.testing.assert_allclose(second - first, third - second, atol=0.2)
    assert second[:, 0].min() > first[:, 0].max()
    wires, _ = points(shown(jaxnn.Ensemble([network] * 12))[1])
    assert wires.count("M") == 10 * network.n_nodes
    assert shown(jaxnn.Ensemble([network, line(3)]))[1] is None, "one of them has no places"


def test_soon():
    """A picture of 3,000 wires and a trace of a million steps, each in far less than it takes to look."""
    network = jaxnn.nanowire_network(3000, box=200e-6, seed=0)
    begin = time.process_time()
    assert len(network._repr_html_()) < 400_000
    assert time.process_time() - begin < 1


def test_batches_and_ensembles():
    def one(voltage):
        law = jaxnn.Resistor(1e-6)
        setup: Any = {"terminals": (0, 3), "dt": 1e-3, "steps": 20}
        return jaxnn.simulate(line(3), law, jaxnn.Constant(voltage), **setup)

    batch = jax.vmap(one)(jnp.linspace(0.1, 0.9, 9))
    assert len(points(shown(batch)[1])) == 7
    twice = jax.tree.map(lambda x: jnp.stack([x[:3], x[3:6]]), batch)  # as of a map within a map
    assert len(points(shown(twice)[1])) == 6
    ensemble = jaxnn.Ensemble([line(3), line(3)])
    setup: Any = {"terminals": [(0, 3), (0, 3)], "dt": 1e-3, "steps": 20}
    run = jaxnn.simulate(ensemble, jaxnn.Resistor(1e-6), jaxnn.Constant(0.1), **setup)
    assert len(points(shown(run)[1])) == 2
    laws = jax.vmap(lambda b: jaxnn.TunnelJunction(boost=b))(jnp.arange(1.0, 4.0))
    assert shown(laws)[1] is not None


def test_what_has_no_values():
    """Traced, abstract and donated ones have a text alone."""
    seen = []

    def look(boost):
        law = jaxnn.TunnelJunction(boost=boost)
        setup: Any = {"terminals": (0, 3), "dt": 1e-3, "steps": 20}
        run = jaxnn.simulate(line(3), law, jaxnn.Constant(0.1), **setup)
        seen.extend(shown(x)[1] for x in (law, run))
        seen.append(shown(run.network)[0])
        return run.conductance

    jax.jit(look)(10.0)
    jax.vmap(look)(jnp.ones(2))
    jax.grad(lambda b: look(b).sum())(10.0)
    assert seen[0::3] == seen[1::3] == [None] * 3
    shapes = jax.eval_shape(lambda b: jaxnn.TunnelJunction(boost=b), jnp.ones(()))
    assert shown(shapes)[1] is None
    law = jaxnn.TunnelJunction(boost=jnp.ones(3))
    law.boost.delete()
    assert shown(law)[1] is None


def test_a_law_of_ones_own_that_fails():
    class Broken(jaxnn.AbstractJunction):
        def init_state(self, n_junctions):
            raise RuntimeError

        def conductance(self, state):
            return state

        def update(self, state, voltage, dt):
            return state

        def critical_state(self):
            return 1.0

    text, picture = shown(Broken())
    assert text.startswith("Broken(")
    assert picture is None


def test_nothing_finite():
    from jaxnn._core import curves, lines

    assert curves([0.0, 1.0], [np.nan, np.inf], xlabel="x", ylabel="y") == ""
    assert lines(np.full((2, 2, 2), np.nan), np.zeros((0, 2))) == ""
    assert "nan" not in curves([0.0, 1.0], [1.0, 1.0], xlabel="<x>", ylabel="y", log=True)
