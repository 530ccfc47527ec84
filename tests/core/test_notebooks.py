"""What a notebook shows of results, networks and laws: a small picture, soon, and whatever they hold."""

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
