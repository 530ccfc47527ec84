"""Nodes of a growing network made of nickelate devices: what they cost, and how well they hold a number."""

import dataclasses as dc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, ArrayLike, DTypeLike, Float, Int

import jaxnn_kernels as jk

from .._core import (
    Key,
    Module,
    Number,
    Numbers,
    arguments,
    as_inexact,
    cast_inexact,
    check_at_least,
    check_shape,
    common_dtype,
    compiled,
    follow,
    unit,
)
from .._nickelate import NickelateDevice, NickelateSpread, Programme, simulate_devices
from .network import AbstractNodeStorage, GrowthHistory


# Pulses of the cool set B [V]: what switches a device off, into a neuron, and what a neuron integrates.
_ERASE, _NEURON, _INTEGRATE, _READ = -5.0, 4.25, 1.4, 0.1
# Synapses, from the largest weight to the smallest.
_SYNAPSES = (5.0, 7.0)
_WIDTH, _SHORT = 1e-6, 5e-7  # [s] of pulses that change a mode, and of the others
_STEPS = 256  # of a pulse; with 64 some steps are not solved in single precision


_PROPERTIES = "device_deviation", "cycle_deviation", "write_energy", "read_energy"  # of each level


class NickelateNodes(Module):
    r"""A set of pulses on nickelate devices as a node needs them, measured on the device model.

    A node is one device that is a neuron while the node is on and a resistor, by an erase pulse, while
    it is off; one synapse per weight and one for the counter, which keep what they hold either way.
    A number $0 \le w \le w_\mathrm{max}$ is a conductance between those of two set pulses,

    $$G = G_\mathrm{min} + (G_\mathrm{max} - G_\mathrm{min})\, w / w_\mathrm{max}$$

    (a column of $G_\mathrm{min}$ is subtracted), and is written by an erase and a set pulse whose
    amplitude chooses it. Made by `NickelateNodes.measure`.

    ```python
    nodes = jaxnn.NickelateNodes.measure(jaxnn.NickelateDevice(), jr.key(0), levels=3, devices=2)
    nodes.read_energy.shape  # (3,)
    nodes.number(nodes.conductance(jnp.asarray(0.5)))  # 0.5
    ```
    """

    log_conductance: Float[Number, " levels"] = eqx.field(converter=as_inexact)
    """ln G [S] that set pulses leave, read after 100 s at 0 V; rising."""
    device_deviation: Float[Number, " levels"] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """Standard deviation of ln G from device to device [1]."""
    cycle_deviation: Float[Number, " levels"] = eqx.field(converter=as_inexact, metadata=unit("1"))
    """Standard deviation of ln G from write to write [1]."""
    write_energy: Float[Number, " levels"] = eqx.field(converter=as_inexact, metadata=unit("J"))
    """Energy of an erase and a set pulse [J]."""
    read_energy: Float[Number, " levels"] = eqx.field(converter=as_inexact, metadata=unit("J"))
    """Energy of a read pulse [J]."""
    integrate_energy: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("J"))
    """Energy of a pulse on a neuron below its threshold [J]."""
    wake_energy: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("J"))
    """Energy of a set pulse that makes a resistor a neuron [J]."""
    off_energy: Float[Number, ""] = eqx.field(converter=as_inexact, metadata=unit("J"))
    """Energy of an erase pulse that makes a neuron a resistor [J]."""

    @classmethod
    @arguments.checked(
        device=arguments.one_of(NickelateDevice),
        key=arguments.key,
        spread=arguments.one_of(NickelateSpread),
        cycle_spread=arguments.one_of(NickelateSpread),
    )
    def measure(
        cls,
        device: NickelateDevice,
        key: Key,
        *,
        spread: NickelateSpread | None = None,
        cycle_spread: NickelateSpread | None = None,
        levels: int = 17,
        devices: int = 64,
    ) -> "NickelateNodes":
        """Sends the pulses to `devices` drawn with a `spread`, and to alike ones with a `cycle_spread`.

        The default spread is that of `NickelateSpread`, from write to write a tenth of it: both are
        assumed. The pulses are those of the default device.
        """
        spread = NickelateSpread() if spread is None else spread
        if cycle_spread is None:
            cycle_spread = jax.tree.map(lambda sigma: sigma / 10, spread)
        shape = (arguments.as_count("levels", levels), arguments.as_count("devices", devices))
        check_shape(f"{shape[1]:,} devices at {shape[0]:,} levels", (100, *shape), "take fewer of them")
        keys = jr.split(key, 2)
        drawn = spread.draw(device, keys[0], shape[1])
        wide = lambda x: jnp.broadcast_to(x, shape)
        differ, alike = (
            dc.replace(device, **{name: wide(getattr(numbers, name)) for name in vars(spread)})
            for numbers in (drawn, device)
        )
        still = jax.tree.map(jnp.zeros_like, spread)
        # One compiled program for all runs: five segments each, and noise of zero is none.
        run = lambda devices, programme, noise, state: simulate_devices(
            devices, programme, state=state, cycle_spread=noise, key=keys[1]
        )
        write, read, node = _programmes(wide, levels)
        erased = device.init_state(*shape)
        written = run(differ, write, still, erased)
        again = run(alike, write, cycle_spread, erased)
        seen = run(differ, read, still, written.final_state)
        log = lambda ends: jnp.log(ends.current[1] / _READ)
        neurons = jnp.mean(run(differ, node, still, erased).energy, axis=(1, 2))
        return cls(
            log_conductance=jnp.mean(log(seen), axis=1),
            device_deviation=jnp.std(log(seen), axis=1),
            cycle_deviation=jnp.std(log(run(alike, read, still, again.final_state)), axis=1),
            write_energy=jnp.mean(written.energy[3] + written.energy[4], axis=1),
            read_energy=jnp.mean(seen.energy[4], axis=1),
            wake_energy=neurons[0],
            integrate_energy=neurons[3],
            off_energy=neurons[4],
        )

    @arguments.checked(key=arguments.key, largest=arguments.real(), verify=arguments.flag)
    def storage(
        self, capacity: int, inputs: int, key: Key, *, largest: Numbers = 1.0, verify: bool = False
    ) -> "NickelateStorage":
        """Draws the devices for so many nodes of so many inputs (times 1 + contexts), with this key.

        See `NickelateStorage` for the others.
        """
        capacity, inputs = arguments.as_count("capacity", capacity), arguments.as_count("inputs", inputs)
        advice = "take a smaller capacity or fewer inputs"
        check_shape(f"{capacity:,} nodes of {inputs:,} devices", (2, capacity, 1 + inputs), advice)
        keys = jr.split(key, 3)
        dtype = common_dtype(self.log_conductance)
        return NickelateStorage(
            nodes=self,
            weight_error=jr.normal(keys[0], (capacity, inputs), dtype),
            counter_error=jr.normal(keys[1], (capacity,), dtype),
            key=keys[2],
            largest=largest,
            verify=verify,
        )

    @arguments.checked(fraction=arguments.array())
    def conductance(self, fraction: Array) -> Array:
        """Returns ln G for a number as a fraction of the largest one."""
        ends = follow(self.log_conductance, fraction)
        low, high = jnp.exp(ends[0]), jnp.exp(ends[-1])
        return jnp.log(low + (high - low) * jnp.clip(fraction, 0, 1))

    @arguments.checked(log_conductance=arguments.array())
    def number(self, log_conductance: Array) -> Array:
        """Returns the number, as a fraction of the largest one, that a conductance stands for."""
        ends = follow(self.log_conductance, log_conductance)
        low, high = jnp.exp(ends[0]), jnp.exp(ends[-1])
        return (jnp.exp(log_conductance) - low) / (high - low)

    @arguments.checked(name=arguments.word(*_PROPERTIES), log_conductance=arguments.array())
    def at(self, name: str, log_conductance: Array) -> Array:
        """Returns a measured property between the levels that were measured."""
        own = follow(self, log_conductance)
        return jnp.interp(log_conductance, own.log_conductance, getattr(own, name))


