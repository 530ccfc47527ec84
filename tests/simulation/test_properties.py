"""What holds of every run: networks, laws, drives and terminals drawn at random.

An example is one network with one law; its properties are checked together, since compiling it is the cost.
"""

import tempfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

import jaxnn
from helpers import assert_same


STEPS = 12
LAWS: dict[str, Any] = {
    "resistor": jaxnn.Resistor(1e-6),
    "tunnel": jaxnn.TunnelJunction(critical_flux=1e-4, max_flux=1.5e-4),
    "binary": jaxnn.BinaryJunction(critical_flux=1e-4, max_flux=1.5e-4),
    "rate balance": jaxnn.parameters.milano2022_connectome(),
    "linear drift": jaxnn.parameters.strukov2008(),
    "vteam": jaxnn.parameters.kvatinsky2015(),
    "volatile filament": jaxnn.VolatileFilamentJunction(),
    "dynamic memristor": jaxnn.DynamicMemristorJunction(),
    "jumps": jaxnn.OrnsteinUhlenbeckJunction(noise=0.1, jump_rate=100.0),
    "yakopcic": jaxnn.parameters.yakopcic2013(),
    "simmons": jaxnn.SimmonsJunction(),
}
# Of laws whose current is found by Newton's method potentials agree to its tolerance, not to rounding.
CLOSE = {"yakopcic": 1e-7, "simmons": 1e-7}


def network_of(seed: int) -> jaxnn.Network:
    """A connected network of 4 to 9 wires, some pairs joined twice."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 10))
    chain = np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)
    more = np.sort([rng.choice(n, 2, replace=False) for _ in range(int(rng.integers(1, n)))], axis=1)
    return jaxnn.Network(n, np.concatenate([chain, more]))


def drive_of(seed: int) -> jaxnn.AbstractDrive:
    rng = np.random.default_rng(seed)
    a, f = float(rng.uniform(0.05, 1.0)), float(rng.uniform(20, 200))
    drives = (
        jaxnn.Constant(a),
        jaxnn.Sine(a, f),
        jaxnn.Triangle(a, f),
        jaxnn.Square(a, f),
        jaxnn.Sine(a, f) + jaxnn.Constant(-0.1),
        jaxnn.PulseTrain(a, width=3e-3, period=5e-3, count=2),
    )
    return drives[int(rng.integers(len(drives)))]


def check(seed: int, name: str) -> None:
    network, law, drive = network_of(seed), LAWS[name], drive_of(seed)
    rng, close = np.random.default_rng(seed), CLOSE.get(name, 1e-9)
    ends = tuple(rng.choice(network.n_nodes, 2, replace=False).tolist())
    record = ("node_potential", "junction_voltage", "junction_conductance", "state")
    setup: dict[str, Any] = {"dt": 1e-3, "record": record, "key": jax.random.key(seed)}
    simulate = lambda *given, **more: jaxnn.simulate(*given, terminals=ends, steps=STEPS, **setup | more)
    run = simulate(network, law, drive)
    assert bool(run.result == jaxnn.Result.successful), run.result
    assert all(np.isfinite(x).all() for x in (run.node_potential, run.terminal_current, run.state))

    # What flows in flows out, and no potential is outside those of the terminals.
    current, potential, held = (
        np.asarray(x) for x in (run.terminal_current, run.node_potential, run.drive)
    )
    # Between pulses, at 0 V, what Newton's method leaves is 1e-30 of the largest and less, and is nothing.
    most = np.abs(current).max(axis=1)
    assert (np.abs(current.sum(axis=1)) <= close * most + 1e-30 * most.max()).all()
    room = close * np.abs(held).max(axis=1) + 1e-30 * np.abs(held).max()
    assert (potential.min(axis=1) >= held.min(axis=1) - room).all()
    assert (potential.max(axis=1) <= held.max(axis=1) + room).all()

    # In two parts it is the same, bit for bit, and a file gives it back.
    half: dict[str, Any] = {"record": record, "dt": 1e-3, "terminals": ends, "key": jax.random.key(seed)}
    first = jaxnn.simulate(network, law, drive, steps=STEPS // 2, **half)
    go_on: dict[str, Any] = {"state": first.final_state, "start_step": first.final_step}
    rtol = 0.0
    if first.final_potential is not None:
        go_on["capacitance"] = jaxnn.Capacitance(potential=first.final_potential)
        rtol = 1e-12  # compiled in haste, as in tests, the two programs round Newton's method otherwise
    second = jaxnn.simulate(network, law, drive, steps=STEPS // 2, **half, **go_on)
    for part in ("state", "terminal_current"):
        whole, halves = np.asarray(getattr(run, part)), [getattr(x, part) for x in (first, second)]
        np.testing.assert_allclose(np.concatenate(halves), whole, rtol, 1e-30 * np.abs(whole).max())
    with tempfile.TemporaryDirectory() as folder:
        run.save(Path(folder) / "run.npz")
        assert_same(
            eqx.filter(jaxnn.Solution.load(Path(folder) / "run.npz"), eqx.is_array),
            eqx.filter(run, eqx.is_array),
        )

    # Other numbers for the wires, the same device; a random law has the numbers of its junctions.
    order = rng.permutation(network.n_nodes)
    renamed = jaxnn.Network(network.n_nodes, order[network.edges])
    other = jaxnn.simulate(
        renamed, law, drive, terminals=tuple(int(order[x]) for x in ends), steps=STEPS, **setup
    )
    np.testing.assert_allclose(other.terminal_current, run.terminal_current, rtol=close, atol=1e-18)

    # A batch of drives is a loop over them.
    scales = jnp.array([0.5, 1.0, -1.0])
    volts = run.drive[:, 0]
    batch = jax.vmap(lambda s: simulate(network, law, s * volts))(scales)
    for k, scale in enumerate(scales):
        alone = simulate(network, law, scale * volts)
        np.testing.assert_allclose(
            batch.terminal_current[k], alone.terminal_current, rtol=close, atol=1e-18
        )


# Whether the step is small enough for the law is not what is asked.
pytestmark = pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")
HOW = {"deadline": None, "derandomize": True, "phases": [Phase.generate]}
HOW |= {"suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("name", ["tunnel", "rate balance", "jumps"])
def test_a_run(name):
    check(seed=sum(map(ord, name)), name=name)


@pytest.mark.slow
@settings(max_examples=150, **HOW)
@given(seed=st.integers(0, 2**31), name=st.sampled_from(sorted(LAWS)))
def test_many_runs(seed, name):
    check(seed, name)
    jax.clear_caches()  # hundreds of programs in one process are more pieces of memory than Linux gives it
