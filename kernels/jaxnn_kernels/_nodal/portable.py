"""What the compiled library computes, computed by XLA: the tables of `star_plan`, and who is who."""

import dataclasses as dc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .flat_schedule import FlatSchedule, size_class
from .star_mesh import StarMeshFactors, StarMeshPlan, eliminate, substitute


class CompiledFactors(NamedTuple):
    """h_ij [sqrt S], 1 / sqrt(S_i) [1/sqrt S] and terminal branches [S], in the order of elimination."""

    branch: Array
    scale: Array
    mesh: Array


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class Portable:
    """Both numberings of the same factors: where each of ours is among those of the tables, and back.

    What has no counterpart takes one past the last, which is zero.
    """

    plan: StarMeshPlan
    slot: Any
    back_slot: Any
    place: Any
    back_place: Any
    mesh: Any
    back_mesh: Any

    def eliminate(self, conductance: Array) -> CompiledFactors:
        made = eliminate(self.plan, conductance)
        return CompiledFactors(
            _rows_of(made.branch, self.slot),
            _rows_of(made.scale, self.place),
            _rows_of(made.mesh, self.mesh),
        )

    def substitute(
        self, factors: CompiledFactors, potential: Array, current: Array | None
    ) -> tuple[Array, Array]:
        theirs = StarMeshFactors(
            _rows_of(factors.branch, self.back_slot),
            _rows_of(factors.scale, self.back_place),
            _rows_of(factors.mesh, self.back_mesh),
            None,
        )
        return substitute(self.plan, theirs, potential, current)


def _rows_of(x: Array, index: Int[Array, " rows"]) -> Array:
    return jnp.concatenate([x, jnp.zeros_like(x, shape=(1, *x.shape[1:]))])[index]


def portable_of(plan: StarMeshPlan, flat: FlatSchedule) -> Portable:
    """Finds each branch, wire and terminal branch of the schedule among the tables."""
    n = len(plan.position)
    near, far, slot = _slots_of(plan)
    slots = _matched(near * n + far, slot, flat.near * n + flat.far)
    ends = plan.terminals[plan.mesh_graph.ends]
    pairs = np.sort(ends, axis=0), np.sort(flat.mesh.T, axis=0)
    theirs, ours = (a.astype(np.int64) * n + b for a, b in pairs)
    meshes = _matched(theirs, np.arange(ends.shape[1]), ours)
    return Portable(
        plan,
        *_both_ways(slots, flat.slot, plan.n_slots, size_class(flat.n_slots)),
        *_both_ways(plan.position[flat.wire], np.arange(len(flat.wire)), plan.n_places, len(flat.wire)),
        *_both_ways(meshes, np.arange(len(flat.mesh)), ends.shape[1], size_class(len(flat.mesh))),
    )


def _slots_of(plan: StarMeshPlan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nodes at either end of each branch of a star, and its slot."""
    found = [np.zeros((3, 0), np.int64)]
    for s in plan.segments:
        turn = np.arange(s.repeat)[:, None, None]
        first = 0
        for star, reach in zip(s.tables.star, s.tables.reach, strict=True):
            near = s.place + turn * s.wires + first + np.arange(star.shape[2])
            first += star.shape[2]
            places = np.broadcast_arrays(near, reach, s.slot + turn * s.rows + star)
            # Padding reaches the first place, which nobody else can: it goes first.
            found.append(np.stack([x[reach > 0] for x in places]))
    near, far, slot = np.concatenate(found, axis=1)
    return plan.order[near].astype(np.int64), plan.order[far].astype(np.int64), slot


def _matched(
    keys: Int[np.ndarray, " theirs"], values: Int[np.ndarray, " theirs"], wanted: Int[np.ndarray, " ours"]
) -> Int[np.ndarray, " ours"]:
    order = np.argsort(keys, kind="stable")
    return values[order[np.searchsorted(keys[order], wanted)]]


def _both_ways(
    theirs: Int[np.ndarray, " rows"], ours: Int[np.ndarray, " rows"], n_theirs: int, n_ours: int
) -> tuple[Int[np.ndarray, " ours"], Int[np.ndarray, " theirs"]]:
    """Where each of ours is among theirs, and each of theirs among ours; one past the last if nowhere."""
    there, back = np.full(n_ours, n_theirs, np.int32), np.full(n_theirs, n_ours, np.int32)
    there[ours], back[theirs] = theirs, ours
    return there, back
