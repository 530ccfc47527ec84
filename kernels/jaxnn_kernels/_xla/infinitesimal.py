"""Zero that has derivatives."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Float

from .. import _arguments as arguments
from .._types import Tangent


_primitive = Primitive("infinitesimal")


@arguments.checked(x=arguments.array())
def infinitesimal(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns zeros with the derivatives of an array, $x - x_0$ at $x_0 = x$.

    As `x - jax.lax.stop_gradient(x)`, which XLA would compute, because infinity less itself is no zero:
    with what it is multiplied by and added to, a large array is read and written for nothing.

    ```python
    g = lambda x: 3.0 + x * jaxnn.kernels.infinitesimal(x)
    g(jnp.array(2.0)), jax.grad(g)(jnp.array(2.0))  # (3.0, 2.0)
    ```
    """
    return _primitive.bind(jnp.asarray(x))


def _jvp(primals: Sequence[Array], tangents: Sequence[Tangent]) -> tuple[Array, Tangent]:
    return _primitive.bind(*primals), tangents[0]


_primitive.def_impl(jnp.zeros_like)
_primitive.def_abstract_eval(lambda x: x)
ad.primitive_jvps[_primitive] = _jvp
batching.primitive_batchers[_primitive] = lambda args, dims: (_primitive.bind(*args), dims[0])
mlir.register_lowering(_primitive, mlir.lower_fun(jnp.zeros_like, multiple_results=False))
