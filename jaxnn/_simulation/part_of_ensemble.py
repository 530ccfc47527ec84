"""The run of one network of an ensemble, as if it had run alone."""

import dataclasses
import operator
from typing import Any, SupportsIndex

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._networks import Ensemble
from .arrays_of_solution import PER_RUN
from .labelled import PER_TERMINAL
from .setup import Setup


def fields_of_part(solution: Any, i: SupportsIndex) -> dict[str, Any]:
    """The fields of the `Solution` of network `i`, in its own numbers of wires and junctions."""
    setup: Setup = solution._known_setup()
    ensemble = setup.network
    if not isinstance(ensemble, Ensemble):
        raise ValueError(
            "part picks a network of an Ensemble, and this run is of one network: leave it out."
        )
    k = range(ensemble.n_networks)[operator.index(i)]
    cuts = {"node": ensemble.node_slice(k), "junction": ensemble.junction_slice(k)}
    found: dict[str, Any] = {"setup": _setup_of_part(setup, ensemble, k)}
    for field in dataclasses.fields(solution):
        name, values, per = field.name, getattr(solution, field.name), field.metadata.get("per")
        if name in found:
            continue
        if not eqx.is_array(values):
            found[name] = {} if name == "recorded" else values
        elif name in PER_TERMINAL:
            found[name] = values[..., k, :]
        elif per in cuts:
            found[name] = values[..., cuts[per]]
        else:
            found[name] = values[..., k] if per == "network" or name in PER_RUN else values
    first = cuts["junction"].start
    if eqx.is_array(failed := found["failed_junction"]):
        found["failed_junction"] = jnp.where(failed < 0, failed, failed - first)
    return found


def _setup_of_part(setup: Setup, ensemble: Ensemble, k: int) -> Setup:
    junctions, count = ensemble.junction_slice(k), ensemble.network.n_junctions
    # Numbers of a law for each junction; all others are for every junction.
    own = lambda x: x[..., junctions] if np.shape(x)[-1:] == (count,) else x
    each = len(setup.fed) // ensemble.n_networks
    fed = setup.fed[k * each : (k + 1) * each]
    return Setup(
        ensemble.part(k),
        setup.terminals[..., k, :],
        setup.dt_parts,
        jax.tree.map(own, setup.numbers),
        setup.rest,
        fed if any(fed) else (),
    )
