"""The leaky capacitive sheet under an array of nickelate devices, through which they feel each other."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxnn_kernels import STAGE_SHARE

from .._core import (
    Module,
    Number,
    Numbers,
    arguments,
    as_inexact,
    check_at_least,
    check_shape,
    following,
    unit,
)


class CapacitiveSheet(Module):
    r"""A shared substrate as nodes under the devices, one each, with potentials $\psi_i$.

    $$C_s \dot\psi_i = \sum_j g_{ij} (\psi_j - \psi_i) + g_e (V_i - \psi_i)
      - \psi_i / R_\mathrm{leak} + \dot q_i, \qquad g_{ij} = g_0 e^{-d_{ij}/\lambda}$$

    The cloud of device $i$ sees its own electrode relative to $\psi_i$, and the charge $q_i$ that it
    stores ends on the sheet: what flows into the terminals flows through the clouds, leaks from the
    sheet, or is stored, to rounding. The numbers are assumed, chosen for a time constant
    $C_s R_\mathrm{leak}$ of 5 us and couplings that reach one or two pitches of 3.5 um.

    Raises a `ValueError` for positions that are not `(sites, 2)` and numbers outside their domain.

    ```python
    sheet = jaxnn.CapacitiveSheet.grid(2, 2)
    sheet.positions.shape  # (4, 2)
    sheet.conductances()[0, 0]  # 2.56e-6 [S]
    ```
    """

    positions: Float[Number, "..."] = eqx.field(converter=as_inexact, metadata=unit("m"))
    """Places of the devices [m]."""
    capacitance: Float[Number, ""] = eqx.field(converter=as_inexact, default=5e-12, metadata=unit("F"))
    """Capacitance C_s of a node [F], positive; the default is as much as a pad of 10 um stores."""
    leak_resistance: Float[Number, ""] = eqx.field(converter=as_inexact, default=1e6, metadata=unit("ohm"))
    """Resistance R_leak from a node to ground [ohm], positive."""
    coupling: Float[Number, ""] = eqx.field(converter=as_inexact, default=1e-6, metadata=unit("S"))
    """Conductance g_0 between close nodes [S], not negative, by default that of the leak; 0 uncouples the
    devices."""
    decay_length: Float[Number, ""] = eqx.field(converter=as_inexact, default=5e-6, metadata=unit("m"))
    """Length lambda over which the coupling falls [m], positive."""
    electrode_conductance: Float[Number, ""] = eqx.field(
        converter=as_inexact, default=2e-7, metadata=unit("S")
    )
    """Conductance g_e from a node to its device's electrode [S], not negative, by default a fifth of the
    leak's."""

    def __check_init__(self):
        if self.positions.ndim != 2 or self.positions.shape[1] != 2 or not self.positions.size:
            raise ValueError(
                f"positions of a CapacitiveSheet must be (sites, 2) [m], got {self.positions.shape}; "
                "CapacitiveSheet.grid(rows, columns) makes a grid."
            )
        for name in ("capacitance", "leak_resistance", "decay_length"):
            check_at_least(name, getattr(self, name), 0, strict=True)
        for name in ("coupling", "electrode_conductance"):
            check_at_least(name, getattr(self, name), 0, "S")

    @classmethod
    @arguments.checked(
        rows=arguments.count(), columns=arguments.count(), pitch=arguments.real(ndim=0, above=0)
    )
    def grid(
        cls, rows: int, columns: int, *, pitch: float = 3.5e-6, **numbers: Numbers
    ) -> "CapacitiveSheet":
        """Puts devices on a grid, row by row, `pitch` [m] apart."""
        sites = rows * columns
        check_shape(f"A grid of {rows:,} x {columns:,} devices", (6, sites), "take several sheets")
        y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        return cls(np.stack([x.reshape(-1), y.reshape(-1)], axis=-1) * float(pitch), **numbers)

    def check_devices(self, devices: tuple[int, ...]) -> None:
        """Raises a `ValueError` unless the last axis of the devices is that of the sites."""
        if not devices or devices[-1] != self.positions.shape[0]:
            raise ValueError(
                f"the last axis of the devices must be the {self.positions.shape[0]} sites of the sheet, "
                f"got devices of shape {devices}: give `shape` or a voltage per device."
            )

    @following
    def conductances(self) -> Float[Array, "sites sites"]:
        """Returns the matrix K of the conductances [S]: K psi is what leaves the nodes."""
        n = self.positions.shape[0]
        check_shape(f"The conductances between {n:,} sites", (4, n, n), "take several smaller sheets")
        apart = self.positions[:, None] - self.positions[None]
        # The root has no derivative at the zeros of the diagonal, which are not used.
        distance = jnp.sqrt(jnp.where(jnp.eye(n, dtype=bool), 1, jnp.sum(apart**2, axis=-1)))
        off = jnp.where(jnp.eye(n, dtype=bool), 0, self.coupling * jnp.exp(-distance / self.decay_length))
        out = jnp.sum(off, axis=1) + self.electrode_conductance + 1 / self.leak_resistance
        return jnp.diag(out) - off

    def modes(self) -> tuple[Array, Array, Array]:
        """Returns K, its eigenvalues and its eigenvectors: every step length is then a division."""
        matrix = self.conductances()
        values, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(matrix))
        return matrix, values, vectors


_Pair = tuple[Float[Array, "*batch sites"], Float[Array, "*batch sites"]]


def sheet_step(
    sheet: CapacitiveSheet,
    modes: tuple[Array, Array, Array],
    potential: Float[Array, "*batch sites"],
    stored: _Pair,
    drive: _Pair,
    dt: Float[Array, ""],
) -> _Pair:
    r"""The potentials in the two stages of a step, the second at its end, as `proton_cloud_step` takes it.

    Each stage is an implicit Euler step of $\gamma\,dt$,

    $$(C_s / \gamma dt + K)\, \psi = C_s \psi_0 / \gamma dt + g_e V + \dot q, \qquad
      \gamma = 1 - 1/\sqrt 2$$

    the first from $\psi_0 = \psi_n$, the second from $\psi_n + (1/\gamma - 1)(\psi_1 - \psi_n)$; `stored`
    [A] and `drive` [V] are those of the stages. The eigenvectors solve; derivatives are those of the
    equation, so that equal eigenvalues of a regular grid do no harm.
    """
    matrix, values, vectors = modes
    per_stage = sheet.capacitance / (STAGE_SHARE * dt)
    # A GPU would round a float32 product to 10 bits (TF32) unless told not to.
    times = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    multiply = lambda psi: per_stage * psi + times(psi, matrix)
    solve = lambda _, b: times(
        times(b, vectors) / (per_stage + values).reshape((1,) * (b.ndim - 1) + (-1,)), vectors.T
    )

    def stage(start: Array, into: Array, volts: Array) -> Array:
        right = per_stage * start + sheet.electrode_conductance * volts + into
        return jax.lax.custom_linear_solve(multiply, right, solve, symmetric=True)

    first = stage(potential, stored[0], drive[0])
    further = potential + (1 / STAGE_SHARE - 1) * (first - potential)
    return first, stage(further, stored[1], drive[1])
