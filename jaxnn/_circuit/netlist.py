"""Networks as netlists of SPICE, for a check by a program that shares nothing with this one."""

from typing import Any

import jax
import numpy as np

from .._core import Declared, Numbers, Terminals, arguments, as_inexact, check_network
from .._junctions import (
    AbstractJunction,
    AbstractSpiceJunction,
    MixedJunction,
    spice_expressions,
    state_of_volt,
)
from .._networks import Network


def spice_netlist(
    network: Declared[Network],
    junction: Declared[AbstractJunction],
    *,
    terminals: Terminals,
    state: Numbers | None = None,
    name: Declared[str] = "network",
) -> str:
    """Writes a network of smooth laws down as a subcircuit of SPICE, in the dialect of ngspice.

    Its ports are the terminals, in their order; wires are the nodes `w0`, `w1`, ..., and the state of
    junction k is the voltage [V] of the node `xk`, on a capacitor of 1 F that the rate charges; of VTEAM,
    whose state is a length, 1 V is the thickness. Sources, resistors and the analysis are yours to write
    around it: take `uic`, with which states begin where they should.

    **Arguments:**

    - `network`: one network; passive junctions become resistors.
    - `junction`: a `jaxnn.AbstractSpiceJunction`, or a `MixedJunction` of such. The paper's thresholds and
      laws that draw random numbers have no form in SPICE here.
    - `terminals`: the numbers of the wires that are ports.
    - `state`: what junctions begin in, by default what the law says.
    - `name`: of the subcircuit.

    **Raises:** `ValueError` for a law that has no such form, and a state of another shape.

    ```python
    pair = jaxnn.Network(2, [(0, 1)])
    text = jaxnn.spice_netlist(pair, jaxnn.RateBalanceJunction(), terminals=(0, 1))
    text.splitlines()[1]  # ".subckt network w0 w1"
    ```
    """
    check_network(network, Network)
    arguments.one_of(AbstractJunction)("junction", junction)
    if not isinstance(name, str) or not name.isidentifier():
        arguments.refuse("name", "the name of a subcircuit, such as 'network'", name)
    wires, n = network.check_terminals(terminals), network.n_junctions
    states = np.asarray(as_inexact(junction.init_state(n) if state is None else state), float)
    if states.shape != (n,):
        raise ValueError(f"state must have shape ({n},), one number for each junction, got {states.shape}.")
    lines = [f"* {network.n_nodes} wires and {n} junctions, by jaxnn"]
    lines += [f".subckt {name} {' '.join(f'w{wire}' for wire in wires)}"]
    values = np.asarray(network.passive_conductance).tolist()
    passive = dict(zip(np.flatnonzero(network.passive).tolist(), values, strict=True))
    for k, (a, b) in enumerate(network.edges.tolist()):
        if k in passive:
            lines.append(f"R{k} w{a} w{b} {1 / passive[k]!r}")
            continue
        law = _law_of(junction, k)
        current, rate = spice_expressions(law, f"V(w{a},w{b})", f"V(x{k})")
        lines.append(f"B{k} w{a} w{b} I={current}")
        # Into the node: a source drives its current from its first node through itself to the second.
        lines.append(f"Bx{k} 0 x{k} I={rate}")
        lines.append(f"Cx{k} x{k} 0 1 IC={float(states[k]) / state_of_volt(law)!r}")
    return "\n".join([*lines, f".ends {name}", ""])


def _law_of(junction: AbstractJunction, k: int) -> AbstractSpiceJunction:
    """The law of one junction, each of its parameters one number."""
    if isinstance(junction, MixedJunction):
        number = int(junction.law_of_junction[k])
        place = int((junction.law_of_junction[:k] == number).sum())
        return _law_of(junction.laws[number], place)
    if not isinstance(junction, AbstractSpiceJunction):
        raise ValueError(
            f"{type(junction).__name__} has no form in SPICE: a law of a netlist is a "
            "jaxnn.AbstractSpiceJunction, smooth and of one state, such as jaxnn.RateBalanceJunction."
        )
    own: Any = jax.tree.map(lambda x: x[k] if np.ndim(x) else x, junction)
    return own
