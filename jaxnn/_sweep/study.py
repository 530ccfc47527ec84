"""What a sweep runs: the base case, where its axes change it, and the networks that result.

Axes are of two kinds, and everything here follows from the difference. A *number* (a voltage, a boost) is
data of one compiled program: points along such axes are a batch, mapped by `vmap`. A *structural* parameter
(a seed, a density, a path length) gives another network, thus other index arrays and another program: those
run together as one `Ensemble`, whose union is compiled once for a chunk. Where a `Table` or a `Sample`
moves both at once, its numbers go along with the networks, one set for each: `Case.numbers`.
"""

import dataclasses
import functools as ft
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import Declared, Terminals, arguments, check_room, checks_of, in_words
from .._drives import AbstractClockDrive, AbstractDrive, Clock, Span, drive_at, losses
from .._junctions import AbstractJunction, keys_of_networks, typed_key
from .._networks import Ensemble, Network, network_arrays
from .._simulation import AutoSolver, simulate
from .axes import Axis, short_names
from .numbers import check_place, marked, replaced
from .reductions import Reduction


NetworkLike: TypeAlias = Declared[Network | Callable[..., Network]]
"""A network, or a function of parameters that returns one."""

TerminalsLike: TypeAlias = Declared[Terminals | Callable[..., Terminals]]
"""Terminals, or a function of the network, and of parameters, that chooses them."""


