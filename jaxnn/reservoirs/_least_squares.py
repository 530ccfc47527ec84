"""A read-out that learns sample by sample, and forgets."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import (
    Module,
    Number,
    Numbers,
    announced,
    arguments,
    as_array,
    as_inexact,
    cast_inexact,
    check_at_least,
    compiled,
    follow,
    holds,
)


class LeastSquaresMemory(Module):
    """The knowledge of a `RecursiveLeastSquares` so far.

    ```python
    memory = jaxnn.reservoirs.RecursiveLeastSquares(penalty=0.5).start(3, 2)
    memory.weights.shape  # (3, 2)
    memory.inverse[0, 0]  # 2.0
    ```
    """

    weights: Float[Array, "features targets"]
    """Weights of the features, a column per target."""
    inverse: Float[Array, "features features"]
    """Inverse P of the weighted products of the features, with the penalty."""


class RecursiveLeastSquares(Module):
    r"""A linear read-out that is brought up to date with each sample, in a time that does not grow.

    After sample $n$ the weights are those that minimise

    $$\sum_{k=1}^{n} \lambda^{n-k} |y_k - W^T x_k|^2 + \lambda^n \nu |W|^2$$

    With `forgetting` $\lambda = 1$ this is ridge regression with the penalty $\nu$, to rounding; below 1,
    what lies $1 / (1 - \lambda)$ samples back counts for $1/e$, and a target that drifts is followed. There
    is no intercept: append a feature of ones. Without an excitation the forgotten directions of P grow as
    $\lambda^{-n}$, and float32 holds for less long than float64 does.

    Source: Haykin, Adaptive Filter Theory, 4th ed. (2002), chapter 9.

    ```python
    features = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    learner = jaxnn.reservoirs.RecursiveLeastSquares(penalty=1e-9)
    memory, predictions = learner.follow(features, np.array([[1.0], [3.0], [5.0]]))
    memory.weights[:, 0]  # [1.0, 2.0]
    ```
    """

    forgetting: Float[Number, ""] = eqx.field(converter=as_inexact, default=1.0)
    """Forgetting factor, above 0 and at most 1."""
    penalty: Float[Number, ""] = eqx.field(converter=as_inexact, default=1e-6)
    """Penalty on the weights before the first sample, positive."""

    def __check_init__(self):
        check_at_least("forgetting of RecursiveLeastSquares", self.forgetting, 0, strict=True)
        check_at_least("penalty of RecursiveLeastSquares", self.penalty, 0, strict=True)
        if not holds(lambda x: x <= 1, self.forgetting):
            raise ValueError(
                f"forgetting of RecursiveLeastSquares must be at most 1, got {self.forgetting}."
            )

    @arguments.checked(features=arguments.count(), targets=arguments.count())
    def start(self, features: int, targets: int) -> LeastSquaresMemory:
        """Returns what is known before the first sample, of so many features and targets."""
        own = follow(self)
        rows, columns = arguments.as_count("features", features), arguments.as_count("targets", targets)
        identity = jnp.eye(rows, dtype=own.penalty.dtype)
        return LeastSquaresMemory(jnp.zeros((rows, columns), identity.dtype), identity / own.penalty)

    @arguments.checked(features=arguments.array(ndim=1), targets=arguments.array(ndim=1))
    def step(
        self, memory: LeastSquaresMemory, features: Numbers, targets: Numbers
    ) -> tuple[LeastSquaresMemory, Float[Array, " targets"]]:
        """Returns what is known after a sample, and what was said of it before its targets were known."""
        dtype = memory.weights.dtype
        x, y = (jnp.asarray(v, dtype)[None] for v in (features, targets))
        memory, predictions = self._learn(memory, x, y)
        return memory, predictions[0]

    @arguments.checked(
        features=(arguments.real(ndim=2), "time features"),
        targets=(arguments.real(ndim=2), "time targets"),
        memory=arguments.one_of(LeastSquaresMemory),
        together=arguments.count(),
    )
    def follow(
        self,
        features: Numbers,
        targets: Numbers,
        memory: LeastSquaresMemory | None = None,
        *,
        together: int = 1,
    ) -> tuple[LeastSquaresMemory, Float[Array, "time targets"]]:
        """Follows a series in one compiled call; what is known in the end, and each sample's prediction.

        - `features`, `targets`: `(time, features)` and `(time, targets)`.
        - `memory`: what is known before, by default nothing.
        - `together`: samples that are learnt at once. What is known after them is the same to rounding, and
          many features take a fraction of the time; predictions are those before the first of them.
        """
        x, y = as_array(features), as_array(targets)
        known = self.start(x.shape[1], y.shape[1]) if memory is None else memory
        size = min(arguments.as_count("together", together), max(len(x), 1))
        return _follow(self, cast_inexact(known, jnp.result_type(x, y)), x, y, size)

    def _learn(self, memory: LeastSquaresMemory, x: Array, y: Array) -> tuple[LeastSquaresMemory, Array]:
        """Learns samples `(samples, features)` at once.

        With P / lambda^n in the place of P, and sample i of n weighed by lambda^(n - 1 - i), K = P X^T
        (I + X P X^T)^-1 moves the weights by K (Y - X W) and P by -K X P.
        """
        weights, inverse = memory.weights, memory.inverse
        forgetting = jnp.asarray(self.forgetting, weights.dtype)
        root = forgetting ** (jnp.arange(len(x) - 1, -1, -1, dtype=weights.dtype) / 2)[:, None]
        predictions, inverse = x @ weights, inverse / forgetting ** len(x)
        scaled, error = root * x, root * (y - predictions)
        spread = inverse @ scaled.T
        inner = jnp.eye(len(x), dtype=weights.dtype) + scaled @ spread
        gain = spread / inner if len(x) == 1 else jnp.linalg.solve(inner, spread.T).T
        shrunk = inverse - gain @ spread.T
        # What rounding leaves of asymmetry would grow with every sample.
        return LeastSquaresMemory(weights + gain @ error, (shrunk + shrunk.T) / 2), predictions


@announced("recursive least squares", lambda _, __, x, *___: f"{len(x):,} samples", wait=True)
@compiled
def _follow(
    learner: RecursiveLeastSquares, memory: LeastSquaresMemory, features: Array, targets: Array, size: int
) -> tuple[LeastSquaresMemory, Array]:
    whole = len(features) // size * size
    blocks = [v[:whole].reshape(-1, size, v.shape[1]) for v in (features, targets)]
    learn = lambda known, block: learner._learn(known, *block)
    memory, predictions = jax.lax.scan(learn, memory, tuple(blocks))
    said = predictions.reshape(whole, targets.shape[1])
    if whole == len(features):
        return memory, said
    memory, last = learner._learn(memory, features[whole:], targets[whole:])
    return memory, jnp.concatenate([said, last])
