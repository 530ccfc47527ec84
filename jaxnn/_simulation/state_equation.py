"""A network under its drive as a differential equation, for integrators other than Euler's."""

import functools as ft
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .._core import Declared, Module, Numbers, Terminals, arguments, check_network, show, unit, user_code
from .._drives import AbstractDrive, Clock, drive_at
from .._junctions import AbstractJunction, AbstractRateJunction, draws_random_numbers
from .._networks import Ensemble, Network
from .arguments import RunArguments
from .circuit_flow import circuit_flow
from .instant import Instant
from .kirchhoff import Flow, flow
from .problem import Problem, make_problem
from .solver import AbstractSolver
from .step import conductances, passive_conductance


if TYPE_CHECKING:
    from diffrax import ODETerm
else:
    ODETerm = Any  # annotations that are evaluated must not import diffrax, which may be missing


class Observation(Module):
    """A network at one instant; fields, signs and axes as in `jaxnn.Solution`, without time.

    ```python
    equation = jaxnn.StateEquation(network, law, drive, terminals=setup["terminals"])
    now = equation.observe(0.125, equation.initial_state)
    now.drive  # [0.3, 0.0] [V]
    now.conductance  # 1.29e-7 [S]
    ```
    """

    drive: Float[Array, "*terminals"] = eqx.field(metadata=unit("V"))
    """Potentials of the terminals [V]."""
    terminal_current: Float[Array, "*terminals"] = eqx.field(metadata=unit("A"))
    """Currents from the terminals into the network [A]."""
    conductance: Float[Array, "*networks"] = eqx.field(metadata=unit("S"))
    """Conductance between the first two terminals [S], as in `jaxnn.Solution`."""
    junction_conductance: Float[Array, " junctions"] = eqx.field(metadata=unit("S"))
    """Conductances of the junctions [S]."""
    junction_voltage: Float[Array, " junctions"] = eqx.field(metadata=unit("V"))
    """phi_a - phi_b of junction (a, b) [V]."""
    node_potential: Float[Array, " nodes"] = eqx.field(metadata=unit("V"))
    """Potentials of the wires [V]."""


