"""A network as a node of reservoirpy. Imported where it is asked for: reservoirpy is optional."""

from typing import Any

import jax
import numpy as np
from reservoirpy.node import Node

from ._network import NetworkReservoir


class NetworkNode(Node):
    """A node of reservoirpy, 0.4, whose step is a sample of a `NetworkReservoir`.

    Its state has the last features, "out", those of the junctions, and the number of the time step; a
    series is run in one compiled call.
    """

    def __init__(self, reservoir: NetworkReservoir, seed: int = 0):
        self.reservoir = reservoir
        self.seed = seed
        self.initialized = False
        self.input_dim = reservoir.inputs
        extra = len(reservoir.electrodes) + len(reservoir.drains) if reservoir.currents else 0
        self.output_dim = len(reservoir.read_wires) + extra
        self.state = {}

    def initialize(self, x: Any, y: Any = None) -> None:
        """Makes the state of a blank network."""
        del y
        self._set_input_dim(x)
        self.state = self._blank()
        self.initialized = True

    def reset(self) -> dict[str, np.ndarray]:
        """Makes the network blank again; not all laws begin at zero. Returns the state before."""
        before, self.state = self.state, self._blank()
        return before

    def _blank(self) -> dict[str, np.ndarray]:
        junctions = self.reservoir.junction.init_state(self.reservoir.network.n_junctions)
        return {
            "out": np.zeros(self.output_dim),
            "junctions": np.asarray(junctions) * 1.0,
            "step": np.zeros((), np.int32),
        }

    def _step(self, state: dict[str, np.ndarray], x: np.ndarray) -> dict[str, np.ndarray]:
        return self._run(state, x[None])[0]

    def _run(self, state: dict[str, np.ndarray], x: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        key = jax.random.key(self.seed)
        onwards = {"state": state["junctions"], "start_step": int(state["step"])}
        found = self.reservoir.run(np.asarray(x, float), key=key, **onwards)
        features = np.asarray(found.features)
        after = {
            "out": features[-1],
            "junctions": np.asarray(found.final_state),
            "step": np.asarray(found.final_step),
        }
        return after, features
