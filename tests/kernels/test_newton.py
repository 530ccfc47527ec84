"""Newton's method step by step: against SciPy, in every plan, in batches, and where it cannot end."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from jax import export

import jaxnn_kernels as jk
from circuits import graph, lowers, plans


N, TERMINALS = 40, np.array([3, 20, 31])
EDGES = graph(N)
# Blocks of 2,000 wires or more search by themselves.
MANY = np.concatenate([EDGES + N * k for k in range(120)])
PLANS = plans(N, EDGES, TERMINALS)
SHAPES = {
    "cubic": lambda x: x + x**3,
    "sinh": jnp.sinh,
    "saturates": lambda x: jnp.clip(x, -1, 1) + x / 1024,
}
FELT = {"cubic": 0.3, "sinh": 0.1, "saturates": 0.2}  # [V], where currents bend


def current(name, v):
    return 1e-6 * SHAPES[name](v / FELT[name])


def stepped(plan, name, search, *more):
    """The search after one more step."""
    v = search.voltage
    return jk.newton_step(
        plan, search, *jax.jvp(ft.partial(current, name), (v,), (jnp.ones_like(v),)), *more
    )


def solved(plan, name, volts, fed=None, n_junctions=None):
    """The end of a search that begins at 0 V."""
    start = jnp.zeros(plan.graph.place.shape, volts.dtype).at[plan.terminals].set(volts)
    step = lambda search: stepped(plan, name, search, fed, n_junctions)
    return jax.lax.while_loop(lambda search: search.goes_on, step, jk.newton_search(plan, start))


def volts(batch, dtype=jnp.float64):
    return jnp.asarray(np.random.default_rng(2).normal(size=(batch, 3)), dtype)


def assert_balanced(plan, name, search, fed, rtol):
    flow = current(name, search.voltage)
    lost = np.array((0 if fed is None else fed) - jk.divergence(plan.graph, flow))
    scale = float(jnp.abs(flow).max())
    into = -lost[np.asarray(plan.terminals)]
    lost[np.asarray(plan.terminals)] = 0
    np.testing.assert_allclose(lost, 0, atol=rtol * scale)
    np.testing.assert_allclose(search.terminal_current, into, atol=rtol * scale)
    level = jk.difference(plan.graph, search.potential)
    np.testing.assert_allclose(search.voltage, level, atol=rtol * float(search.reach))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("law", SHAPES)
@pytest.mark.parametrize("name", PLANS)
def test_it_ends_where_currents_balance(name, law, dtype):
    plan, u = PLANS[name], volts(1, dtype)[0]
    fed = jnp.asarray(1e-7 * np.random.default_rng(3).normal(size=N), dtype)
    for some in (None, fed):
        end = jax.jit(ft.partial(solved, plan, law))(u, some)
        assert not end.goes_on
        assert 2 < int(end.solves) < 100
        assert_balanced(plan, law, end, some, 500 * float(jnp.finfo(dtype).eps))


def test_against_scipy():
    end = solved(PLANS["compiled"], "sinh", volts(1)[0])
    free = np.setdiff1d(np.arange(N), TERMINALS)
    phi = np.array(end.potential)

    def lost(inner):
        x, sums = phi.copy(), np.zeros(N)
        x[free] = inner
        flow = np.sinh((x[EDGES[:, 0]] - x[EDGES[:, 1]]) / 0.1)
        np.add.at(sums, EDGES[:, 0], flow)
        np.add.at(sums, EDGES[:, 1], -flow)
        return sums[free]

    found: Any = scipy.optimize.fsolve(lost, phi[free] + 0.01 * np.sin(free), xtol=1e-13)
    np.testing.assert_allclose(phi[free], found, atol=1e-10)


# What the routine does hangs on no batch. A law is XLA's, of which newer ones round x + x^3 once in whole
# vectors and twice in what is left of a batch; the sums of "saturates" are exact either way.
OF_LAW = pytest.mark.skipif(jax.__version_info__ >= (0, 12), reason="XLA rounds the law by the batch")


@pytest.mark.parametrize("law", ["saturates", "sinh", pytest.param("cubic", marks=OF_LAW)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_network_has_the_same_bits_in_every_batch(law, dtype):
    """Whatever others need more steps, and whether a tile is full or not."""
    plan, u = PLANS["compiled"], volts(37, dtype)
    run = lambda u: tuple(solved(plan, law, u))
    alone = [jax.jit(run)(one) for one in u[:9]]
    for size in (1, 7, 8, 37):
        together = jax.jit(ft.partial(in_batch, plan, law))(u[:size])
        for k, one in enumerate(alone[:size]):
            for x, y in zip(one, together, strict=True):
                np.testing.assert_array_equal(x, y[k])


def in_batch(plan, law, u):
    """As `solved`, in a loop that goes on until the last of the batch has ended."""
    start = jnp.zeros((len(u), *plan.graph.place.shape), u.dtype).at[:, plan.terminals].set(u)
    step = jax.vmap(ft.partial(stepped, plan, law))
    goes_on = lambda search: jnp.any(jax.vmap(lambda x: x.goes_on)(search))
    begin = jax.vmap(ft.partial(jk.newton_search, plan))(start)
    return jax.lax.while_loop(goes_on, step, begin)


@pytest.mark.parametrize("law", SHAPES)
def test_what_has_ended_stays_as_it_is(law):
    plan = PLANS["compiled"]
    end = solved(plan, law, volts(1)[0])
    again = jk.newton_step(plan, end, jnp.full_like(end.voltage, jnp.nan), jnp.ones_like(end.voltage))
    jax.tree.map(np.testing.assert_array_equal, end, again)


def test_a_step_that_leads_nowhere_is_halved():
    """Currents that saturate have whole steps that go too far."""
    plan, ended = PLANS["compiled"], 0
    for u in volts(5) * 5:
        search = jk.newton_search(plan, jnp.zeros(N).at[TERMINALS].set(u))
        count = 0
        while search.goes_on:
            search, count = stepped(plan, "saturates", search), count + 1
        ended += count > int(search.solves)
        assert_balanced(plan, "saturates", search, None, 1e-12)
    assert ended == 5


def test_parts_of_a_network_search_by_themselves():
    size, terminals = 120 * N, np.concatenate([TERMINALS + N * k for k in range(120)])
    plan = jk.compiled_plan(size, MANY, terminals)
    u = volts(120)
    whole = jax.jit(ft.partial(solved, plan, "sinh"))(u.reshape(-1))
    each = jax.jit(jax.vmap(ft.partial(solved, PLANS["compiled"], "sinh")))(u)
    np.testing.assert_allclose(whole.potential.reshape(120, N), each.potential, atol=1e-12)
    np.testing.assert_allclose(whole.terminal_current.reshape(120, 3), each.terminal_current, rtol=1e-9)
    assert whole.control.shape[0] > 6


def test_where_the_library_is_not_called():
    """An exported program takes the same steps, without the library."""
    plan, u = PLANS["compiled"], volts(3)
    run = lambda u: jax.tree.leaves(in_batch(plan, "sinh", u))
    elsewhere = export.export(jax.jit(run))(u).call(u)
    for x, y in zip(jax.jit(run)(u), elsewhere, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", PLANS)
def test_a_current_that_is_no_number_ends(name):
    plan = PLANS[name]
    search = jk.newton_search(plan, jnp.zeros(N).at[TERMINALS].set(1.0))
    flow = jnp.zeros_like(search.voltage).at[4].set(jnp.nan)
    count = 0
    while search.goes_on:
        search, count = jk.newton_step(plan, search, flow, jnp.ones_like(flow)), count + 1
    assert count < 40


@pytest.mark.parametrize("name", ["compiled", "star mesh", "dense", "on a GPU"])
def test_an_ideal_contact_keeps_its_voltage(name):
    """Potentials have no digits for it; what is behind the junctions goes on from its own."""
    plan = PLANS[name]
    n = plan.graph.ends.shape[-1]
    contact = jnp.full(n, 1.0).at[-1].set(1e22)
    u = jnp.array([1.0, -0.5, 0.0])
    begin = jk.newton_search(plan, jnp.zeros(N).at[TERMINALS].set(u))
    step = lambda x: jk.newton_step(plan, x, contact * x.voltage, contact, None, n - 1)
    end = jax.lax.while_loop(lambda x: x.goes_on, step, begin)
    lost = jk.divergence(plan.graph, contact * end.voltage).at[TERMINALS].set(0)
    np.testing.assert_allclose(lost, 0, atol=1e-6)
    assert 0 < abs(float(end.voltage[-1])) < 1e-20


def test_bad_input_and_other_devices():
    plan = PLANS["compiled"]
    search = jk.newton_search(plan, jnp.zeros(N))
    flow = jnp.zeros_like(search.voltage)
    with pytest.raises(ValueError, match="potential must have shape"):
        jk.newton_search(plan, jnp.zeros(3))
    with pytest.raises(ValueError, match="flow must have shape"):
        jk.newton_step(plan, search, flow[:3], flow[:3])
    with pytest.raises(ValueError, match="one dtype"):
        jk.newton_step(plan, search, flow.astype(jnp.float32), flow)
    with pytest.raises(ValueError, match="control must have shape"):
        jk.newton_step(plan, search._replace(control=jnp.zeros(3)), flow, flow)
    for name in PLANS:
        lowers(ft.partial(in_batch, PLANS[name], "sinh"), volts(2))
