"""The library against runs of the published simulator; the plain simulator is checked elsewhere."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import published
from helpers import relative_difference


pytestmark = pytest.mark.numbers


def set_up(name, one_sided=True):
    """A published run with its network and junction law in the library's terms."""
    run = published.reference(name)
    network = jaxnn.Network(int(run["n_wires"]), run["edges"])
    law = jaxnn.TunnelJunction if published.model(run) == "tunnel" else jaxnn.BinaryJunction
    fields = (
        vars(published.parameters(run))
        if law is jaxnn.TunnelJunction
        else {k: v for k, v in vars(published.parameters(run)).items() if k in law.__annotations__}
    )
    dt = float(run["time"][1] - run["time"][0])
    return run, network, law(**fields, one_sided_reset=one_sided), round(dt, 9)


@pytest.mark.parametrize("solver", [jaxnn.StarMesh(), jaxnn.Dense()])
@pytest.mark.parametrize("name", published.RUNS)
def test_single_steps(name, solver):
    """One step from every snapshot: 1e-12 V, 1e-14 V s, 1e-10 of the conductance."""
    run, network, junction, dt = set_up(name)
    for i, k in enumerate(run["snap_step"]):
        solution = jaxnn.simulate(
            network,
            junction,
            run["signal"][k - 1 : k],
            terminals=run["contacts"],
            dt=dt,
            steps=1,
            start_step=int(k) - 1,
            state=run["snap_lambda_before"][i],
            record=("state", "node_potential", "junction_voltage", "junction_conductance"),
            solver=solver,
        )
        for ours, key, tolerance in (
            (solution.node_potential, "snap_wire_potential", 1e-12),
            (solution.junction_voltage, "snap_junction_voltage", 1e-12),
            (solution.state, "snap_lambda_after", 1e-14),
        ):
            np.testing.assert_allclose(ours[0], run[key][i], rtol=0, atol=tolerance)
        assert relative_difference(solution.junction_conductance[0], run["snap_conductance"][i]) < 1e-10
        theirs = run["network_conductance"][k - 1]
        ours = published.where_known(solution.conductance[0], theirs)
        assert relative_difference(ours, theirs) < 1e-10


@pytest.mark.parametrize(
    ("name", "seconds", "tolerance"),
    [
        (published.DC_TUNNEL, 7, 1e-8),
        (published.DC_BINARY, np.inf, 1e-8),
        (published.PULSE, np.inf, 1e-8),
        # Small differences grow in this drive: its Lyapunov exponent is positive.
        (published.AC_TUNNEL, 2, 1e-6),
    ],
)
def test_whole_trajectories(name, seconds, tolerance):
    run, network, junction, dt = set_up(name)
    steps = (
        int(min(len(run["signal"]), round(seconds / dt))) if np.isfinite(seconds) else len(run["signal"])
    )
    solution = jaxnn.simulate(
        network, junction, run["signal"][:steps], terminals=run["contacts"], dt=dt, steps=steps
    )
    theirs = run["network_conductance"][:steps]
    difference = relative_difference(published.where_known(solution.conductance, theirs), theirs)
    assert difference < tolerance
    if steps == len(run["signal"]):
        np.testing.assert_allclose(solution.final_state, run["final_lambda"], rtol=0, atol=1e-10)


def test_the_drive_reproduces_the_published_signal():
    run, _, _, dt = set_up(published.AC_TUNNEL)
    steps = len(run["signal"])
    solution = jaxnn.simulate(
        jaxnn.Network(2, [[0, 1]]),
        jaxnn.Resistor(1e-3),
        jaxnn.Triangle(1.25, 0.5),
        terminals=(0, 1),
        dt=dt,
        steps=steps,
    )
    np.testing.assert_allclose(solution.drive[:, 0], run["signal"], rtol=0, atol=1e-12)


def test_float32_keeps_the_published_path():
    """The slow run at V* = 1.1 in float32: within 1e-3 of float64 at its end."""
    run, network, _, dt = set_up(published.DC_TUNNEL)
    solution = jaxnn.simulate(
        network,
        jaxnn.parameters.hochstetter2021_dc(),
        run["signal"].astype(np.float32),
        terminals=run["contacts"],
        dt=dt,
        steps=len(run["signal"]),
        every=1000,
    )
    assert solution.conductance.dtype == jnp.float32
    assert relative_difference(solution.conductance[-1], run["network_conductance"][-1]) < 1e-3
