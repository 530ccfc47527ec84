"""Several laws in one network, each with the junctions that are its own."""

import hashlib
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .._core import Declared, Key, Numbers, arguments, array_module, common_dtype
from .abstract import AbstractJunction, AbstractRateJunction
from .inputs import call_law, draws_random_numbers
from .network_keys import keys_of_laws
from .noise import in_front


class Assignment:
    """Which law each junction has. Structure: hashed and compared by content."""

    def __init__(self, law_of_junction: np.ndarray, n_laws: int):
        self.law_of_junction = np.array(law_of_junction, np.int32)
        self.law_of_junction.flags.writeable = False
        own = [np.flatnonzero(self.law_of_junction == law) for law in range(n_laws)]
        self.counts = tuple(map(len, own))
        self.numbers = own
        # Junctions in a row are cut out, others gathered.
        self.own = [slice(x[0], x[-1] + 1) if _is_row(x) else x for x in own]
        order = np.concatenate(own)
        self.back = None if _is_row(order) else np.argsort(order)
        self._digest = hashlib.blake2b(self.law_of_junction.tobytes(), digest_size=16).digest(), n_laws

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Assignment) and self._digest == other._digest

    def __repr__(self) -> str:
        return f"{' + '.join(map(str, self.counts))} junctions"

    def of_law(self, law: int, x: Array) -> Array:
        """The entries of a law's junctions in an array whose last axis runs over all of them."""
        own = self.own[law]
        if isinstance(own, slice):
            return x[..., own]
        return x.at[..., own].get(mode="promise_in_bounds", unique_indices=True, indices_are_sorted=True)

    def joined(self, parts: Sequence[Any], xp: Any = jnp) -> Any:
        """One array of all junctions from those of the laws, law after law."""
        x = parts[0] if len(parts) == 1 else xp.concatenate(parts, axis=-1)
        if self.back is None:
            return x
        if xp is np:
            return x[..., self.back]
        return x.at[..., self.back].get(mode="promise_in_bounds", unique_indices=True)


def _is_row(indices: np.ndarray) -> bool:
    return len(indices) > 0 and np.array_equal(indices, np.arange(indices[0], indices[0] + len(indices)))


