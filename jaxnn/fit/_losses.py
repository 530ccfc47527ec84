"""How much a residual counts: less than its square where outliers are to be survived."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import Module, arguments


_WIDTH = arguments.real(ndim=0, above=0, known=True)


class AbstractRobustLoss(Module):
    r"""A loss $\rho(r)$ of a residual in units of its noise, $r^2 / 2$ near zero and less far from it.

    A fit minimises $\sum \rho(r_i)$ by least squares of $\mathrm{sign}(r) \sqrt{2 \rho(r)}$. A loss of
    your own subclasses this and implements the three methods, element by element.

    ```python
    loss = jaxnn.fit.Huber()
    loss.transform(jnp.array([0.5, -10.0]))  # [0.5, -5.01]
    ```
    """

    @abc.abstractmethod
    def transform(self, residual: Float[Array, "..."]) -> Float[Array, "..."]:
        """Returns the residual whose square is twice the loss, with the sign of `residual`."""

    @abc.abstractmethod
    def influence(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Returns the slope of the loss: how strongly a sample pulls."""

    @abc.abstractmethod
    def curvature(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Returns the second derivative of the loss."""


class Huber(AbstractRobustLoss):
    r"""A loss that is quadratic up to 1.345 standard errors of the noise and linear beyond.

    $$\rho(r) = r^2 / 2 \text{ for } |r| \le c, \quad c |r| - c^2 / 2 \text{ beyond}, \quad c = 1.345$$

    With $c = 1.345$ it has 95 % of the efficiency of least squares where the noise is Gaussian.

    Raises a `ValueError` for a width that is not positive, as the other losses do.

    Source: Huber, Ann. Math. Stat. 35, 73 (1964).

    ```python
    jaxnn.fit.Huber().influence(np.array([0.5, 10.0]))  # [0.5, 1.345]
    ```
    """

    width: float | int = eqx.field(static=True, default=1.345)
    """Residual c from which the loss is linear, in units of the noise."""

    def __check_init__(self):
        _WIDTH("width of Huber", self.width)

    def transform(self, residual: Float[Array, "..."]) -> Float[Array, "..."]:
        size, c = jnp.abs(residual), self.width
        far = jnp.sqrt(2 * c * jnp.maximum(size, c) - c**2)
        return jnp.where(size <= c, residual, jnp.sign(residual) * far)

    def influence(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return np.clip(residual, -self.width, self.width)

    def curvature(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return (np.abs(residual) <= self.width).astype(float)


class SoftL1(AbstractRobustLoss):
    r"""A smooth loss that becomes linear, between least squares and absolute values.

    $$\rho(r) = c^2 (\sqrt{1 + (r / c)^2} - 1)$$

    ```python
    jaxnn.fit.SoftL1().influence(np.array([0.0, 1.0]))  # [0.0, 0.707]
    ```
    """

    width: float | int = eqx.field(static=True, default=1.0)
    """Residual c at which it bends, in units of the noise."""

    def __check_init__(self):
        _WIDTH("width of SoftL1", self.width)

    def transform(self, residual: Float[Array, "..."]) -> Float[Array, "..."]:
        # sqrt(2 (s - 1)) = |r / c| sqrt(2 / (s + 1)), which has a slope at zero.
        root = jnp.sqrt(1 + (residual / self.width) ** 2)
        return residual * jnp.sqrt(2 / (root + 1))

    def influence(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return residual / np.sqrt(1 + (residual / self.width) ** 2)

    def curvature(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return (1 + (residual / self.width) ** 2) ** -1.5


class Cauchy(AbstractRobustLoss):
    r"""A loss that all but forgets what is far off.

    $$\rho(r) = \frac{c^2}{2} \ln(1 + (r / c)^2), \quad c = 2.385$$

    With $c = 2.385$ it has 95 % of the efficiency of least squares where the noise is Gaussian. It has
    several minima where many samples are far off: start near, or take several starts.

    ```python
    jaxnn.fit.Cauchy().influence(np.array([2.385, 1000.0]))  # [1.19, 0.00569]
    ```
    """

    width: float | int = eqx.field(static=True, default=2.385)
    """Residual c of the largest pull, in units of the noise."""

    def __check_init__(self):
        _WIDTH("width of Cauchy", self.width)

    def transform(self, residual: Float[Array, "..."]) -> Float[Array, "..."]:
        z = (residual / self.width) ** 2
        # log1p(z) / z, whose root has a slope at zero.
        safe = jnp.where(z > 1e-6, z, 1.0)
        ratio = jnp.where(z > 1e-6, jnp.log1p(safe) / safe, 1 - z / 2)
        return residual * jnp.sqrt(ratio)

    def influence(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return residual / (1 + (residual / self.width) ** 2)

    def curvature(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        z = (residual / self.width) ** 2
        return (1 - z) / (1 + z) ** 2