def _programmes(wide: Callable[[ArrayLike], Array], levels: int) -> tuple[Programme, ...]:
    """Writing over a synapse, reading one, and the life of a neuron: segments of which some are used."""
    volts = wide(jnp.linspace(_SYNAPSES[1], _SYNAPSES[0], levels)[:, None])
    pulse, rest = Programme.pulse, Programme.rest
    settled = rest(1.0) + rest(9.0)
    write = pulse(volts, _WIDTH) + settled + pulse(wide(_ERASE), _WIDTH) + pulse(volts, _WIDTH)
    read = rest(100.0) + pulse(wide(_READ), 1.0) + settled + pulse(wide(_READ), _SHORT)
    node = pulse(wide(_NEURON), _WIDTH) + settled + pulse(wide(_INTEGRATE), _SHORT)
    programmes = write, read, node + pulse(wide(_ERASE), _WIDTH)
    return tuple(programme.with_steps(_STEPS) for programme in programmes)


class NickelateStorage(AbstractNodeStorage):
    r"""A storage of weights and counters in nickelate synapses, which differ and never do the same twice.

    A write leaves $\ln G$ off by $\sigma_d z + \sigma_c n$: $z$ belongs to the device, $n$ to the write.
    With `verify`, a second write corrects what a read of the first one shows, which leaves
    $\sigma_c (n_2 - n_1)$ and costs twice the pulses. What learning reads is the conductance, so
    that it also corrects what it wrote wrong before. Weights that a write would change by less than
    its own standard deviation are left as they are.

    Numbers have to lie between 0 and `largest` and are clipped to that. A counter is at most 1.

    ```python
    rising, small = jnp.linspace(-14.0, -12.0, 5), jnp.full(5, 0.1)
    nodes = jaxnn.NickelateNodes(rising, small, small, *(1e-12 * small,) * 2, *(1e-12,) * 3)
    storage = nodes.storage(4, 2, jr.key(1))
    growing = jaxnn.GrowWhenRequired(4, storage=storage)
    growing.start([[0.2, 0.8], [0.6, 0.4]]).weight.shape  # (4, 2)
    ```
    """

    nodes: NickelateNodes
    """The pulses, as they were measured."""
    weight_error: Float[Array, "nodes inputs"]
    """Error z of every weight's device, in its standard deviations."""
    counter_error: Float[Array, " nodes"]
    """Error z of every counter's device, in its standard deviations."""
    key: Key
    """Key of `jax.random` that the noise of writes is drawn with."""
    largest: Any = eqx.field(default=1.0, converter=as_inexact)
    """Largest weight w_max, in the unit of the inputs; positive."""
    verify: bool = eqx.field(static=True, default=False)
    """Whether a read and a second write correct each write."""

    def __check_init__(self) -> None:
        check_at_least("largest", self.largest, 0, strict=True)

    def weights(
        self,
        rows: Float[Array, "some inputs"],
        held: Float[Array, "some inputs"],
        nodes: Int[Array, " some"],
        step: Int[Array, ""],
    ) -> Float[Array, "some inputs"]:
        key = jr.fold_in(self.key, step)
        keys = jax.vmap(lambda node: jr.fold_in(key, node))(nodes)
        largest = jnp.asarray(self.largest, rows.dtype)
        errors = self.weight_error[nodes].astype(rows.dtype)
        new, wanted, deviation = jax.vmap(self._written)(rows / largest, errors, keys)
        there = self._measured(rows.dtype).conductance(held / largest)
        return jnp.where(jnp.abs(wanted - there) > deviation, new * largest, held)

    def counters(self, counter: Float[Array, " nodes"], step: Int[Array, ""]) -> Float[Array, " nodes"]:
        # The last node's number and one: a key that no row of weights has.
        key = jr.fold_in(jr.fold_in(self.key, step), counter.shape[0])
        return self._written(counter, self.counter_error.astype(counter.dtype), key)[0]

    def noise(self, rows: Float[Array, "some inputs"]) -> Float[Array, " some"]:
        table, largest = self._measured(rows.dtype), jnp.asarray(self.largest, rows.dtype)
        there = table.conductance(rows / largest)
        low, high = jnp.exp(table.log_conductance[0]), jnp.exp(table.log_conductance[-1])
        # To first order: dG = G d ln G.
        error = largest * jnp.exp(there) / (high - low) * self._deviations(table, there)[2]
        return jnp.sum(error**2, axis=-1)

    def _measured(self, dtype: DTypeLike) -> NickelateNodes:
        return cast_inexact(self.nodes, dtype)

    def _deviations(self, table: NickelateNodes, log_conductance: Array) -> tuple[Array, Array, Array]:
        """Of ln G: from cycle to cycle, from device to device, and after a write."""
        cycle, device = (table.at(f"{name}_deviation", log_conductance) for name in ("cycle", "device"))
        return cycle, device, 2**0.5 * cycle if self.verify else jnp.sqrt(device**2 + cycle**2)

    def _written(self, fraction: Array, error: Array, key: Key) -> tuple[Array, Array, Array]:
        """What is there after a number was written; the ln G that it stands for, and its deviation."""
        table = self._measured(fraction.dtype)
        wanted = table.conductance(fraction)
        first, second = jr.normal(key, (2, *fraction.shape), fraction.dtype)
        cycle, device, deviation = self._deviations(table, wanted)
        off = cycle * (first - second) if self.verify else cycle * first + device * error
        return table.number(wanted + off), wanted, deviation


