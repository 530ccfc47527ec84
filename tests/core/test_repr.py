"""What a module shows of itself: its numbers with their units, in a few lines."""

import dataclasses as dc
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from public_modules import ALL


@pytest.mark.parametrize("name", ALL)
def test_a_few_lines_with_numbers(name):
    text = repr(ALL[name]())
    assert text.startswith(type(ALL[name]()).__name__ + "(")
    # What equinox shows in the place of an array.
    assert not re.search(r"\b(weak_)?[fiu]\d+\[", text)
    assert len(text.splitlines()) <= 10
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("name", ALL)
def test_units_of_all_fields(name):
    module = ALL[name]()
    if type(module).__repr__ in (jaxnn.Network.__repr__, jaxnn.Ensemble.__repr__):
        pytest.skip("a summary without numbers")
    text = repr(module).replace("\n  ", " ")
    for field in dc.fields(module):
        unit = field.metadata.get("unit", "1")
        if unit != "1" and f"{field.name}=" in text:
            assert re.search(
                rf"\b{field.name}=[^=]* {re.escape(unit)}(, \w+=|, \d+ others|\)|, \w+\()", text
            )


def test_numbers_as_they_are():
    assert repr(jaxnn.Sine(0.1, [1, 2.5])) == (
        "Sine(amplitude=0.1 V, frequency=[1, 2.5] Hz, phase=0 rad, offset=0 V)"
    )
    assert repr(jaxnn.TunnelJunction(one_sided_reset=True)).startswith(
        "TunnelJunction(on_conductance=7.77e-05 S, off_conductance=7.77e-08 S, set_voltage=0.01 V,\n  reset"
    )
    assert repr(jaxnn.TunnelJunction(one_sided_reset=True)).endswith(
        "max_gap=5e-09 m, one_sided_reset=True)"
    )
    hot = jaxnn.NickelateDevice(gap_length=5e-8)
    assert repr(hot) == "NickelateDevice(gap_length=5e-08 m, 35 others by default)"


def test_arrays_by_shape_dtype_and_range():
    values = jnp.asarray([[1.0, np.nan, 3.0], [0.5, 2.0, 2.0]], jnp.float32)
    clock = jaxnn.Clock(values, jnp.full(7, jnp.nan))
    assert repr(clock) == "Clock(time=float32[2,3] 1 NaN, 0.5 to 3 s, remainder=float64[7] all NaN s)"
    assert "float64[1000] 0 to 1 V" in repr(jaxnn.Samples(np.linspace(0, 1, 1000), 1e-3))


def test_values_that_are_not_there():
    """Traced, abstract and donated ones."""
    seen = []
    jax.jit(lambda x: seen.append(repr(jaxnn.Constant(x))))(jnp.ones(3))
    assert seen == ["Constant(voltage=float64[3] traced V)"]
    shapes = jax.eval_shape(lambda: jaxnn.Constant(jnp.ones((3, 2))))
    assert repr(shapes) == "Constant(voltage=float64[3,2] V)"
    drive = jaxnn.Constant(jnp.ones(5))
    drive.voltage.delete()
    assert "deleted" in repr(drive)
    assert repr(jax.tree.map(lambda _: None, jaxnn.Sine(1.0, 1.0))) == "Sine()"


def test_a_module_of_ones_own():
    """In any module of equinox, and as a law or drive of one's own."""

    class Model(eqx.Module):
        drive: jaxnn.Constant

    assert "voltage=0.1 V" in repr(Model(jaxnn.Constant(0.1)))
    assert "f64[" not in repr(Model(jaxnn.Constant(jnp.ones(3))))
