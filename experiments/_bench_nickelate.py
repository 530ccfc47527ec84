"""The benchmark's case of nickelate devices."""

import jax.numpy as jnp
import numpy as np
from _bench_cases import compiled
from _bench_stats import Case

import jaxnn


def nickelate_case(batch: int, dtype: str, pulses: int = 4) -> Case:
    """Pulse trains on devices in all four modes: time steps of the implicit solver, per device."""
    random = np.random.default_rng(0)
    device = jaxnn.NickelateDevice()
    sets = jnp.asarray(np.resize([3.0, 4.25, 5.25, 9.5], batch), dtype)
    programme = jaxnn.Programme.pulse(sets, 1e-6) + jaxnn.Programme.rest(1.0)
    state = jaxnn.simulate_devices(device, programme).final_state
    volts = jnp.asarray(random.uniform(0.5, 3.0, (pulses, batch)), dtype)

    def run(volts: jnp.ndarray) -> tuple[jnp.ndarray, jnp.ndarray]:
        train = jaxnn.Programme.train(volts, width=5e-7, period=1e-6)
        solution = jaxnn.simulate_devices(device, train, state=state)
        return solution.current, solution.residual

    program, info = compiled(run, volts)
    steps = 2 * pulses * 64
    assert program(volts)[1] < 1e-3
    return Case(
        f"ours {dtype}", lambda _: program(volts), batch, steps, resize=False, info=info | {"steps": steps}
    )