class MixedJunction(AbstractRateJunction):
    r"""Several laws in one network: each junction has that of its number in `law_of_junction`.

    A law sees its own junctions alone, in the order of the network: a parameter of it is one number, or
    one for each of *its* junctions. Nothing is computed twice and nothing branches: what belongs to a law
    is gathered and put back by fixed permutations.

    The state is `(junctions,)` if all laws have one variable, else `(variables, junctions)` with the most
    that a law has; what a junction has too many stays 0 (it has no critical state and no bounds). A law
    with several axes of variables has them as one. Laws that draw random numbers draw different ones. There
    is a `rate` if all laws have one.

    Raises a `ValueError` for numbers that name no law, and in a network of another number of junctions.

    ```python
    law_of_junction = np.arange(network.n_junctions) % 2
    mixed = jaxnn.MixedJunction([law, jaxnn.Resistor(1e-5)], law_of_junction)
    run = jaxnn.simulate(network, mixed, drive, record="junction_conductance", **setup)
    run.junction_conductance[-1, 1]  # 1e-5 [S]
    ```
    """

    laws: tuple[AbstractJunction, ...]
    """The laws."""
    assignment: Assignment = eqx.field(static=True)
    """Which junctions each law has, made of `law_of_junction`."""

    def __init__(self, laws: Declared[Sequence[AbstractJunction]], law_of_junction: Numbers):
        if not isinstance(laws, list | tuple) or not laws:
            raise ValueError(f"laws must be a sequence of junction laws, got {type(laws).__name__}.")
        for i, law in enumerate(laws):
            arguments.one_of(AbstractJunction, advice="Laws are jaxnn.TunnelJunction() and the like.")(
                f"laws[{i}]", law
            )
        arguments.check_known("law_of_junction", law_of_junction)
        arguments.whole_numbers(ndim=1, low=0)("law_of_junction", law_of_junction)
        indices = np.asarray(law_of_junction)
        if not indices.size or indices.max() >= len(laws):
            raise ValueError(
                f"law_of_junction must be numbers from 0 to {len(laws) - 1}, one per junction, each of "
                f"one of the {len(laws)} laws; got {f'up to {indices.max()}' if indices.size else 'none'}."
            )
        self.laws = tuple(laws)
        self.assignment = Assignment(indices, len(laws))

    @property
    def law_of_junction(self) -> Int[np.ndarray, " junctions"]:
        """The number of each junction's law."""
        return self.assignment.law_of_junction

    @property
    def parts(self) -> tuple[tuple[AbstractJunction, int], ...]:
        """The laws that have junctions, and how many each has."""
        counts = self.assignment.counts
        return tuple((law, n) for law, n in zip(self.laws, counts, strict=True) if n)

    def init_state(self, n_junctions: int) -> Float[Array, "*variables junctions"]:
        if n_junctions != len(self.law_of_junction):
            raise ValueError(
                f"law_of_junction has {len(self.law_of_junction)} numbers and the network {n_junctions} "
                "junctions: give one for each, passive ones included."
            )
        return self._joined([law.init_state(n) for law, n in self.parts])

    # Whatever more a law may say of its junctions is one line here, as these are.

    def conductance(
        self,
        state: Float[Array, "*variables junctions"],
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        return self.assignment.joined(self._of_each("conductance", state, key=key, time=time))

    def is_linear(self) -> bool:
        return all(law.is_linear() for law, _ in self.parts)

    def current(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, " junctions"]:
        return self.assignment.joined(self._of_each("current", state, voltage, key=key, time=time))

    def update(
        self,
        state: Float[Array, "*variables junctions"],
        voltage: Float[Array, " junctions"],
        dt: ArrayLike,
        *,
        key: Key | None = None,
        time: Float[Array, ""] | None = None,
    ) -> Float[Array, "*variables junctions"]:
        return self._joined(self._of_each("update", state, voltage, rest=(dt,), key=key, time=time))

    def rate(
        self, state: Float[Array, "*variables junctions"], voltage: Float[Array, " junctions"]
    ) -> Float[Array, "*variables junctions"]:
        if lacking := [type(x).__name__ for x, _ in self.parts if not isinstance(x, AbstractRateJunction)]:
            raise ValueError(
                f"MixedJunction has a rate if all of its laws have one, and {lacking[0]} has steps only: "
                "use jaxnn.simulate."
            )
        return self._joined(self._of_each("rate", state, voltage))

    def critical_state(self) -> Float[ArrayLike, "..."]:
        return self._broadcast([law.critical_state() for law, _ in self.parts], np.inf)

    def state_bounds(self) -> tuple[Float[ArrayLike, "..."], Float[ArrayLike, "..."]]:
        low, high = zip(*(law.state_bounds() for law, _ in self.parts), strict=True)
        bound = lambda values, none: none if _all_are(none, values) else self._broadcast(values, none)
        return bound(low, -np.inf), bound(high, np.inf)

    def keeps_rounding(self) -> bool:
        return all(law.keeps_rounding() for law, _ in self.parts)

    @property
    def _members(self) -> list[int]:
        """The numbers of the laws that have junctions."""
        return [i for i, n in enumerate(self.assignment.counts) if n]

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        """The shape of the state of each law."""
        shape = lambda law, n: jax.eval_shape(lambda: law.init_state(n)).shape
        return [shape(law, n) for law, n in self.parts]

    def _of_each(
        self,
        method: str,
        state: Array,
        *per_junction: Array,
        rest: tuple[Any, ...] = (),
        key: Key | None = None,
        time: Array | None = None,
    ) -> list[Array]:
        """What a method of each law gives for its own junctions."""
        keys = [None] * len(self.laws) if key is None else keys_of_laws(key, self.assignment.numbers)
        found = []
        for law, shape in zip(self._members, self._shapes, strict=True):
            rows = state if state.ndim == 1 else state[: _n_variables(shape)]
            own = self.assignment.of_law(law, rows).reshape(shape)
            others = [self.assignment.of_law(law, x) for x in per_junction]
            found.append(call_law(self.laws[law], method, own, *others, *rest, key=keys[law], time=time))
        return found

    def _joined(self, states: Sequence[Any], padding: float | int = 0, xp: Any = jnp) -> Any:
        """The states of the laws as one array, with rows of `padding` where a law has fewer variables."""
        rows = [xp.reshape(x, (-1, x.shape[-1])) for x in states]
        most = max(len(x) for x in rows)
        if most == 1:
            return self.assignment.joined([x[0] for x in rows], xp)
        padded = [
            xp.pad(x, ((0, most - len(x)), (0, 0)), constant_values=padding) if len(x) < most else x
            for x in rows
        ]
        return self.assignment.joined(padded, xp)

    def _broadcast(self, values: Sequence[Any], padding: float) -> Any:
        """Numbers of each law that broadcast against its state, as one array like the state."""
        xp: Any = array_module(*values)
        dtype = common_dtype(values) if xp is jnp else float
        spread = lambda x, shape: xp.broadcast_to(in_front(xp.asarray(x, dtype), len(shape)), shape)
        return self._joined(list(map(spread, values, self._shapes)), padding, xp)


def _n_variables(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape[:-1], dtype=int))


def _all_are(number: float, values: Sequence[Any]) -> bool:
    return all(isinstance(x, float) and x == number for x in values)


def loses_rounding(law: Declared[AbstractJunction], n_junctions: int) -> np.ndarray:
    """The junctions whose law neither keeps what a short step rounds off nor shakes its state."""
    if isinstance(law, MixedJunction):
        return law.assignment.joined([loses_rounding(part, n) for part, n in law.parts], np)
    return np.full(n_junctions, not (law.keeps_rounding() or draws_random_numbers(law, "update")))