class NodeCost(Module):
    """The pulses, and the energy [J] that they take from the drive, of a stream that nodes have learned.

    ```python
    growing = jaxnn.GrowWhenRequired(8)
    samples = jr.uniform(jr.key(0), (20, 2))
    state, history = growing.learn(growing.start(samples[:2]), samples)
    rising, small = jnp.linspace(-14.0, -12.0, 5), jnp.full(5, 0.1)
    nodes = jaxnn.NickelateNodes(rising, small, small, *(1e-12 * small,) * 2, *(1e-12,) * 3)
    cost = jaxnn.node_cost(nodes, history, state)
    cost.pulses  # 440.0
    ```
    """

    compare_pulses: Float[Array, ""]
    """Pulses of the comparisons."""
    compare_energy: Float[Array, ""] = eqx.field(metadata=unit("J"))
    """Energy of the comparisons [J]."""
    write_pulses: Float[Array, ""]
    """Pulses of the writes into synapses."""
    write_energy: Float[Array, ""] = eqx.field(metadata=unit("J"))
    """Energy of the writes into synapses [J]."""
    wake_pulses: Float[Array, ""]
    """Pulses that woke nodes."""
    wake_energy: Float[Array, ""] = eqx.field(metadata=unit("J"))
    """Energy of the pulses that woke nodes [J]."""
    off_pulses: Float[Array, ""]
    """Pulses that switched nodes off."""
    off_energy: Float[Array, ""] = eqx.field(metadata=unit("J"))
    """Energy of the pulses that switched nodes off [J]."""
    compare_energy_never_off: Float[Array, ""] = eqx.field(metadata=unit("J"))
    """Energy of the comparisons, had every stored node been on all the time [J]."""
    time: Float[Array, ""] = eqx.field(metadata=unit("s"))
    """Time that the pulses take, devices of a row at once and rows one after another [s]."""

    @property
    def pulses(self) -> Float[Array, ""]:
        """The number of all pulses."""
        return self.compare_pulses + self.write_pulses + self.wake_pulses + self.off_pulses

    @property
    def energy(self) -> Float[Array, ""]:
        """The energy of all pulses [J]."""
        return self.compare_energy + self.write_energy + self.wake_energy + self.off_energy


