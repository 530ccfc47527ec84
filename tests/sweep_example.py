"""Sweeps drawn at random: `python sweep_example.py SEED...` prints the results of each, on all devices."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxnn


LAWS: dict[str, tuple[Any, str]] = {
    "tunnel": (jaxnn.TunnelJunction(critical_flux=1e-4, max_flux=1.5e-4), "boost"),
    "resistor": (jaxnn.Resistor(1e-6), "conductance_value"),
    "rate balance": (jaxnn.parameters.milano2022_connectome(), "off_conductance"),
    "jumps": (jaxnn.OrnsteinUhlenbeckJunction(noise=0.1, jump_rate=100.0), "noise"),
}
RESULTS = ("final_conductance", "trace", "diagnosis", "failed_step", "largest_change")


class Example:
    """A small network, a law, and a grid of 2 to 12 combinations of numbers, sometimes of two networks."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        self.law, field = LAWS[sorted(LAWS)[int(rng.integers(len(LAWS)))]]
        size = float(np.asarray(getattr(self.law, field)))
        self.axes: dict[str, Any] = {
            "drive.amplitude": rng.uniform(0.05, 1.0, int(rng.integers(2, 5))),
            f"junction.{field}": size * rng.uniform(0.5, 2.0, int(rng.integers(1, 4))),
        }
        self.network: Any = lambda seed=0: jaxnn.nanowire_network(12, 11e-6, seed=int(seed))
        self.combinations = int(np.prod([len(values) for values in self.axes.values()]))
        if rng.integers(2):
            self.axes["network.seed"] = rng.permutation(4)[:2]
        self.drive = jaxnn.Sine(0.1, float(rng.uniform(20, 200)))
        self.key, self.steps = jax.random.key(seed), int(rng.integers(8, 20))

    def run(self, out: Path | str, axes: Any = None, **settings: Any) -> Any:
        """The results, in the folder `out`."""
        return jaxnn.sweep(
            self.network,
            self.law,
            self.drive,
            over=self.axes if axes is None else axes,
            terminals=jaxnn.farthest_pair,
            dt=1e-3,
            steps=self.steps,
            reduce={"final_conductance": "final_conductance", "trace": "conductance"},
            key=self.key,
            out=out,
            progress=False,
            **settings,
        )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    for given in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            found = Example(int(given)).run(folder)
            print(json.dumps({name: found[name].values.tolist() for name in RESULTS}))
