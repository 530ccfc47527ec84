"""What touches a wire from outside: a voltage, a current, ground, or nothing but a meter."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from .._core import (
    Declared,
    Module,
    Number,
    Numbers,
    Terminals,
    arguments,
    as_inexact,
    check_at_least,
    holds,
    unit,
    user_code,
)
from .._drives import AbstractDrive, Clock, drive_at, settled
from .._networks import Ensemble, Network


KINDS = ("voltage", "current", "ground", "floating")
HOLDING = ("voltage", "ground")  # a wire at a potential
Kind: TypeAlias = Declared[Literal["voltage", "current", "ground", "floating"]]


class Electrode(Module):
    r"""An electrode on a wire, in the place of a plain index in `terminals`.

    What the drive says for it is a voltage [V] or a current into the network [A]:

    - `"voltage"`: held at the drive's voltage, through `resistance` if there is one,
      $I = s (V - \phi) / R$ with the switch $s$.
    - `"current"`: fed the drive's current, $I = s I_\mathrm{drive}$.
    - `"ground"`: as a voltage of 0 V, whatever the drive says.
    - `"floating"`: not connected, $I = 0$; its potential is read.

    Its wire may be traced, as under `jax.vmap` over placements: the electrode is then joined to every wire
    by a contact that conducts at one of them.

    Raises a `ValueError` for an unknown kind, a negative resistance or one where it means nothing.

    ```python
    source, drain = setup["terminals"]
    electrodes = jaxnn.Electrode(source, resistance=1e4), jaxnn.Electrode(drain, "ground")
    fed = setup | {"terminals": electrodes}
    jaxnn.simulate(network, law, drive, **fed).terminal_current.shape  # (50, 2)
    ```
    """

    wire: Declared[int | Int[Array, ""]]
    """The wire that it touches, by number."""
    kind: Kind = eqx.field(static=True, default="voltage")
    """One of "voltage", "current", "ground" and "floating"."""
    resistance: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("Ohm"))
    """Resistance in series with a voltage or with ground [Ohm], not negative; 0 is an ideal contact."""
    on: Declared[AbstractDrive | Float[Number, "..."] | None] = eqx.field(default=None)
    """Whether it is connected: 1 or 0, or a drive that is one or the other in time; always by default.
    Numbers between multiply what it conducts, or the current that it feeds."""

    def __init__(
        self,
        wire: Declared[int | Int[Array, ""]],
        kind: Kind = "voltage",
        *,
        resistance: Numbers = 0.0,
        on: Declared[AbstractDrive | Numbers | None] = None,
    ):
        self.wire = wire if isinstance(wire, Tracer) else arguments.as_count("wire", wire, least=0)
        self.kind = kind
        self.resistance = resistance  # pyright: ignore[reportAttributeAccessIssue]
        self.on = on if on is None or isinstance(on, AbstractDrive) else as_inexact(on)

    def __check_init__(self):
        arguments.word(*KINDS)("kind", self.kind)
        wire = self.wire
        if not isinstance(wire, int) and (wire.shape or not jnp.issubdtype(wire.dtype, jnp.integer)):
            raise ValueError(
                f"wire must be the number of one wire, got {wire.dtype} of shape {wire.shape}: use vmap "
                "for several placements."
            )
        check_resistance(self.resistance)
        if self.kind in ("current", "floating") and not isinstance(self.resistance, Tracer):
            if np.any(np.asarray(self.resistance) != 0):
                raise ValueError(
                    f"resistance is in series with a voltage or with ground, and this Electrode is "
                    f"{self.kind!r}: leave it out."
                )
        if self.on is not None and self.kind == "floating":
            raise ValueError("a floating Electrode is never connected: leave `on` out.")
        if self.on is not None and not isinstance(self.on, AbstractDrive):
            check_on(self.on)

    @property
    def is_placed(self) -> bool:
        """Whether the number of the wire is known, and not traced."""
        return isinstance(self.wire, int)

    @property
    def is_ideal(self) -> bool:
        """Whether it holds a known wire at a potential, without resistance and always."""
        held = self.kind in HOLDING and self.on is None and self.is_placed
        known = not isinstance(self.resistance, Tracer)
        return held and known and not np.any(np.asarray(self.resistance))


def check_resistance(resistance: Number) -> None:
    """Raises a `ValueError` for a series resistance that is negative or not finite."""
    check_at_least("resistance of an Electrode", resistance, 0, "Ohm")


def check_on(on: Number) -> None:
    """Raises a `ValueError` for a switch that is not from 0 to 1."""
    if not holds(lambda on: (on >= 0) & (on <= 1), on):
        raise ValueError(f"on of an Electrode must be from 0 to 1, got {on}.")


def check_single(electrode: Electrode) -> None:
    """Raises a `ValueError` for an electrode with several numbers in the place of one.

    As late as a run, since a batch of electrodes is made before it is mapped.
    """
    name = f"the Electrode on wire {electrode.wire}" if electrode.is_placed else "an Electrode"
    advice = "Give each electrode its own, or use jax.vmap for several runs."
    for field in ("resistance", "on"):
        value = getattr(electrode, field)
        if isinstance(value, AbstractDrive):
            zero, drive = Clock.at(0.0), f"the drive {type(value).__name__}"
            given = lambda value=value, zero=zero: drive_at(settled(value, zero.time.dtype), zero)
            with user_code(f"{drive} in `on` of {name}"):
                shape = jax.eval_shape(given).shape
            if np.prod(shape) != 1:
                known = not any(isinstance(x, Tracer) for x in jax.tree.leaves(value))
                said = f"is {given().tolist()}" if known else f"has shape {shape}"
                raise ValueError(
                    f"`on` of {name} must be one number at a time, and {drive} {said} at 0 s. {advice}"
                )
        elif value is not None and np.size(value) != 1:
            said = f"shape {value.shape}" if isinstance(value, Tracer) else np.asarray(value).tolist()
            raise ValueError(f"`{field}` of {name} must be one number, got {said}. {advice}")


class Electrodes(NamedTuple):
    """All electrodes of a run, with wires in the numbers of the union, and the shape of the terminals."""

    all: tuple[Electrode, ...]
    network: tuple[int, ...]
    shape: tuple[int, ...]


def electrodes_of(network: Network | Ensemble, terminals: Terminals) -> Electrodes | None:
    """The electrodes that `terminals` mean, or None if they are plain wires that are known.

    **Raises:** `ValueError` for what is neither a wire nor an electrode, wires that there are not or
    twice, networks that are not connected, and numbers of electrodes that differ.
    """
    if not isinstance(terminals, Tracer) and not _has_electrodes(terminals):
        return None
    if not isinstance(network, Ensemble):
        row = _row_of(network.n_nodes, network.components(), terminals, "network")
        return Electrodes(row, (0,) * len(row), (len(row),))
    rows = list(terminals)  # pyright: ignore[reportArgumentType]
    if len(rows) != network.n_networks or len({len(_listed(row)) for row in rows}) > 1:
        raise ValueError(
            f"terminals of an ensemble are one sequence of electrodes for each of its {network.n_networks} "
            f"networks, all of one length; got lengths {[len(_listed(row)) for row in rows]}."
        )
    labels, placed, owners = network.network.components(), [], []
    for i, row in enumerate(rows):
        of = network.node_slice(i)
        part = _row_of(of.stop - of.start, labels[of] - labels[of].min(), row, f"networks[{i}]")
        placed += [eqx.tree_at(lambda e: e.wire, x, x.wire + of.start) for x in part]
        owners += [i] * len(part)
    return Electrodes(tuple(placed), tuple(owners), (len(rows), len(owners) // len(rows)))


def electrodes_on(wires: Int[np.ndarray, "*networks terminals"]) -> Electrodes:
    """Ideal electrodes on wires in the numbers of the union, those of each network in a row."""
    networks = np.arange(wires.size) // wires.shape[-1]
    ideal = tuple(Electrode(wire) for wire in wires.reshape(-1).tolist())
    return Electrodes(ideal, tuple(networks.tolist()), wires.shape)


def wires_of(terminals: Terminals) -> Array | np.ndarray:
    """The wires of terminals, electrodes among them, as one array in each network's own numbers."""
    if isinstance(terminals, Tracer):
        return terminals
    number = lambda x: x.wire if isinstance(x, Electrode) else x
    rows = [[number(y) for y in x] if _is_row(x) else number(x) for x in _listed(terminals)]
    traced = any(isinstance(x, Tracer) for x in jax.tree.leaves(rows))
    return jnp.asarray(rows, jnp.int32) if traced else np.asarray(rows, np.int32)


