"""What a run was set up with, carried along so that its record can be read alone."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, PyTree

from .._circuit import fed_of, wires_of
from .._core import Terminals
from .._junctions import AbstractJunction, SavedLaw, law_arrays, law_from
from .._networks import Ensemble, Network, network_arrays, network_from
from .problem import Problem


class Setup(eqx.Module):
    """Network, law, terminals and time step of a run.

    The structure of the network and what is no number in the law are static. The numbers are leaves, so
    that a mapped run has them with the mapped axis in front, as it has everything else.
    """

    network: Network | Ensemble
    terminals: Any
    dt_parts: tuple[ArrayLike, ArrayLike]
    numbers: PyTree
    rest: Any = eqx.field(static=True)
    fed: tuple[bool, ...] = eqx.field(static=True, default=())
    """Whether the drive of each terminal is a current [A], not a potential [V]; empty where none is."""

    @classmethod
    def of(cls, network: Network | Ensemble, problem: Problem, terminals: Terminals) -> "Setup":
        """The setup of a run, with its numbers in the dtype of the run."""
        numbers, rest = eqx.partition(problem.junction, _is_number)
        cast: Any = problem.network
        if isinstance(network, Ensemble):
            cast = Ensemble.of_union(cast, network.node_offsets, network.junction_offsets)
        parts = problem.dt, problem.dt_remainder
        return cls(cast, wires_of(terminals), parts, numbers, rest, fed_of(terminals))

    @property
    def dt(self) -> Array | np.ndarray | np.floating:
        """The time step [s]: with what float32 rounds off, once it has a value."""
        if isinstance(self.dt_parts[0], Tracer):
            return self.dt_parts[0]
        rounded, rest = (np.asarray(part, np.float64) for part in self.dt_parts)
        return rounded + rest

    @property
    def junction(self) -> Any:
        """The law, or a `ValueError` that says what is needed to have it."""
        if isinstance(self.numbers, SavedLaw):
            raise ValueError(self.numbers.message())
        return eqx.combine(self.numbers, self.rest)

    @property
    def passive(self) -> np.ndarray:
        """Which junctions have a fixed conductance, of the union for an ensemble."""
        return (self.network.network if isinstance(self.network, Ensemble) else self.network).passive


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | float | complex)


def setup_arrays(setup: Setup) -> dict[str, np.ndarray]:
    """The setup as named arrays for a file."""
    ensemble = setup.network if isinstance(setup.network, Ensemble) else None
    dt, dt_remainder = map(np.asarray, setup.dt_parts)
    arrays = {"terminals": np.asarray(setup.terminals), "dt": dt, "dt_remainder": dt_remainder}
    if setup.fed:
        arrays["fed"] = np.array(setup.fed)
    if ensemble is not None:
        arrays["node_offsets"] = np.array(ensemble.node_offsets)
        arrays["junction_offsets"] = np.array(ensemble.junction_offsets)
    network: Any = setup.network if ensemble is None else ensemble.network
    arrays |= {f"network.{name}": array for name, array in network_arrays(network).items()}
    law = setup.numbers if isinstance(setup.numbers, SavedLaw) else setup.junction
    return arrays | {f"law.{name}": array for name, array in law_arrays(law).items()}


def setup_from(arrays: dict[str, np.ndarray], junction: AbstractJunction | None) -> Setup:
    """The setup that `setup_arrays` took apart; `junction` is a law that takes the saved numbers."""
    part = lambda prefix: {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    network: Any = network_from(part("network."))
    if "node_offsets" in arrays:
        offsets = [tuple(arrays[f"{what}_offsets"].tolist()) for what in ("node", "junction")]
        network = Ensemble.of_union(network, *offsets)
    law = law_from(part("law."), junction)
    exact = arrays["dt"].astype(np.float64) + arrays["dt_remainder"]
    rounded = jnp.asarray(arrays["dt"])
    # What float64 had, float32 keeps in two parts.
    dt = rounded, jnp.asarray((exact - np.asarray(rounded, np.float64)).astype(rounded.dtype))
    known = (law, None) if isinstance(law, SavedLaw) else eqx.partition(law, _is_number)
    return Setup(network, arrays["terminals"], dt, *known, _fed_from(arrays, isinstance(network, Ensemble)))


def _fed_from(arrays: dict[str, np.ndarray], of_ensemble: bool) -> tuple[bool, ...]:
    """Which terminals of each network are fed a current; none in files from before this was kept."""
    if "fed" not in arrays:
        return ()
    fed, terminals = arrays["fed"], arrays["terminals"]
    count = math.prod(terminals.shape[-2 if of_ensemble else -1 :])
    if fed.dtype != bool or fed.shape != (count,):
        raise ValueError(f"`setup.fed` must be {count} of True and False, got {fed.dtype} of {fed.shape}.")
    return tuple(fed.tolist())
