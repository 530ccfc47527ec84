"""Values from outside with a twin's gradients, in every mode; and the example that uses them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from scripts import quick_report


POINT = jnp.asarray([0.3, -1.2, 2.0])


def twin(x):
    return jnp.sin(x)


def test_value_of_one_and_gradient_of_the_other():
    value = np.asarray([0.1, np.pi, -1e300])  # so far off that a sum with the twin would lose it
    output, tangent = jax.jvp(lambda x: jaxnn.measured(value, twin(x)), (POINT,), (POINT,))
    np.testing.assert_array_equal(output, value)
    np.testing.assert_array_equal(tangent, jnp.cos(POINT) * POINT)
    loss = lambda x: jnp.sum(jaxnn.measured(value[:2], twin(x[:2])) ** 3)
    expected = np.r_[3 * value[:2] ** 2 * np.cos(POINT[:2]), 0]
    np.testing.assert_allclose(jax.grad(loss)(POINT), expected, rtol=1e-14)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(loss))(POINT), expected, rtol=1e-14)


def test_nothing_is_differentiated_through_the_value():
    device = lambda x: 1.1 * jnp.sin(x) + 0.1
    both = lambda x: jaxnn.measured(device(x), twin(x))
    jacobian = jax.jit(jax.vmap(jax.grad(lambda x: both(x))))(POINT)
    np.testing.assert_allclose(jacobian, jnp.cos(POINT), rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(both)(POINT), device(POINT), rtol=1e-14)


def test_black_box_function():
    """A Python function that JAX knows nothing of, called from compiled code."""
    device = lambda x: 1.1 * np.sin(x) + 0.1

    @jax.jit
    @jax.grad
    def slope(x):
        y = twin(x)
        value = jax.pure_callback(device, y, jax.lax.stop_gradient(x), vmap_method="sequential")
        return jnp.sum(jaxnn.measured(value, y) ** 2)

    expected = 2 * device(np.asarray(POINT)) * np.cos(POINT)
    np.testing.assert_allclose(slope(POINT), expected, rtol=1e-14)


def test_plain_numbers_and_dtypes():
    single = jnp.float32(0.5)
    assert jaxnn.measured(1, single).dtype == jnp.float32
    assert jaxnn.measured(0.25, single) == 0.25


@pytest.mark.parametrize(
    ("value", "against", "message"),
    [
        (np.zeros(2), POINT, r"shape of twin, \(3,\), got \(2,\)"),
        (np.zeros(3, np.float32), POINT, r"float64, got float32: use value.astype\('float64'\)"),
        (np.asarray([0, np.nan, 0]), POINT, r"value must be finite.*index \[1\]"),
        (np.zeros(3), jnp.arange(3), "floating point to have a gradient, got int64"),
    ],
)
def test_bad_input(value, against, message):
    with pytest.raises(ValueError, match=message):
        jaxnn.measured(value, against)


def test_example_runs(tmp_path):
    # 14 to 20 s of one core.
    report, printed = quick_report("physics_aware", tmp_path, seconds=40)
    names = {"twin alone", "physics-aware", "true gradient"}
    assert set(report["summary"]) == names
    misses = np.asarray([report["misses_decades"][name] for name in names])
    assert misses.shape == (3, report["devices"], report["iterations"] + 1)
    # The first drive is the same for all three, and no two methods go on alike.
    np.testing.assert_allclose(misses[:, :, 0] - misses[:1, :, 0], 0, atol=1e-4)
    assert len(np.unique(misses[:, 0, -1].round(4))) == 3
    assert "within 10 %" in printed
    assert (tmp_path / "physics_aware.png").stat().st_size > 0