_ROOTS = ("network", "terminals", "junction", "drive")


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """A checked sweep: one base case, its axes and what is kept of each run."""

    network: Any
    junction: AbstractJunction
    drive: AbstractDrive
    terminals: Any
    axes: list[Axis]
    reductions: dict[str, Reduction]
    method: Callable[..., Any]
    settings: dict[str, Any]

    def __post_init__(self):
        if not isinstance(self.network, Network) and not callable(self.network):
            raise ValueError(
                "network must be a jaxnn.Network or a function that returns one, such as "
                "functools.partial(jaxnn.nanowire_network, 100, 30e-6), got "
                f"{type(self.network).__name__}. Different networks are an axis of the sweep: "
                "{'network.seed': range(64)}."
            )
        if not isinstance(self.drive, AbstractDrive):
            raise ValueError(
                f"drive must be a jaxnn drive, got {type(self.drive).__name__}; for recorded samples use "
                "jaxnn.Samples."
            )
        arguments.as_count("steps", self.settings["steps"])
        paths = [path for axis in self.axes for path in axis.columns]
        # All of these become variables or dimensions of one dataset, and would silently replace each other.
        taken = {*short_names(paths).values(), *(axis.name for axis in self.axes), "time"}
        for name in self.reductions:
            if name in taken:
                raise ValueError(f"{name!r} is a parameter of the sweep: give the reduction another name.")
        for axis in self.axes:
            for path in axis.columns:
                self._check_path(path)
        self._check_domains()

    def is_structural(self, path: str) -> bool:
        """Whether a parameter changes the network or its terminals, and so the program itself."""
        root, _, _ = path.partition(".")
        return root in ("network", "terminals") and callable(getattr(self, root))

    @property
    def structural(self) -> tuple[bool, ...]:
        """For each axis whether it changes the networks."""
        return tuple(any(map(self.is_structural, axis.columns)) for axis in self.axes)

    @ft.cached_property
    def places(self) -> np.ndarray:
        """Network, terminals and numbers of their own at each place on the structural axes."""
        # All networks at once and once only, before the first run: one that cannot be built is said after
        # seconds, not after hours, and a chunk takes its own without asking for them again.
        axes = [axis for axis, taken in zip(self.axes, self.structural, strict=True) if taken]
        places = np.empty([axis.size for axis in axes], object)
        for number, index in enumerate(np.ndindex(places.shape)):
            chosen = list(zip(axes, index, strict=True))
            # `.item()`: a function that makes networks gets Python's numbers, as if a user had called it.
            values = {path: column[i] for axis, i in chosen for path, column in axis.columns.items()}
            network, pair = self._network({p: v.item() for p, v in values.items() if self.is_structural(p)})
            if number == 0:
                _check_networks(network, places.size)
            places.reshape(-1)[number] = (
                network,
                pair,
                {p: v for p, v in values.items() if not self.is_structural(p)},
            )
        return places

    def build(self, start: Sequence[int], stop: Sequence[int]) -> "Case":
        """The networks between two places on the axes, in row-major order."""
        spans = zip(start, stop, self.structural, strict=True)
        # The dots keep it an array where there is no such axis.
        chosen = (*(slice(a, b) for a, b, taken in spans if taken), ...)
        networks, terminals, rows = zip(*self.places[chosen].reshape(-1), strict=True)
        numbers = {path: np.stack([row[path] for row in rows]) for path in rows[0]}
        order = np.arange(self.places.size).reshape(self.places.shape)[chosen].reshape(-1)
        return Case(self, list(networks), list(terminals), numbers, order)

    def _network(self, values: dict[str, Any]) -> tuple[Network, Any]:
        """The network and its terminals with these arguments."""

        def call(root: str, *arguments: Network) -> Any:
            keywords = {p.partition(".")[2]: v for p, v in values.items() if p.startswith(root + ".")}
            try:
                return getattr(self, root)(*arguments, **keywords)
            except (ValueError, TypeError) as error:
                where = ", ".join(f"{path} = {value!r}" for path, value in values.items())
                raise ValueError(
                    f"{root} cannot be built with {where or 'its arguments'}: {error}"
                ) from error

        network = call("network") if callable(self.network) else self.network
        if not isinstance(network, Network):
            raise ValueError(f"network must return a jaxnn.Network, got {type(network).__name__}.")
        return network, call("terminals", network) if callable(self.terminals) else self.terminals

    def _check_path(self, path: str) -> None:
        root, _, place = path.partition(".")
        if root not in _ROOTS or not place:
            raise ValueError(
                "A parameter of a sweep is named by its path, such as 'junction.boost', 'drive.voltage' "
                f"or 'network.seed', got {path!r}: it must begin with one of {list(_ROOTS)}."
            )
        if self.is_structural(path):
            if not place.isidentifier():
                raise ValueError(f"{place!r} in {path!r} is not the name of an argument of {root}.")
        elif root == "terminals":
            raise ValueError(
                f"{path!r}: terminals can be swept where they are a function of the network, such as "
                "jaxnn.pair_at with 'terminals.path_length'."
            )
        else:
            check_place(root, getattr(self, root), place)

    def _check_domains(self) -> None:
        """Every value must be one that the junction, drive and network accept, with some of the others.

        What two values together are is left to the diagnosis of the runs: of a grid of set and reset
        voltages half may be wanted.
        """
        columns = {path: column for axis in self.axes for path, column in axis.columns.items()}
        # A law's bounds are intervals: what takes the least and the largest takes all between.
        ends = {p: {c.min(), c.max()} for p, c in columns.items() if not self.is_structural(p)}
        for path, values in ends.items():
            root = path.partition(".")[0]
            others = {p: v for p, v in ends.items() if p != path and p.startswith(root + ".")}
            for value in values:
                corners = itertools.product(*others.values())
                settings = [{path: value, **dict(zip(others, corner, strict=True))} for corner in corners]
                # One that is fine will do; else what the base case says, with all others as they are.
                if not any(self._refusal(root, setting) is None for setting in settings):
                    error = self._refusal(root, {path: value}) or self._refusal(root, settings[0])
                    raise ValueError(f"{path} = {value:g} of the sweep: {error}") from error

    def _refusal(self, root: str, setting: dict[str, Any]) -> ValueError | None:
        """What the checks of a junction, a drive or a network say to some numbers of it."""
        changed = getattr(self, root)
        for path, value in setting.items():
            changed = replaced(changed, path.partition(".")[2], value)
        try:
            for check in checks_of(changed):
                check()
        except ValueError as error:
            return error
        return None


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """Networks that run together, with a set of numbers for each."""

    study: Study
    networks: list[Network]
    terminals: list[Any]
    numbers: dict[str, np.ndarray]
    order: np.ndarray
    """The number of each network among all of the sweep."""

    @ft.cached_property
    def ensemble(self) -> Ensemble | None:
        """The networks as one, None for a single one."""
        return Ensemble(self.networks) if len(self.networks) > 1 else None

    def runner(self) -> Callable[[dict[str, Any]], Any]:
        """Values of the other axes -> what `method` returns for all networks together."""
        study, ensemble = self.study, self.ensemble
        settings = study.settings
        if ensemble is not None and study.method is simulate:
            # The same for any number of points and devices, or their numbers would differ in rounding.
            settings = {"solver": AutoSolver(mapped=True)} | settings
        terminals = self.terminals[0] if ensemble is None else self.terminals
        settings = settings | self._keys()

        def run(numbers: dict[str, Any]) -> Any:
            parts = {
                "network": self.networks[0] if ensemble is None else ensemble,
                "junction": study.junction,
                "drive": study.drive,
            }
            for path, value in numbers.items():
                root, _, place = path.partition(".")
                parts[root] = replaced(parts[root], place, value)
            # What differs from network to network cannot be mapped, since an ensemble is one circuit: a
            # law's parameter becomes one value per junction, a drive one voltage per network and terminal.
            per_network = {"drive": {}}
            for path, values in self.numbers.items():
                root, _, place = path.partition(".")
                if ensemble is None:
                    parts[root] = replaced(parts[root], place, values[0])
                elif root == "junction":
                    parts[root] = _spread(parts[root], place, values, ensemble)
                else:
                    per_network["drive"][place] = jnp.asarray(values)
            if per_network["drive"]:
                parts["drive"] = PerNetwork.of(parts["drive"], per_network["drive"])
            return study.method(
                parts["network"], parts["junction"], parts["drive"], terminals=terminals, **settings
            )

        return run

    def _keys(self) -> dict[str, Any]:
        """The key of each network by its number in the sweep, whichever others it runs with."""
        key = self.study.settings.get("key")
        if key is None or not any(self.study.structural):
            return {}
        keys = keys_of_networks(typed_key(key), self.order)
        return {"key": keys[0] if self.ensemble is None else keys}


