"""A small sweep in a process of its own, to be killed: `python sweep_worker.py OUT [PORT PROCESS]`.

With a port it is one of two processes; `x64` computes in float64, `devices=8` forces so many devices.
"""

import os
import sys


for argument in sys.argv[1:]:
    if argument.startswith("devices="):
        # Before JAX, which reads it when it starts.
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={argument.partition('=')[2]}"

import jax  # noqa: E402
import numpy as np  # noqa: E402

import jaxnn  # noqa: E402


VOLTAGES = np.linspace(0.01, 0.2, 40)
CONDUCTANCES = np.array([1e-3, 1e-2])


def worker_sweep(out):
    """Forty chunks of two runs."""
    return jaxnn.sweep(
        jaxnn.Network(3, [(0, 1), (1, 2)]),
        jaxnn.Resistor(1e-3),  # quick to compile
        jaxnn.Sine(0.1, 7.0),
        over={"drive.amplitude": VOLTAGES, "junction.conductance_value": CONDUCTANCES},
        terminals=(0, 2),
        dt=1e-3,
        steps=50,
        every=10,
        reduce={"final": "final_conductance", "trace": "conductance"},
        points=2,
        out=out,
        progress=False,
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", "x64" in sys.argv)
    out, *two = (a for a in sys.argv[1:] if a != "x64" and not a.startswith("devices="))
    if two:
        jax.distributed.initialize(
            f"localhost:{two[0]}", 2, int(two[1]), initialization_timeout=60, heartbeat_timeout_seconds=10
        )
    worker_sweep(out)
