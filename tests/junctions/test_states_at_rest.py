"""A state that rests on one of its bounds keeps its history: the slope there is that from within."""

import jax
import jax.numpy as jnp
import pytest

import jaxnn


LAWS = {
    "tunnel": jaxnn.TunnelJunction(),
    "binary": jaxnn.BinaryJunction(),
    "Simmons": jaxnn.SimmonsJunction(),
    "rate balance": jaxnn.RateBalanceJunction(),
    "linear drift": jaxnn.LinearDriftJunction(),
    "VTEAM": jaxnn.VteamJunction(),
    "Yakopcic": jaxnn.YakopcicJunction(),
    "decaying drift": jaxnn.DecayingDriftJunction(),
    "dynamic": jaxnn.DynamicMemristorJunction(),
    "filament": jaxnn.VolatileFilamentJunction(),
    "mixed": jaxnn.MixedJunction([jaxnn.TunnelJunction()], [0]),
}


@pytest.mark.parametrize("bound", [0, 1], ids=["least", "largest"])
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_slope_on_a_bound(law, bound):
    ends = [jnp.asarray(x, float).reshape(-1)[0] for x in law.state_bounds()]
    inward = 1e-7 * (ends[1 - bound] - ends[bound])
    at_rest = lambda state: law.update(jnp.broadcast_to(state, law.init_state(1).shape), jnp.zeros(1), 1e-3)
    one = lambda state: jnp.ravel(at_rest(state))[0]
    within = pytest.approx(float((one(ends[bound] + inward) - one(ends[bound])) / inward), abs=1e-7)
    assert float(jax.grad(one)(ends[bound])) == within
    assert float(jax.jvp(one, (ends[bound],), (jnp.ones(()),))[1]) == within


def test_a_full_filament_that_waits():
    """Its flux later is what it was before, however many steps it rests at the largest."""
    law = jaxnn.TunnelJunction(set_voltage=0.1, reset_voltage=0.0)
    network = jaxnn.Network(2, [(0, 1)])
    setup = {"terminals": (0, 1), "dt": 1e-3, "steps": 40, "record": "state"}

    def flux(start):
        drive = jaxnn.Constant(0.05)  # between reset and set
        return jaxnn.simulate(network, law, drive, state=start, **setup).final_state[0]

    assert jax.jit(jax.grad(lambda x: flux(x[None])))(law.max_flux) == 1
