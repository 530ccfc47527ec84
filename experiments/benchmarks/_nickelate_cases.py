"""The benchmark's case of nickelate devices."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.benchmarks._cases import compiled
from experiments.benchmarks._statistics import Case


THREADS = 2  # XLA runs loops of this size on one core each


def nickelate_case(batch: int, dtype: str, pulses: int = 4) -> Case:
    """Pulse trains on devices in all four modes, the batch in two halves on two threads.

    A step is one implicit time step of every device.
    """
    part, random = batch // THREADS, np.random.default_rng(0)
    device, programme = jaxnn.NickelateDevice(), jaxnn.Programme
    sets = jnp.asarray(np.resize([3.0, 4.25, 5.25, 9.5], part), dtype)
    state = jaxnn.simulate_devices(device, programme.pulse(sets, 1e-6) + programme.rest(1.0)).final_state
    volts = jnp.asarray(random.uniform(0.5, 3.0, (THREADS, pulses, part)), dtype)

    def run(volts: Any) -> Any:
        train = programme.train(volts, width=5e-7, period=1e-6)
        solution = jaxnn.simulate_devices(device, train, state=state)
        return solution.current, solution.residual

    program, info = compiled(run, volts[0])
    pool = ThreadPoolExecutor(THREADS)
    all_parts = lambda _: list(pool.map(lambda v: jax.block_until_ready(program(v)), volts))
    if any(residual > 1e-3 for _, residual in all_parts(0)):
        raise RuntimeError("the devices of the benchmark were not solved: its speed would mean nothing")
    steps = 2 * pulses * programme.rest(1.0).steps
    return Case(f"ours {dtype}", all_parts, batch, steps, resize=False, info=info | {"steps": steps})
