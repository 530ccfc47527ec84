"""How the minimum is searched: Levenberg-Marquardt or gradients, from many starts at once."""

import abc
import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._core import Declared, Module, arguments, compiled
from ._problem import Problem


if TYPE_CHECKING:
    from optax import GradientTransformation
else:
    GradientTransformation = Any

# A step that is refused so often is not to be had: rounding hides what it would gain.
_REFUSED = 16
# What a relative change must be below, by bits of the dtype.
_TOLERANCE = {32: 1e-5, 64: 1e-9}


class Found(NamedTuple):
    """Where searches ended."""

    point: Float[Array, "*starts numbers"]
    cost: Float[Array, "*starts"]
    steps: Int[Array, "*starts"]


class AbstractMethod(Module):
    """A way to search for the minimum of a fit.

    `jaxnn.fit.LevenbergMarquardt` or `jaxnn.fit.Gradient`.

    ```python
    isinstance(jaxnn.fit.LevenbergMarquardt(), jaxnn.fit.AbstractMethod)  # True
    ```
    """

    steps: eqx.AbstractVar[int]
    """The most steps of each start."""
    draws: eqx.AbstractVar[int]
    """How many random points compete to be one start."""

    @abc.abstractmethod
    def search(
        self, residual: Callable[[Array], Array], start: Float[Array, " numbers"]
    ) -> tuple[Float[Array, " numbers"], Float[Array, ""], Int[Array, ""]]:
        """Returns where a search for the least sum of squares ends, half that sum, and the steps to it."""


class LevenbergMarquardt(AbstractMethod):
    r"""The method of Levenberg and Marquardt, of the package optimistix, with derivatives forwards.

    $$(J^T J + \mu I)\, \delta = -J^T r$$

    in the free coordinates of the constraints, with $\mu$ from how well the last step was foreseen. A step
    costs one simulation and one tangent for each number that is fitted.

    Raises a `ValueError` unless steps and draws are at least 1.

    ```python
    method = jaxnn.fit.LevenbergMarquardt(steps=30)
    method.draws  # 8
    ```
    """

    steps: int = eqx.field(static=True, default=100)
    """The most steps of each start."""
    draws: int = eqx.field(static=True, default=8)
    """How many random points compete to be one start: those with the least cost are."""

    def __check_init__(self):
        _check(self)

    def search(
        self, residual: Callable[[Array], Array], start: Float[Array, " numbers"]
    ) -> tuple[Float[Array, " numbers"], Float[Array, ""], Int[Array, ""]]:
        optimistix = needed()
        tolerance = _tolerance(start)
        solver = optimistix.LevenbergMarquardt(rtol=tolerance, atol=tolerance)
        known = _with_matrix(residual)
        aux_and = lambda y, _: (known(y), None)
        shape = jax.eval_shape(residual, start)
        with lenient():
            begin = solver.init(aux_and, start, None, {}, shape, None, frozenset())
            steady, static = eqx.partition(begin, eqx.is_array)

            def body(carry: tuple[Array, Any]) -> tuple[Array, Any]:
                y, state = carry
                y, state, _ = solver.step(aux_and, y, None, {}, eqx.combine(state, static), frozenset())
                return y, eqx.filter(state, eqx.is_array)

            def more(carry: tuple[Array, Any]) -> Array:
                _, state = carry
                refused = state.num_steps_since_acceptance >= _REFUSED
                return ~state.terminate & ~refused & (state.num_steps < self.steps)

            y, state = jax.lax.while_loop(more, body, (start, steady))
        return y, jnp.sum(state.f_info.residual**2) / 2, state.num_steps


