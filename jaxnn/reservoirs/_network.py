"""A network that is driven by time series, in continuous time, and read at its wires."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import (
    Count,
    Declared,
    Key,
    Module,
    Number,
    Numbers,
    announced,
    arguments,
    as_array,
    as_inexact,
    check_at_least,
    check_finite,
    check_shape,
    compiled,
    unit,
)
from .._junctions import AbstractJunction, TunnelJunction, draws_random_numbers, keys_of_networks, typed_key
from .._networks import Network, nanowire_network, random_terminals
from .._simulation import Diagnosis, check_start, simulate
from ._abstract import in_dtype_of


class SeriesResponse(Module):
    """The answer of a `NetworkReservoir` to a series, or to several, whose axis is then the first of all.

    ```python
    reservoir = jaxnn.reservoirs.NetworkReservoir.drawn(1, seed=0, wires=14)
    first = reservoir.run(np.zeros((20, 1)))
    second = reservoir.run(np.ones((5, 1)), state=first.final_state, start_step=first.final_step)
    int(second.final_step)  # 25
    ```
    """

    features: Float[Array, "*series time features"]
    """Potentials of the wires that are read [V] and, if asked for, currents of the electrodes [A]."""
    final_state: Float[Array, "*variables junctions"]
    """States after the last step, to go on from; of several series, one each in front."""
    final_step: Int[Array, ""]
    """Number of the last time step: the `start_step` of what goes on from here."""
    diagnosis: Diagnosis
    """What went wrong, when and where; of several series, one each."""


def _wires(wires: Any) -> tuple[int, ...]:
    """Numbers of wires, at least one."""
    arguments.whole_numbers(ndim=1, low=0)("the wires", wires)
    if not len(wires):
        raise ValueError("the wires must be one at least, got none.")
    return tuple(int(wire) for wire in wires)


def _wires_or_none(wires: Any) -> tuple[int, ...] | None:
    return None if wires is None else _wires(wires)


class NetworkReservoir(Module):
    r"""A network whose electrodes follow a time series and whose wires are read.

    Sample $u_k$ of a series is held for `steps` time steps of `dt`, and features are read at the end of it:

    $$V_e = \sum_i \mathrm{gain}_{ei} u_{k,i} + \mathrm{offset}_e, \qquad V_\mathrm{drain} = 0$$

    The network remembers by the states of its junctions; what goes on between samples is what
    `jaxnn.simulate` does, with every law. Every number may be traced: `jit`, `vmap` and `grad` apply to
    series, states, gains, offsets and the parameters of the law. The dtype is that of the series.

    ```python
    reservoir = jaxnn.reservoirs.NetworkReservoir(
        network, law, [[0.2]], electrodes=(9,), drains=(2,), dt=3e-3, steps=2
    )
    series = np.sin(np.arange(30.0))[:, None]  # (time, inputs)
    reservoir.run(series).features.shape == (30, network.n_nodes - 2)  # True
    reservoir.run(np.stack([series, -series])).features.shape[:2]  # (2, 30)
    ```
    """

    network: Network
    """The wires."""
    junction: AbstractJunction
    """The law of the junctions."""
    gain: Float[Number, "electrodes inputs"] = eqx.field(converter=as_inexact, metadata=unit("V"))
    """Potential of each electrode per unit of each input [V]."""
    electrodes: tuple[int, ...] = eqx.field(static=True, converter=_wires)
    """The wires that are driven."""
    drains: tuple[int, ...] = eqx.field(static=True, converter=_wires)
    """The wires that are held at 0 V."""
    dt: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("s"))
    """Time step [s], positive."""
    offset: Float[Number, "..."] = eqx.field(converter=as_inexact, default=0.0, metadata=unit("V"))
    """Potential of the electrodes at an input of zero [V], one for all or one each."""
    steps: int = eqx.field(static=True, default=1)
    """Time steps of a sample; at least 1."""
    read: tuple[int, ...] | None = eqx.field(static=True, default=None, converter=_wires_or_none)
    """The wires whose potentials are features; by default all that are neither driven nor drained."""
    currents: bool = eqx.field(static=True, default=False)
    """Whether the currents of electrodes and drains, in this order, are features too."""

    def __check_init__(self):
        arguments.as_count("steps of NetworkReservoir", self.steps)
        check_at_least("dt of NetworkReservoir", self.dt, 0, "s", strict=True)
        if np.ndim(self.gain) != 2 or np.shape(self.gain)[0] != len(self.electrodes):
            raise ValueError(
                f"gain of NetworkReservoir must be (electrodes, inputs) for {len(self.electrodes)} "
                f"electrodes, got shape {np.shape(self.gain)}: [[0.1]] is for one of both."
            )
        check_finite("gain of NetworkReservoir", self.gain, "V")
        check_finite("offset of NetworkReservoir", self.offset, "V")
        if np.shape(self.offset) not in ((), (len(self.electrodes),)):
            raise ValueError(
                f"offset of NetworkReservoir must be one number or one for each of {len(self.electrodes)} "
                f"electrodes, got shape {np.shape(self.offset)}."
            )
        self.network.check_terminals((*self.electrodes, *self.drains))
        wires = self.network.n_nodes
        if self.read is not None and not all(wire < wires for wire in self.read):
            raise ValueError(
                f"read of NetworkReservoir must be wires from 0 to {wires - 1}, got {self.read}."
            )

    @classmethod
    @arguments.checked(
        inputs=arguments.count(),
        seed=arguments.count(0),
        wires=arguments.count(),
        volts=arguments.real(ndim=0),
        electrodes=arguments.count(),
        drains=arguments.count(),
    )
    def drawn(
        cls,
        inputs: int,
        seed: int,
        *,
        wires: int = 40,
        volts: float = 0.2,
        electrodes: int | None = None,
        drains: int = 1,
        **numbers: Any,
    ) -> "NetworkReservoir":
        r"""Draws a network, its electrodes and their gains.

        - `wires`: how many are dropped, one on every 5 um$^2$.
        - `volts`: gains are uniform in $\pm$ `volts` [V] where there are several inputs or electrodes; one
          electrode of one input has `volts` itself.
        - `electrodes`, `drains`: how many wires are driven, by default one per input, and drained.
        - `numbers`: other fields, by default a `jaxnn.TunnelJunction` and a `dt` of 5 ms.
        """
        network = nanowire_network(wires, box=float(np.sqrt(5e-12 * wires)), seed=seed)
        driven = arguments.as_count("electrodes", inputs if electrodes is None else electrodes)
        chosen = random_terminals(network, driven + arguments.as_count("drains", drains), seed)
        shape = driven, arguments.as_count("inputs", inputs)
        draws = np.random.default_rng(seed).uniform(-1, 1, shape)
        gain = volts * (np.ones(shape) if shape == (1, 1) else draws)
        places = {"electrodes": chosen[:driven], "drains": chosen[driven:]}
        return cls(
            **{"network": network, "junction": TunnelJunction(), "gain": gain, "dt": 5e-3, **places}
            | numbers
        )

    @property
    def inputs(self) -> int:
        """The number of inputs that a series has."""
        return self.gain.shape[-1]

    @property
    def read_wires(self) -> tuple[int, ...]:
        """The wires whose potentials are features, in order."""
        if self.read is not None:
            return self.read
        held = {*self.electrodes, *self.drains}
        return tuple(wire for wire in range(self.network.n_nodes) if wire not in held)

    @arguments.checked(series=arguments.real(ndim=(2, 3)), key=arguments.key)
    def run(
        self,
        series: Numbers,
        *,
        state: Numbers | None = None,
        start_step: Count = 0,
        key: Declared[Key | None] = None,
    ) -> SeriesResponse:
        """Runs a series, `(time, inputs)`, or several, `(series, time, inputs)`, in one compiled call.

        - `state`: where to start, by default a blank network; one for all series, or one each in front.
        - `start_step`: number of the last time step before the series, `final_step` of an earlier run.
        - `key`: for a law that draws random numbers. Series i draws what it draws alone with
          `fold_in(key, i)`, or with key i of an array of them.

        Raises a `ValueError` for series of another shape or that are not finite, and for what
        `jaxnn.simulate` refuses.
        """
        series = as_array(series)
        if series.shape[-1] != self.inputs or 0 in series.shape:
            raise ValueError(
                f"series must be (time, {self.inputs}) or (series, time, {self.inputs}) for {self.inputs} "
                f"inputs, got shape {series.shape}: series[:, None] gives the axis of a single input."
            )
        check_finite("series", series)
        several = series.ndim == 3
        batch = series if several else series[None]
        count, samples, _ = batch.shape
        each = self.steps * (len(self.electrodes) + len(self.drains)) + self.network.n_nodes
        check_shape(
            f"{count:,} series of {samples:,} samples", (count, samples, each), "run fewer series at a time"
        )
        states = None if state is None else _in_front(self, as_array(state), count, several)
        start = check_start(start_step, samples * self.steps)
        found = _respond(self, batch, states, start, _keys(self, key, count, several))
        features, final, diagnosis = found if several else jax.tree.map(lambda x: x[0], found)
        diagnosis.check()
        return SeriesResponse(features, final, start + samples * self.steps, diagnosis)


def _in_front(reservoir: NetworkReservoir, state: Array, count: int, several: bool) -> Array:
    """One state for each of so many series."""
    axes = jax.eval_shape(lambda: reservoir.junction.init_state(reservoir.network.n_junctions)).ndim
    if several and state.ndim == axes + 1 and len(state) == count:
        return state
    if state.ndim != axes:
        raise ValueError(
            f"state must be that of one series, with {axes} axes, or one for each of {count} in front, got "
            f"shape {state.shape}: `final_state` of a run of as many series fits."
        )
    return jnp.broadcast_to(state, (count, *state.shape))


def _keys(reservoir: NetworkReservoir, key: Key | None, count: int, several: bool) -> Array | None:
    """One key for each of so many series; None where nothing is drawn."""
    if key is None or not draws_random_numbers(reservoir.junction):
        return None
    known = typed_key(key)
    if known.shape not in ((), (count,)[: int(several)]):
        raise ValueError(
            f"key must be one random key, or one for each of {count} series, got {known.shape}."
        )
    if not several:
        return known[None]
    return keys_of_networks(known, np.arange(count)) if not known.shape else known


@announced(
    "network reservoir", lambda _, series, *__: f"{series.shape[0] * series.shape[1]:,} samples", wait=True
)
@compiled
def _respond(
    reservoir: NetworkReservoir,
    series: Float[Array, "series time inputs"],
    states: Array | None,
    start_step: Int[Array, ""],
    keys: Array | None,
) -> tuple[Array, Array, Diagnosis]:
    own = in_dtype_of(series, reservoir)
    wires = jnp.asarray(reservoir.read_wires, jnp.int32)

    def one(inputs: Array, state: Array | None, key: Array | None) -> tuple[Array, Array, Diagnosis]:
        driven = inputs @ own.gain.T + jnp.broadcast_to(own.offset, own.gain.shape[:1])[None]
        potentials = jnp.pad(driven, ((0, 0), (0, len(own.drains))))
        solution = simulate(
            own.network,
            own.junction,
            jnp.repeat(potentials, own.steps, axis=0),
            terminals=(*own.electrodes, *own.drains),
            dt=own.dt,
            steps=own.steps * len(inputs),
            start_step=start_step,
            state=state,
            record="node_potential",
            every=own.steps,
            key=key,
        )
        features = solution.node_potential[:, wires]
        if own.currents:
            features = jnp.concatenate([features, solution.terminal_current], axis=1)
        return features, solution.final_state, solution.diagnosis

    return jax.vmap(one, in_axes=(0, None if states is None else 0, None if keys is None else 0))(
        series, states, keys
    )


@arguments.checked(reservoir=arguments.one_of(NetworkReservoir), seed=arguments.count(0))
def reservoirpy_node(reservoir: NetworkReservoir, *, seed: int = 0) -> Any:
    """Makes a node of reservoirpy of a reservoir, to be linked to others: `node >> Ridge()`.

    A series runs in one compiled call, and within a feedback loop sample by sample. reservoirpy computes in
    float64, the node in float32 unless `jax_enable_x64` is set. `seed`: of the key of a law that draws.

    Raises an `ImportError` without reservoirpy, the extra "tasks".

    ```python
    reservoir = jaxnn.reservoirs.NetworkReservoir.drawn(1, seed=0, wires=14)
    node = jaxnn.reservoirs.reservoirpy_node(reservoir)
    node.run(np.zeros((20, 1))).shape[0]  # 20
    ```
    """
    try:
        from ._reservoirpy import NetworkNode
    except ImportError as error:
        raise ImportError(
            'reservoirpy_node needs reservoirpy, an optional dependency of jaxnn (its extra "tasks"): '
            'pip install "reservoirpy>=0.4.2".'
        ) from error
    return NetworkNode(reservoir, seed)
