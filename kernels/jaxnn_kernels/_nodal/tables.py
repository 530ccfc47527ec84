"""The index arrays of a sparse elimination: rounds of one shape, and full matrices at the end."""

import dataclasses as dc
from typing import Any, NamedTuple

import jax


class Tables(NamedTuple):
    """Index arrays of the rounds of a segment, the round first.

    Local rows are the branches of the round's wires, by falling number of products, padding last.
    """

    own: Any  # (rows,) junction of the branch
    chunks: Any  # per class of rows, pairs (products, rows) of slots whose products they gain
    owner: Any  # (rows,) local wire of the branch
    star: Any  # per class of degree (degree, wires) local rows of each wire
    reach: Any  # per class (degree, wires) place of the wire at the other end
    source: Any  # (arrivals, wires) place of an earlier wire whose current arrives
    share: Any  # (arrivals, wires) slot of the branch that it comes through


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class Segment:
    """Rounds of one padded shape: one piece of code, run `repeat` times."""

    tables: Any
    repeat: int = dc.field(metadata={"static": True})
    slot: int = dc.field(metadata={"static": True})
    rows: int = dc.field(metadata={"static": True})
    place: int = dc.field(metadata={"static": True})
    wires: int = dc.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dc.dataclass(frozen=True)
class TailTables:
    """Index arrays of the full matrices in which components end: wires first, then terminals.

    `own`, `chunks`, `source` and `share` are as in `Tables`, for the branches of the matrices and
    their wires.
    """

    own: Any
    chunks: Any
    matrix: Any  # (nodes, nodes, parts) branch
    ends: Any  # (terminals, parts) among the terminals of the network
    landing: Any  # (meetings, terminals) where in `ends`, flat, a terminal is; past its end if nowhere
    source: Any
    share: Any
    wires: int = dc.field(metadata={"static": True})
    place: int = dc.field(metadata={"static": True})