class StateEquation(Module):
    r"""The states of a network under its drive as an ordinary differential equation.

    $$\dot\lambda = f(\lambda, v), \qquad v = B \phi, \qquad
      B^T \mathrm{diag}(g(\lambda)) B \phi = 0 \text{ off the terminals}, \qquad
      \phi = V(t) \text{ on them}$$

    `equation.term` is a `diffrax.ODETerm`, and `equation` itself a function of (time, state) for any
    other integrator. `jaxnn.simulate` takes explicit Euler steps of this equation, with the drive at
    the end of each step. A passive junction has no rate.

    - `network`, `junction`, `terminals`, `state`, `solver`: as for `jaxnn.simulate`; the junction's
      law must be a `jaxnn.AbstractRateJunction`.
    - `drive`: a drive, not an array; for sampled voltages `jaxnn.Samples`.

    An integrator's absolute tolerance is in the unit of the state. For a law whose variables have several
    units, integrate $x = \lambda / c$ with the law's `critical_state` $c$:
    `lambda t, x, args: equation(t, c * x) / c`.

    All of it is a pytree: `jit`, `vmap` and `grad` reach every number in it.

    Raises a `ValueError` for what `jaxnn.simulate` refuses, an array drive and a law without rate.

    ```python
    equation = jaxnn.StateEquation(network, law, drive, terminals=setup["terminals"])
    rate = equation(0.125, equation.initial_state)
    rate.shape == (network.n_junctions,)  # True
    ```
    """

    problem: Problem
    """The network, law, drive and terminals, checked and of one dtype."""

    def __init__(
        self,
        network: Declared[Network | Ensemble],
        junction: Declared[AbstractRateJunction],
        drive: Declared[AbstractDrive],
        *,
        terminals: Terminals,
        state: Numbers | None = None,
        solver: AbstractSolver | None = None,
    ):
        check_network(network, (Network, Ensemble))
        if isinstance(junction, AbstractJunction) and draws_random_numbers(junction):
            raise ValueError(
                f"{type(junction).__name__} draws random numbers, and an ordinary differential equation "
                "has none: run it with jaxnn.simulate(..., key=...), or take the law without its noise."
            )
        if isinstance(junction, AbstractJunction) and not isinstance(junction, AbstractRateJunction):
            raise ValueError(
                f"{type(junction).__name__} has steps but no rate: derive it from "
                "jaxnn.AbstractRateJunction and implement `rate`, or use jaxnn.simulate."
            )
        if not isinstance(drive, AbstractDrive):
            raise ValueError(
                "drive must be a jaxnn drive, which has a voltage at every time, got "
                f"{type(drive).__name__}; wrap samples as jaxnn.Samples(values, interval)."
            )
        # An equation has no steps: one of 1 s stands in for those that `simulate` would take.
        setup = RunArguments(terminals=terminals, dt=1.0, state=state, solver=solver)
        self.problem = make_problem(network, junction, drive, 1, setup, has_steps=False)
        _check_rate(self.problem)

    def __repr__(self) -> str:
        problem = self.problem
        parts = {"junction": problem.junction, "drive": problem.drive, "state": problem.state}
        return show("StateEquation", network=problem.network, terminals=problem.terminals, **parts)

    @property
    def initial_state(self) -> Float[Array, "*variables junctions"]:
        """The state as it was given, or that of a blank network, in the dtype of the equation."""
        return self.problem.state

    @property
    def term(self) -> ODETerm:
        """The equation as a `diffrax.ODETerm`; raises an `ImportError` without diffrax."""
        try:
            import diffrax
        except ImportError as error:
            raise ImportError(
                "StateEquation.term needs diffrax, an optional dependency of jaxnn (its extra "
                '"diffrax"): pip install "diffrax>=0.7".'
            ) from error
        return diffrax.ODETerm(self)

    def __call__(
        self, time: ArrayLike, state: Float[Array, "*variables junctions"], args: object = None
    ) -> Float[Array, "*variables junctions"]:
        """The rate of change of `state` at `time` [s]; `args` is what diffrax passes, unused."""
        del args
        rate = _rate(self.problem, state, self._solve(time, state)[1].junction_voltage)
        return jnp.where(self.problem.network.passive, 0, rate)

    @arguments.checked(time=arguments.real(ndim=0, finite=False), state=arguments.array())
    def observe(self, time: ArrayLike, state: Float[Array, "*variables junctions"]) -> Observation:
        """Returns currents, voltages and conductances at `time` [s]; `jax.vmap` it over a solution."""
        conductance, flows = self._solve(time, jnp.asarray(state))
        return Observation(junction_conductance=conductance, **flows._asdict())

    def _solve(self, time: ArrayLike, state: Array) -> tuple[Array, Flow]:
        """Conductances of the junctions, and what flows."""
        problem, dtype = self.problem, self.problem.state.dtype
        if (state.shape, state.dtype) != (problem.state.shape, dtype):
            raise ValueError(
                f"state must have the shape and dtype of the equation, {problem.state.shape} {dtype}, "
                f"got {state.shape} {state.dtype}. diffrax raises states to the dtype of its times: "
                f"give those (t0, t1, dt0, ts) as {dtype} arrays."
            )
        # What float32 rounds off a float64 time goes into the clock's remainder.
        clock = Clock.at(time, dtype)
        assert isinstance(problem.drive, AbstractDrive)
        passive, instant = passive_conductance(problem), Instant(clock.time)
        conductance = conductances(problem, passive, state, instant)
        value_at = ft.partial(drive_at, problem.drive)
        if problem.potential is not None:
            now = circuit_flow(
                problem, state, conductance, instant.of_conductance, value_at, clock, problem.potential
            )
            return now[1], now[0]
        return conductance, flow(problem, conductance, value_at(clock))


def _rate(problem: Problem, state: Array, voltage: Array) -> Array:
    assert isinstance(problem.junction, AbstractRateJunction)
    return problem.junction.rate(state, voltage)


def _check_rate(problem: Problem) -> None:
    voltage = jnp.zeros(problem.network.n_junctions, problem.state.dtype)
    with user_code(f"the law {type(problem.junction).__name__}"):
        rate = jax.eval_shape(lambda: _rate(problem, problem.state, voltage))
    if rate.shape != problem.state.shape or rate.dtype != problem.state.dtype:
        raise ValueError(
            f"the rate of {type(problem.junction).__name__} must have the shape and dtype of its state, "
            f"{problem.state.shape} {problem.state.dtype}, got {rate.shape} {rate.dtype}."
        )