def fed_of(terminals: Terminals) -> tuple[bool, ...]:
    """Whether each terminal, network by network, is an electrode that is fed a current; () if none is."""
    if not _has_electrodes(terminals) or isinstance(terminals, Tracer):
        return ()
    rows = [list(x) if _is_row(x) else [x] for x in _listed(terminals)]
    fed = tuple(isinstance(x, Electrode) and x.kind == "current" for row in rows for x in row)
    return fed if any(fed) else ()


def _is_row(x: Any) -> bool:
    return (not isinstance(x, Electrode) and np.ndim(x) == 1) or isinstance(x, list | tuple)


def _listed(terminals: Any) -> Sequence[Any]:
    return terminals if isinstance(terminals, list | tuple) else list(terminals)


def _has_electrodes(terminals: Any) -> bool:
    if isinstance(terminals, Electrode | Tracer):
        return True
    return isinstance(terminals, list | tuple) and any(map(_has_electrodes, terminals))


def _row_of(n_nodes: int, labels: np.ndarray, terminals: Any, name: str) -> tuple[Electrode, ...]:
    """The electrodes of one network, in its own numbers."""
    if isinstance(terminals, Electrode):
        raise ValueError(f"`{name}`: terminals are a sequence, got one Electrode: write [electrode, ...].")
    row = tuple(x if isinstance(x, Electrode) else Electrode(x) for x in _listed(terminals))
    if len(row) < 2:
        raise ValueError(
            f"`{name}`: a network needs at least two electrodes for a current to flow, got {len(row)}. A "
            "floating one counts."
        )
    known = [x.wire for x in row if isinstance(x.wire, int)]
    if bad := [wire for wire in known if not 0 <= wire < n_nodes]:
        raise ValueError(f"`{name}`: electrodes must be on wires 0..{n_nodes - 1}, got wire {bad[0]}.")
    if twice := sorted({wire for wire in known if known.count(wire) > 1}):
        raise ValueError(
            f"`{name}`: wire {twice[0]} has several electrodes. To do one thing and then another with it, "
            "use `on`, and drives that change in time."
        )
    if labels.max(initial=0) > 0:
        raise ValueError(
            f"`{name}`: every wire must be reached from the electrodes, but the network has "
            f"{labels.max() + 1} components: use `{name}.largest_component()`, or the part that holds "
            "your wires, `component_of(wires)`."
        )
    return row