@arguments.checked(
    nodes=arguments.one_of(NickelateNodes),
    history=arguments.one_of(GrowthHistory),
    state=arguments.one_of(jk.GrowState),
    largest=arguments.real(ndim=0, above=0),
    verify=arguments.flag,
)
@compiled
def node_cost(
    nodes: NickelateNodes,
    history: GrowthHistory,
    state: jk.GrowState,
    *,
    largest: ArrayLike = 1.0,
    verify: bool = False,
) -> NodeCost:
    """Counts what a stream costs if the nodes are nickelate devices.

    - `history` of the stream, `state` after it: weights and counters there stand for those on the way.
    - `largest`, `verify`: as in `NickelateNodes.storage`.

    A comparison reads every synapse of a node once, at the full read voltage, and sends one pulse to its
    neuron: an upper bound, since small inputs would drive less. A verified write is two writes and
    two reads. Nodes that are off cost nothing but the comparison that may wake them.

    ```python
    growing = jaxnn.GrowWhenRequired(8)
    samples = jr.uniform(jr.key(0), (20, 2))
    state, history = growing.learn(growing.start(samples[:2]), samples)
    rising, small = jnp.linspace(-14.0, -12.0, 5), jnp.full(5, 0.1)
    nodes = jaxnn.NickelateNodes(rising, small, small, *(1e-12 * small,) * 2, *(1e-12,) * 3)
    cost = jaxnn.node_cost(nodes, history, state)
    cost.compare_energy < cost.energy  # True
    ```
    """
    inputs, dtype = state.weight.shape[1], state.weight.dtype
    total = lambda x: jnp.sum(x.astype(dtype))
    compared, written, off = map(total, (history.compared, history.written, history.switched_off))
    changed = total(history.weights_written)
    woken = total((history.kind == 1) | (history.kind == 2))
    nodes = cast_inexact(nodes, dtype)
    present = state.stored.astype(dtype) / jnp.maximum(total(state.stored), 1)
    weight = nodes.conductance(state.weight / jnp.asarray(largest, dtype))
    row = lambda name: jnp.sum(present * jnp.sum(nodes.at(name, weight), axis=1))
    counter = jnp.sum(present * nodes.at("write_energy", nodes.conductance(state.counter)))
    compare = row("read_energy") + nodes.integrate_energy
    write = changed * row("write_energy") / inputs + written * counter
    width = 2 * _WIDTH
    if verify:
        write, width = 2 * (write + changed * row("read_energy") / inputs), 2 * (width + _SHORT)
    return NodeCost(
        compare_pulses=compared * (inputs + 1),
        compare_energy=compared * compare,
        write_pulses=(changed + written) * (6 if verify else 2),
        write_energy=write,
        wake_pulses=woken,
        wake_energy=woken * nodes.wake_energy,
        off_pulses=off,
        off_energy=off * nodes.off_energy,
        compare_energy_never_off=total(history.stored) * compare,
        time=len(history.kind) * _SHORT + written * width + (woken + off) * _WIDTH,
    )
