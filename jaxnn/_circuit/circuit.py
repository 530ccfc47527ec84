"""What is around a network in a run: its electrodes and capacitors, as numbers at an instant."""

import functools as ft
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxnn_kernels import total

from .._core import Number
from .._drives import AbstractDrive, Clock, drive_at
from .._networks import Topology
from .capacitance import Capacitance
from .electrode import HOLDING, Electrodes, check_on, check_resistance, check_single
from .layout import Layout, layout_of


class Circuit(eqx.Module):
    """The electrodes and capacitors of a run, checked, converted and of one dtype.

    Axes: electrodes are those of all networks, one network after the other; edges are the junctions, then
    the contacts of electrodes, then one from each wire to the substrate, if it holds charge. `across` is
    the incidence of the junctions alone, where there are capacitors. `reach` are the first of the wires
    that an electrode may touch, and the one after the last.
    """

    wire: Int[Array | np.ndarray, " electrodes"]
    resistance: Float[Number, " electrodes"]
    on: Float[Number, " electrodes"]
    switches: tuple[AbstractDrive, ...]
    capacitance: Capacitance | None
    across: Any
    contact_electrode: Int[np.ndarray | Array, " contacts"]
    contact_wire: Int[np.ndarray | Array, " contacts"]
    network_of_electrode: Int[np.ndarray | Array, " electrodes"]
    reach: Int[np.ndarray | Array, "electrodes 2"]
    switched: tuple[int, ...] = eqx.field(static=True)
    kinds: tuple[str, ...] = eqx.field(static=True)
    n_wires: int = eqx.field(static=True)
    n_nodes: int = eqx.field(static=True)
    n_junctions: int = eqx.field(static=True)
    moves: bool = eqx.field(static=True)

    def __check_init__(self):
        # Once more, because numbers that were traced then are looked at by the run.
        check_resistance(self.resistance)
        check_on(self.on)

    @property
    def has_substrate(self) -> bool:
        """Whether wires hold charge, so that the substrate is a node."""
        return self.capacitance is not None and self.capacitance.to_substrate is not None

    @property
    def holds_charge(self) -> bool:
        """Whether there are capacitors, to the substrate or across junctions."""
        return self.capacitance is not None and self.capacitance.holds_charge

    def of_kind(self, *kinds: str) -> np.ndarray:
        """The numbers of the electrodes of some kinds."""
        return np.flatnonzero([kind in kinds for kind in self.kinds])

    @property
    def held(self) -> np.ndarray:
        """The numbers of the electrodes that hold a potential: the plan's first terminals, in order."""
        return self.of_kind(*HOLDING)

    def connected(self, clock: Clock | None) -> Float[Array, " electrodes"]:
        """How far each electrode is connected at an instant, 0 to 1."""
        on = self.on
        for k, switch in zip(self.switched, self.switches, strict=True):
            assert clock is not None
            on = on.at[k].set(drive_at(switch, clock).reshape(()).astype(on.dtype))
        return on

    def contacts(self, on: Array, conductance: Array) -> Float[Array, " contacts"]:
        """What every contact conducts [S]: an ideal one so much that its wire follows to rounding.

        `conductance` is of all that the wires are joined by, with capacitors, as large as it may become.
        """
        eps = jnp.finfo(conductance.dtype).eps
        most = total(jax.lax.stop_gradient(jnp.where(jnp.isfinite(conductance), conductance, 0)))
        # In series with a resistor it would be as good as none beside the junctions, but not beside it.
        ideal = jnp.where(self.resistance > 0, 0, eps / jnp.where(most > 0, most, 1))
        contact = (on / (self.resistance + ideal))[self.contact_electrode]
        if not self.moves:
            return contact
        here = self.wire[self.contact_electrode] == self.contact_wire
        return jnp.where(here, contact, 0)

    def at_wires(self, values: Float[Array, " nodes"]) -> Float[Array, " electrodes"]:
        """Values of the wires that the electrodes touch."""
        return values.at[self.wire].get(mode="clip")

    def misplaced(self) -> Bool[Array, ""]:
        """Whether a wire that was traced is none of the network, or has two electrodes."""
        if not self.moves:
            return jnp.zeros((), bool)
        wire = jnp.asarray(self.wire)
        same = (wire[:, None] == wire[None]) & ~np.eye(len(self.kinds), dtype=bool)
        first, beyond = self.reach.T
        return jnp.any((wire < first) | (wire >= beyond)) | jnp.any(same)


class Sources(NamedTuple):
    """What a circuit does to its network at an instant."""

    held: Float[Array, " held"]
    """Potentials of the nodes that are held, less those of `base` [V]."""
    fed: Float[Array, " electrodes"]
    """Currents that are fed [A], 0 for electrodes of other kinds."""
    on: Float[Array, " electrodes"]
    base: Float[Array, "*networks"]
    """A potential of each network [V], near which its voltages have most digits."""