class PerNetwork(AbstractClockDrive):
    """A drive with some numbers of its own for each network of an ensemble."""

    drive: AbstractDrive
    """With a leading axis of networks in the arrays at `places`."""
    places: tuple[str, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, drive: AbstractDrive, values: dict[str, Array]) -> "PerNetwork":
        """A drive with `values` (networks,) by place."""

        def one(values: dict[str, Array]) -> AbstractDrive:
            return ft.reduce(lambda d, place: replaced(d, place, values[place]), values, drive)

        stacked, places = jax.vmap(one)(values), tuple(values)
        # What does not change stays as it was given.
        drive = jax.tree.map(lambda m, new, old: new if m else old, marked(drive, places), stacked, drive)
        return cls(drive, places)

    def at(self, clock: Clock) -> Float[Array, "networks terminals"]:
        one = lambda drive: jnp.atleast_1d(drive_at(drive, clock))
        axes = jax.tree.map(lambda mark: 0 if mark else None, marked(self.drive, self.places))
        return jax.vmap(one, in_axes=(axes,))(self.drive)


@losses.register
def _(drive: PerNetwork, span: Span) -> Iterator[str]:
    for loss in losses(drive.drive, span):
        yield f"{type(drive.drive).__name__}: {loss}"


def _check_networks(first: Network, count: int) -> None:
    """Raises a `ValueError` if so many networks like the first one are too many to keep."""
    size = sum(array.nbytes for array in network_arrays(first).values())
    check_room(
        f"The {count:,} networks of the sweep, {in_words(size)} each,",
        count * size,
        "take fewer seeds, or make it several sweeps with a folder each",
    )


def _spread(
    junction: AbstractJunction, place: str, values: np.ndarray, ensemble: Ensemble
) -> AbstractJunction:
    """The junction with a scalar parameter that differs from network to network."""
    if "." in place or np.ndim(getattr(junction, place)):
        raise ValueError(
            f"junction.{place} cannot change from network to network: only the scalar parameters of a "
            "junction law can. Give it an axis of its own."
        )
    like = jnp.asarray(getattr(junction, place))
    spread = ensemble.per_junction(jnp.asarray(values).astype(like.dtype))
    return eqx.tree_at(lambda j: getattr(j, place), junction, spread)