class Gradient(AbstractMethod):
    """A search along gradients, backwards through the model: for many numbers.

    A step costs one simulation and its gradient however many numbers there are, but there are more steps
    than of `jaxnn.fit.LevenbergMarquardt`.

    Raises a `ValueError` unless steps and draws are at least 1, or for an optimiser that is not of Optax.

    ```python
    import optax

    method = jaxnn.fit.Gradient(optax.adam(0.03), steps=500)
    method.steps  # 500
    ```
    """

    optimiser: Declared[GradientTransformation | None] = None
    """Of Optax; the method of Broyden, Fletcher, Goldfarb and Shanno (BFGS) by default."""
    steps: int = eqx.field(static=True, default=300)
    """The most steps of each start."""
    draws: int = eqx.field(static=True, default=8)
    """How many random points compete to be one start: those with the least cost are."""

    def __check_init__(self):
        _check(self)
        known = [callable(getattr(self.optimiser, name, None)) for name in ("init", "update")]
        if self.optimiser is not None and not all(known):
            raise ValueError(
                f"optimiser must be one of Optax, such as optax.adam(0.01), got {self.optimiser!r}."
            )

    def search(
        self, residual: Callable[[Array], Array], start: Float[Array, " numbers"]
    ) -> tuple[Float[Array, " numbers"], Float[Array, ""], Int[Array, ""]]:
        optimistix = needed()
        tolerance = _tolerance(start)
        if self.optimiser is None:
            solver = optimistix.BFGS(rtol=tolerance, atol=tolerance**2)
        else:
            solver = optimistix.OptaxMinimiser(self.optimiser, rtol=tolerance, atol=tolerance**2)
        solver = optimistix.BestSoFarMinimiser(solver)
        half = _with_gradient(lambda y: jnp.sum(residual(y) ** 2) / 2)
        twice = lambda y, _: (half(y),) * 2
        with lenient():
            found = optimistix.minimise(
                twice, solver, start, max_steps=self.steps, throw=False, has_aux=True
            )
        return found.value, found.aux, found.stats["num_steps"]


def _with_matrix(residual: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The same function, whose linear map is its Jacobian as a matrix.

    A solver carries the map from step to step. As it comes from a simulation it carries all of that,
    among it the plan of the network, which cannot be mapped over starts.
    """
    matrix = jax.custom_jvp(residual)

    @matrix.defjvp
    def _(points: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        push = lambda tangent: jax.jvp(residual, points, (tangent,))
        one = jnp.eye(points[0].size, dtype=points[0].dtype)
        value, jacobian = jax.vmap(push, out_axes=(None, 1))(one)
        return value, jacobian @ tangents[0]

    return matrix


def _with_gradient(value: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The same function, whose linear map is its gradient, as in `_with_matrix`."""
    vector = jax.custom_jvp(value)

    @vector.defjvp
    def _(points: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        found, gradient = jax.value_and_grad(value)(*points)
        return found, gradient @ tangents[0]

    return vector


@compiled
def search(
    problem: Problem,
    method: AbstractMethod,
    starts: Float[Array, "starts numbers"],
    cost: Float[Array, " starts"],
) -> Found:
    """Searches from several points at once."""
    return jax.vmap(lambda x, cost: search_one(problem, method, x, cost))(starts, cost)


def search_one(
    problem: Problem, method: AbstractMethod, x: Float[Array, " numbers"], cost: Float[Array, ""]
) -> Found:
    """Searches from one point, whose cost is known roughly, as part of a compiled function."""
    given = _Promotion.now()
    # Steps and tolerances are then of the order of one.
    scale = jnp.sqrt(jnp.where(jnp.isfinite(cost) & (cost > 0), 2 * cost, 1))

    def residual(y: Array) -> Array:
        with given.restored():
            return problem.residual(problem.point(y)) / scale

    y, half, steps = method.search(residual, problem.coordinates.search(x))
    cost = scale**2 * half
    return Found(problem.point(y), jnp.where(jnp.isfinite(cost), cost, jnp.inf), steps)


def needed() -> Any:
    """The package optimistix; an `ImportError` that says how to get it."""
    try:
        import optimistix
    except ImportError as error:
        raise ImportError(
            'Fitting needs optimistix, an optional dependency of jaxnn (its extra "fit"): '
            'pip install "optimistix>=0.1".'
        ) from error
    return optimistix


class _Promotion(NamedTuple):
    """What a user allows of implicit conversions, which packages need more of."""

    dtype: Any
    rank: Any

    @classmethod
    def now(cls) -> "_Promotion":
        return cls(*(getattr(jax.config, f"jax_numpy_{x}_promotion") for x in ("dtype", "rank")))

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        with jax.numpy_dtype_promotion(self.dtype), jax.numpy_rank_promotion(self.rank):
            yield


def lenient() -> contextlib.AbstractContextManager[None]:
    """Around what counts on implicit promotion."""
    return _Promotion("standard", "allow").restored()


def _tolerance(start: Array) -> float:
    return _TOLERANCE[jnp.finfo(start.dtype).bits]


def _check(method: AbstractMethod) -> None:
    for name in ("steps", "draws"):
        arguments.as_count(f"{name} of {type(method).__name__}", getattr(method, name))