def sources_at(
    circuit: Circuit, value: Float[Array, "*terminals"], clock: Clock | None, networks: tuple[int, ...]
) -> Sources:
    """The electrodes as the drive's values [V] or [A] and their switches set them."""
    on = circuit.connected(clock)
    flat = value.reshape(-1)
    grounded, current = circuit.of_kind("ground"), circuit.of_kind("current")
    potential = flat.at[grounded].set(0) if grounded.size else flat
    fed = jnp.zeros_like(flat)
    if current.size:
        fed = fed.at[current].set((on * flat)[current])
    held = circuit.held
    # Nothing is gathered where all are held: alone, a network waits as long for that as for a law.
    of_held = lambda x: x if held.size == x.size else x[held]
    if circuit.has_substrate or not held.size:
        base = jnp.zeros(networks, flat.dtype)  # the substrate is at 0 V
    else:
        # The last one held in each network, as the drain of two is.
        last = np.zeros(int(np.prod(networks, dtype=int)), np.int64)
        per = len(circuit.kinds) // last.size
        for k in held:
            last[k // per] = k
        base = (potential[last] if last.size > 1 else potential[last[0]]).reshape(networks)
    per_electrode = jnp.broadcast_to(base[..., None], value.shape).reshape(-1)
    given = of_held(potential - per_electrode)
    if circuit.has_substrate:
        given = jnp.concatenate([given, jnp.zeros(1, given.dtype)])
    return Sources(given, fed, on, base)


def make_circuit(
    topology: Topology,
    electrodes: Electrodes,
    capacitance: Capacitance | None,
    node_offsets: tuple[int, ...],
) -> tuple[Circuit, Layout]:
    """The circuit of a network, and the graph that its plan is made for.

    **Raises:** `ValueError` for an electrode with several numbers in the place of one, and for a network
    that nothing holds at a potential: a current into it, or the potential of what floats, would have no
    value.
    """
    all_of = electrodes.all
    for electrode in all_of:
        check_single(electrode)
    holds_potential = tuple(x.kind in HOLDING for x in all_of)
    has_substrate = capacitance is not None and capacitance.to_substrate is not None
    kept = {of for of, held in zip(electrodes.network, holds_potential, strict=True) if held}
    if not has_substrate and len(kept) < len(node_offsets) - 1:
        raise ValueError(
            "nothing holds the network at a potential, so that currents into it have nowhere to go: make "
            'one electrode Electrode(wire, "ground"), or give the wires a capacitance to the substrate.'
        )
    wires = tuple(x.wire if x.is_placed else None for x in all_of)
    ideal = tuple(x.is_ideal for x in all_of)
    reach = tuple((node_offsets[i], node_offsets[i + 1]) for i in electrodes.network)
    layout = _layout(topology, wires, holds_potential, ideal, reach, has_substrate)
    switched = tuple(k for k, x in enumerate(all_of) if isinstance(x.on, AbstractDrive))
    always = [1.0 if x.on is None or isinstance(x.on, AbstractDrive) else x.on for x in all_of]
    is_known = all(wire is not None for wire in wires)
    wire: Any = np.asarray(wires, np.int32) if is_known else _stacked([x.wire for x in all_of], jnp.int32)
    circuit = Circuit(
        wire=wire,
        resistance=_stacked([x.resistance for x in all_of]),
        on=_stacked(always),
        switches=tuple(x.on for x in all_of if isinstance(x.on, AbstractDrive)),
        capacitance=capacitance,
        across=layout.across if capacitance is not None and capacitance.holds_charge else None,
        contact_electrode=layout.contact_electrode,
        contact_wire=layout.contact_wire,
        network_of_electrode=np.asarray(electrodes.network, np.int32),
        reach=np.asarray(reach, np.int32),
        switched=switched,
        kinds=tuple(x.kind for x in all_of),
        n_wires=topology.n_nodes,
        n_nodes=layout.topology.n_nodes,
        n_junctions=len(topology.edges),
        moves=not is_known,
    )
    return circuit, layout


_layout = ft.lru_cache(maxsize=64)(layout_of)


def _stacked(values: list[Any], dtype: Any = None) -> Any:
    """Numbers as one array, plain ones as a plain one."""
    given = [x for x in values if isinstance(x, jax.Array)]
    if given:
        # Plain numbers follow those that have a precision.
        dtype = dtype or jnp.result_type(*given)
        parts = [jnp.asarray(x, dtype).reshape(()) for x in values]
        # On a mesh with explicit axes JAX cannot stack numbers of which some alone are mapped.
        nothing = sum((x != x).astype(jnp.int32) * 0 for x in parts)
        return jnp.stack([x + jnp.asarray(nothing).astype(x.dtype) for x in parts])
    return np.asarray([np.asarray(x).reshape(()) for x in values], dtype or float)
