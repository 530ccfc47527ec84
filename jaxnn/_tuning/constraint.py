"""Where a tuned parameter may go, and in which coordinate an optimiser moves it."""

import abc
import dataclasses as dc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from .._core import (
    Module,
    Number,
    arguments,
    as_inexact,
    check_at_least,
    check_finite,
    check_shape,
    common_dtype,
    concrete,
    follow,
)


class AbstractConstraint(Module):
    """The free coordinate that an optimiser sees in place of a parameter.

    Its learning rate is in the unit of this coordinate. A constraint of your own subclasses this
    and implements the four methods, element by element.

    ```python
    constraint = jaxnn.Positive()
    free = constraint.to_free(jnp.asarray(1e-6))
    constraint.from_free(free + 0.01)  # 1.01e-6
    ```
    """

    @abc.abstractmethod
    def to_free(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the free coordinate of a parameter; not finite where the parameter is not allowed."""

    @abc.abstractmethod
    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the parameter at a free coordinate."""

    @abc.abstractmethod
    def project(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the allowed coordinate that is nearest to `free`, applied after every step."""

    @abc.abstractmethod
    def draw(self, key: PRNGKeyArray, value: Float[Array, "..."]) -> Float[Array, "..."]:
        """Draws a random parameter to start from, of the shape and dtype of `value`."""


class Box(AbstractConstraint):
    r"""A bound $l \le x \le h$ by projection: the free coordinate is $(x - l) / (h - l)$, clipped to 0..1.

    The parameter can reach the bounds and leave them again. Starts are drawn evenly between them.

    Raises a `ValueError` unless low < high, both finite.

    ```python
    box = jaxnn.Box(0.0, 0.5)
    jaxnn.to_free(0.1, box)  # 0.2
    jaxnn.from_free(jnp.asarray(1.2), 0.1, box)  # 0.5
    ```
    """

    low: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Least value l, in the parameter's unit."""
    high: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Largest value h, in the parameter's unit; above `low`."""

    def __check_init__(self):
        _check_order(self)

    def to_free(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = _like(value, self.low, self.high)
        inside = (value >= low) & (value <= high)
        return jnp.where(inside, (value - low) / (high - low), jnp.nan)

    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = _like(free, self.low, self.high)
        value = low + free * (high - low)
        # Rounding must not lead outside; a clip by itself would halve the gradient at the bounds.
        return value + jax.lax.stop_gradient(jnp.clip(value, low, high) - value)

    def project(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.clip(free, 0, 1)

    def draw(self, key: PRNGKeyArray, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.from_free(jr.uniform(key, value.shape, value.dtype))


class Bounded(AbstractConstraint):
    r"""A bound $l < x < h$ by reparameterisation: $x = l + (h - l) / (1 + e^{-y})$ with $y$ free.

    Smooth, but slow near the bounds, which are never reached. Starts are drawn evenly from the
    middle 98 %.

    Raises a `ValueError` unless low < high, both finite.

    ```python
    bounded = jaxnn.Bounded(0.0, 0.5)
    jaxnn.to_free(0.25, bounded)  # 0.0
    jaxnn.from_free(jnp.asarray(3.0), 0.25, bounded)  # 0.476
    ```
    """

    low: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Value l that is never reached, in the parameter's unit."""
    high: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Value h that is never reached, in the parameter's unit; above `low`."""

    def __check_init__(self):
        _check_order(self)

    def to_free(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = _like(value, self.low, self.high)
        return jnp.log((value - low) / (high - value))

    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = _like(free, self.low, self.high)
        return low + (high - low) * jax.nn.sigmoid(free)

    def project(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return free

    def draw(self, key: PRNGKeyArray, value: Float[Array, "..."]) -> Float[Array, "..."]:
        low, high = _like(value, self.low, self.high)
        return low + (high - low) * jr.uniform(key, value.shape, value.dtype, 0.01, 0.99)


class Positive(AbstractConstraint):
    r"""A bound $x = e^y > 0$ with $y$ free: for what spans decades, such as conductances.

    A step of 0.01 in $y$ changes the parameter by 1 %. Starts are drawn within a factor of ten
    either way, evenly in the logarithm.

    ```python
    free = jaxnn.to_free(1e-6, jaxnn.Positive())
    jaxnn.from_free(free + 1.0, 1e-6, jaxnn.Positive())  # 2.72e-6
    ```
    """

    def to_free(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.log(value)

    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.exp(free)

    def project(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return free

    def draw(self, key: PRNGKeyArray, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return value * 10 ** jr.uniform(key, value.shape, value.dtype, -1, 1)


class Scaled(AbstractConstraint):
    r"""A coordinate $x = s\,y$ with $y$ free: no bound, only the unit in which steps are taken.

    Starts are drawn from a normal distribution of standard deviation `scale` around the given one.

    Raises a `ValueError` unless scale > 0.

    ```python
    free = jaxnn.to_free(3e-6, jaxnn.Scaled(1e-6))
    free  # 3.0
    ```
    """

    scale: Float[Number, "..."] = eqx.field(converter=as_inexact)
    """Unit s in which steps are taken, in the parameter's unit; positive."""

    def __check_init__(self):
        check_at_least("scale of Scaled", self.scale, 0, strict=True)

    def to_free(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return value / _like(value, self.scale)[0]

    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return free * _like(free, self.scale)[0]

    def project(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        return free

    def draw(self, key: PRNGKeyArray, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return value + self.from_free(jr.normal(key, value.shape, value.dtype))


class Fixed(Module):
    """A mark in the place of a constraint: these parameters are not tuned.

    ```python
    constraints = (jaxnn.Positive(), jaxnn.Fixed())
    jaxnn.to_free((1.0, 2.0), constraints)  # (0.0, None)
    ```
    """


Rule = AbstractConstraint | Fixed | None
_RULE = arguments.either(
    type(None),
    arguments.one_of(AbstractConstraint, Fixed, named="a constraint such as jaxnn.Box, or jaxnn.Fixed()"),
)


def leaf_rules(parameters: PyTree, constraints: PyTree) -> list[Rule]:
    """The constraint of each leaf of `parameters`.

    `constraints` is a prefix of `parameters`, or `parameters` with constraints put in the place of
    some of its leaves.

    **Raises:** `ValueError` where it is neither.
    """
    is_rule = lambda x: x is None or isinstance(x, Rule)
    rules: list[Rule] = []

    def place(rule: PyTree, part: PyTree) -> None:
        # What `eqx.tree_at` left in its place; an array may be that of one start among many.
        shape = np.shape(part) if is_tunable(part) else None
        is_array = eqx.is_array(rule) and is_tunable(rule)
        left = rule is part or (is_array and shape is not None and rule.shape in (shape, shape[1:]))
        if not is_rule(rule) and not left:
            raise ValueError(
                "constraints must hold a constraint such as jaxnn.Box, jaxnn.Fixed() or None for each "
                f"part of parameters, got {rule!r}."
            )
        rules.extend([rule if is_rule(rule) else None] * len(jax.tree.leaves(part)))

    try:
        jax.tree.map(place, constraints, parameters, is_leaf=is_rule)
    except ValueError as error:
        if str(error).startswith("constraints must"):
            raise
        raise ValueError(
            "constraints must have the structure of parameters or begin like it, with None where "
            "there is none; for a few fields of a module use eqx.tree_at(lambda p: p.field, "
            f"parameters, constraint). The structures differ: {error}"
        ) from error
    return rules


def to_free(parameters: PyTree, constraints: PyTree) -> PyTree:
    """Returns the free coordinates of parameters, for an optimiser of your own, as `from_free` takes them.

    - `parameters`: floats, arrays, drives, junctions, or any pytree of these.
    - `constraints`: as for `jaxnn.optimise`: one for all, such as `Positive()`, or a structure that
      `parameters` begins with; `jaxnn.only` makes one of some fields of a module.

    Returns the structure of `parameters` with an array for each number that is tuned, and None for
    what is not: what is `Fixed()`, and what is no real number.

    **Raises:** `ValueError` for a parameter that its constraint does not allow, and constraints that
    do not fit.

    ```python
    parameters = {"amplitude": 0.1, "frequency": 2.0}
    constraints = {"amplitude": jaxnn.Box(0.0, 0.5), "frequency": jaxnn.Fixed()}
    free = jaxnn.to_free(parameters, constraints)
    free["amplitude"]  # 0.2
    free["frequency"]  # None
    ```
    """
    rules = leaf_rules(parameters, constraints)
    leaves, structure = jax.tree_util.tree_flatten_with_path(parameters)
    free = []
    for (path, leaf), rule in zip(leaves, rules, strict=True):
        if not is_tunable(leaf) or isinstance(rule, Fixed):
            free.append(None)
            continue
        value = follow(as_inexact(leaf), parameters)
        free.append(value if rule is None else rule.to_free(value).astype(value.dtype))
        known = concrete(free[-1])
        if known is not None and not np.isfinite(known).all():
            raise ValueError(
                f"parameters{jax.tree_util.keystr(path)} is {np.asarray(value)[~np.isfinite(known)][0]:g}, "
                f"which {rule!r} does not allow: start inside it."
            )
    return structure.unflatten(free)


def from_free(free: PyTree, parameters: PyTree, constraints: PyTree) -> PyTree:
    """Returns the parameters at free coordinates, with those of `parameters` where nothing is tuned.

    The same `parameters` and `constraints` as for `to_free`. A coordinate outside what a constraint
    allows, which only `Box` knows, is taken as the nearest that is allowed.

    **Raises:** `ValueError` for constraints that do not fit, and a coordinate of what is `Fixed()`.

    ```python
    box = jaxnn.Box(0.0, 0.5)
    free = jaxnn.to_free((0.1, 0.2), box)
    jaxnn.from_free(free, (0.1, 0.2), box)  # (0.1, 0.2)
    ```
    """
    rules = leaf_rules(parameters, constraints)
    leaves, structure = jax.tree_util.tree_flatten_with_path(parameters)
    try:
        moved = structure.flatten_up_to(free)
    except ValueError as error:
        raise ValueError(f"free must have the structure of parameters, as of to_free: {error}") from error

    def value(leaf: tuple[Any, Any], coordinate: Any, rule: Rule) -> Any:
        if coordinate is None:
            return leaf[1]
        name = f"free{jax.tree_util.keystr(leaf[0])}"
        if isinstance(rule, Fixed):
            # Taken as it is, the parameters in the place of their coordinates would pass unseen.
            advice = "Give what to_free returned, and not the parameters themselves."
            arguments.refuse(name, "None, as this is Fixed()", coordinate, advice)
        numbers = arguments.as_numbers(name, coordinate)
        coordinate = numbers if eqx.is_inexact_array(numbers) else jnp.asarray(numbers, float)
        if not isinstance(rule, AbstractConstraint):
            return coordinate
        return rule.from_free(rule.project(coordinate)).astype(coordinate.dtype)

    return structure.unflatten([value(*x) for x in zip(leaves, moved, rules, strict=True)])


def only(module: PyTree, **constraints: AbstractConstraint) -> PyTree:
    """Makes constraints for some fields of a module by name; all others are `Fixed()`.

    **Raises:** `ValueError` for a field that the module does not have.

    ```python
    constraints = jaxnn.only(drive, amplitude=jaxnn.Box(0.0, 1.0))
    free = jaxnn.to_free(drive, constraints)
    free.amplitude  # 0.3
    free.frequency  # None
    ```
    """
    if isinstance(module, type) or not dc.is_dataclass(module):
        arguments.refuse("module", "a module, such as a drive", module)
    fields = [f.name for f in dc.fields(module) if not f.metadata.get("static")]
    unknown = [name for name in constraints if name not in fields]
    if unknown:
        raise ValueError(f"{type(module).__name__} has no number {unknown[0]!r}; it has {fields}.")
    fixed = jax.tree.map(lambda _: Fixed(), module)
    for name, rule in constraints.items():
        _RULE(name, rule)
        part = jax.tree.map(lambda _, rule=rule: rule, getattr(module, name))
        fixed = eqx.tree_at(lambda m, name=name: getattr(m, name), fixed, part)
    return fixed


@arguments.checked(key=arguments.key, restarts=arguments.count())
def spread(parameters: PyTree, key: PRNGKeyArray, restarts: int, *, constraints: PyTree = None) -> PyTree:
    """Draws starts for `jaxnn.optimise(..., restarts=restarts)` at random from the constraints.

    The first start is `parameters` itself. What is fixed or has no constraint is repeated: use
    `Box` or `Scaled` to say how far such a number may be moved.

    **Raises:** `ValueError` if `constraints` does not fit, or for fewer than one restart.

    ```python
    starts = jaxnn.spread(0.1, jr.key(0), 4, constraints=jaxnn.Box(0.0, 0.5))
    starts.shape  # (4,)
    starts[0]  # 0.1
    ```
    """
    if restarts < 1:
        raise ValueError(f"restarts must be at least 1, got {restarts}.")
    leaves, structure = jax.tree.flatten(parameters)
    size = sum(np.size(leaf) for leaf in leaves if is_tunable(leaf))
    # Drawn, with keys, and set.
    check_shape(f"{restarts:,} starts of {size:,} numbers", (4, restarts, size), "draw fewer")
    starts = []
    for i, (leaf, rule) in enumerate(zip(leaves, leaf_rules(parameters, constraints), strict=True)):
        if not is_tunable(leaf):
            starts.append(leaf)
            continue
        value = follow(as_inexact(leaf), parameters)
        first = jnp.broadcast_to(value, (restarts, *value.shape))
        if isinstance(rule, AbstractConstraint):
            keys = jr.split(jr.fold_in(key, i), restarts)
            drawn = jax.vmap(lambda k, rule=rule, value=value: rule.draw(k, value))(keys)
            first = drawn.astype(value.dtype).at[0].set(value)
        starts.append(first)
    return structure.unflatten(starts)


def is_tunable(leaf: object) -> bool:
    """Whether a leaf is a real number or an array of them, as opposed to an integer, text, ..."""
    if isinstance(leaf, float):
        return True
    return isinstance(leaf, jax.Array | np.ndarray | np.generic) and jnp.issubdtype(
        leaf.dtype, jnp.floating
    )


def _like(value: Array, *numbers: Number) -> list[Array]:
    """Numbers of a constraint in the dtype and shape of what they are combined with."""
    dtype = common_dtype(value)
    return [jnp.broadcast_to(jnp.asarray(x, dtype), jnp.shape(value)) for x in numbers]


def _check_order(bounds: Box | Bounded) -> None:
    name = type(bounds).__name__
    check_finite(f"low of {name}", bounds.low)
    check_finite(f"high of {name}", bounds.high)
    low, high = follow((bounds.low, bounds.high))
    check_at_least(f"high - low of {name}", high - low, 0, strict=True)
