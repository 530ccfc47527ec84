"""How often junctions leave the voltages that a law holds for."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .._core import (
    Declared,
    Module,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    concrete,
    unit,
    warn_user,
)
from .._junctions import TunnelJunction
from .._simulation import AbstractObserver, Run, Step


WORTH_A_WARNING = 1e-3  # of the steps


class BeyondRange(Module):
    """The counts of how often, and how far, junctions of a run went beyond a voltage.

    ```python
    record = {"beyond": jaxnn.analysis.VoltageRange.of(law)}
    beyond = jaxnn.simulate(network, law, drive, record=record, **setup).recorded["beyond"]
    beyond.share  # 0.0
    ```
    """

    limit: Float[Number, "..."] = eqx.field(metadata=unit("V"))
    """The voltage [V], of all junctions or of each."""
    steps: Int[Array, ""]
    """Steps of the run."""
    steps_beyond: Int[Array, "*networks"]
    """Steps in which any junction of the network was beyond it."""
    steps_of_junction: Int[Array, " junctions"]
    """Steps in which each junction was; 0 for passive ones."""
    largest_voltage: Float[Array, " junctions"] = eqx.field(metadata=unit("V"))
    """The largest |v| of each junction [V]."""

    @property
    def share(self) -> Float[Array, "*networks"]:
        """The share of the steps in which any junction of the network was beyond the voltage."""
        return self.steps_beyond / self.steps

    def check(self) -> None:
        """Warns where that was in more than a thousandth of the steps, once it has a value."""
        share, largest = concrete(self.share), concrete(self.largest_voltage)
        if share is None or largest is None or np.max(share) <= WORTH_A_WARNING:
            return
        warn_user(
            f"in {100 * np.max(share):.2g} % of the steps some junction was beyond "
            f"{np.min(self.limit):g} V, up to {np.max(largest):.3g} V: the law is used outside of the "
            "voltages that it holds for. What depends on these junctions is the law's and may not be the "
            "device's."
        )


class VoltageRange(AbstractObserver):
    r"""Counts how often junctions are beyond a voltage, for `record` of `jaxnn.simulate`.

    $$|v_k| > v_\mathrm{limit}$$

    - `limit`: scalar or one per junction [V], positive. `VoltageRange.of(law)` has half of the barrier
      of a `jaxnn.TunnelJunction`, up to which Simmons' law for low voltages holds.

    The result is a `jaxnn.analysis.BeyondRange`. A run that is not inside of a transformation warns where
    any junction was beyond the limit in more than a thousandth of the steps.

    Raises a `ValueError` for a limit that is not positive.

    ```python
    counter = jaxnn.analysis.VoltageRange(0.405)
    run = jaxnn.simulate(network, law, drive, record={"beyond": counter}, **setup)
    run.recorded["beyond"].steps_of_junction.shape == (network.n_junctions,)  # True
    ```
    """

    limit: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """The voltage [V]."""

    def __check_init__(self):
        check_at_least("limit", self.limit, 0, "V", strict=True)

    @classmethod
    def of(cls, law: Declared[TunnelJunction]) -> "VoltageRange":
        """Returns the range of a low-voltage law: |v| up to half of its barrier.

        **Raises:** `ValueError` for a law without one.
        """
        arguments.one_of(TunnelJunction, advice="give the limit of another law, VoltageRange(limit)")(
            "law", law
        )
        return cls(law.barrier_height / 2)

    def start(self, run: Run) -> PyTree:
        conductance = run.junction_conductance
        zeros = jnp.zeros(conductance.shape, jnp.int32)
        none = jnp.zeros(run.networks, jnp.int32)
        limit = jnp.asarray(self.limit, conductance.dtype)
        return BeyondRange(limit, jnp.int32(0), none, zeros, jnp.zeros_like(conductance))

    def follow(self, memory: PyTree, step: Step) -> PyTree:
        size = jnp.where(step.run.passive, 0, jnp.abs(step.junction_voltage))
        beyond = (size > memory.limit).astype(jnp.int32)
        return BeyondRange(
            memory.limit,
            memory.steps + 1,
            memory.steps_beyond + _any_of_network(step.run, beyond),
            memory.steps_of_junction + beyond,
            jnp.maximum(memory.largest_voltage, size),
        )


def _any_of_network(run: Run, beyond: Int[Array, " junctions"]) -> Int[Array, "*networks"]:
    """1 for each network of which any junction is beyond, 0 for others."""
    if not run.networks:
        return jnp.max(beyond, initial=0)
    found = jnp.zeros(run.networks, jnp.int32)
    return found.at[run.network_of_junction].max(beyond)
