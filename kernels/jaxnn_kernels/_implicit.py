"""What a search has found, with derivatives that a rule of one's own says."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, PyTree

from . import _arguments as arguments
from ._types import Tangent


# As the rule that a user gives, of lists.
_Rule = Callable[[list[Array], list[Array], list[Array | None]], list[Array]]

_ARRAY = arguments.array()

_primitive = Primitive("implicit")
_primitive.multiple_results = True


@arguments.checked(rule=arguments.function)
def implicit(
    rule: Callable[[PyTree, PyTree, PyTree], PyTree], given: PyTree[Array], solution: PyTree[Array]
) -> PyTree[Array]:
    r"""Returns a solution x of $F(x, p) = 0$, wherever it comes from, with the derivatives that it has.

    $$\frac{\partial F}{\partial x} \dot x = - \frac{\partial F}{\partial p} \dot p$$

    - `rule`: of p, x and $\dot p$ the tangent $\dot x$, linear in $\dot p$, of which an array is None where
      nothing moves; all that it needs it must be given. It may be differentiated itself, so that all orders
      are right.
    - `given`: all that the solution hangs on, p, a pytree of arrays.
    - `solution`: x; where it comes from is not differentiated.

    Raises a `ValueError` for what is no array.

    As `jax.custom_jvp` for what is found already, whose rule JAX drops where it differentiates twice within
    a `scan`.

    ```python
    rule = lambda p, x, tangent: tangent / (2 * x)  # x^2 = p
    root = lambda p: jaxnn.kernels.implicit(rule, p, jnp.sqrt(jax.lax.stop_gradient(p)))
    jax.grad(root)(4.0), jax.grad(jax.grad(root))(4.0)  # (0.25, -0.03125)
    ```
    """
    leaves, tree = jtu.tree_flatten(given)
    found, of_solution = jtu.tree_flatten(solution)
    for name, arrays in {"given": leaves, "solution": found}.items():
        for x in arrays:
            if not isinstance(x, jax.Array):
                _ARRAY(name, x)

    def of_leaves(leaves: list[Array], found: list[Array], tangents: list[Array | None]) -> list[Array]:
        given, solution = jtu.tree_unflatten(tree, leaves), jtu.tree_unflatten(of_solution, found)
        return jtu.tree_leaves(rule(given, solution, jtu.tree_unflatten(tree, tangents)))

    leaves, found = map(jnp.asarray, leaves), [jax.lax.stop_gradient(jnp.asarray(x)) for x in found]
    return jtu.tree_unflatten(of_solution, _primitive.bind(*found, *leaves, n=len(found), rule=of_leaves))


def _jvp(
    primals: Sequence[Array], tangents: Sequence[Tangent], *, n: int, rule: _Rule
) -> tuple[list[Array], list[Array]]:
    found = _primitive.bind(*primals, n=n, rule=rule)
    moving = [None if isinstance(x, ad.Zero) or x.dtype == jax.dtypes.float0 else x for x in tangents[n:]]
    return found, rule(list(primals[n:]), found, moving)


def _batch(
    args: Sequence[Array], dims: Sequence[int | None], *, n: int, rule: _Rule
) -> tuple[list[Array], list[int]]:
    size = next(x.shape[d] for x, d in zip(args, dims, strict=True) if d is not None)
    first = lambda x, d: jnp.broadcast_to(x, (size, *x.shape)) if d is None else jnp.moveaxis(x, d, 0)
    found = [first(x, d) for x, d in zip(args[:n], dims[:n], strict=True)]

    def of_each(leaves: list[Array], found: list[Array], tangents: list[Array | None]) -> list[Array]:
        moving = [k for k, x in enumerate(tangents) if x is not None]

        def one(leaves: list[Array], found: list[Array], moved: list[Array]) -> list[Array]:
            each: list[Array | None] = [None] * len(leaves)
            for k, x in zip(moving, moved, strict=True):
                each[k] = x
            return rule(leaves, found, each)

        axes = list(dims[n:])
        run = jax.vmap(one, (axes, 0, [axes[k] for k in moving]), axis_size=size)
        return run(leaves, found, [x for x in tangents if x is not None])

    return _primitive.bind(*found, *args[n:], n=n, rule=of_each), [0] * n


_primitive.def_impl(lambda *args, n, rule: list(args[:n]))
_primitive.def_abstract_eval(lambda *args, n, rule: list(args[:n]))
ad.primitive_jvps[_primitive] = _jvp
batching.primitive_batchers[_primitive] = _batch
mlir.register_lowering(_primitive, lambda context, *args, n, rule: list(args[:n]))
