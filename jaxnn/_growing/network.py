"""Networks that grow when required, and switch off what they do not use."""

import abc
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, DTypeLike, Float, Int, PyTree

import jaxnn_kernels as jk

from .._core import (
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
    concrete,
    user_code,
)


# More samples than anybody shows: what never happens.
_NEVER = 2**29

# The state, and the weights of the previous winner where there are contexts.
_Carry: TypeAlias = tuple[jk.GrowState, Array | None]


def _as_integer(value: Numbers) -> Number:
    value = arguments.as_numbers("it", value)
    return value if isinstance(value, jax.Array) else np.asarray(value)  # pyright: ignore[reportReturnType]


_STATE = arguments.one_of(jk.GrowState)


class GrowthHistory(Module):
    """A record of what every sample did, and which nodes were on.

    ```python
    growing = jaxnn.GrowWhenRequired(8)
    samples = jr.uniform(jr.key(0), (20, 2))
    state, history = growing.learn(growing.start(samples[:2]), samples)
    history.activity.shape  # (20,)
    history.count(1)  # 3
    ```
    """

    winner: Int[Array, " samples"]
    """The best node that was on, or the one that was woken."""
    node: Int[Array, " samples"]
    """The node inserted, or else the winner."""
    kind: Int[Array, " samples"]
    """0 trained, 1 inserted, 2 woken, 3 trained because there was no room to insert a node."""
    activity: Float[Array, " samples"]
    """exp(-|x - w| / sqrt(inputs)) of the best node that was on."""
    compared: Int[Array, " samples"]
    """Nodes that the sample was compared with: those on, and all where none of these matched."""
    written: Int[Array, " samples"]
    """Nodes whose weights and counters changed."""
    weights_written: Int[Array, " samples"]
    """Weights that changed, of all these nodes."""
    switched_off: Int[Array, " samples"]
    """Nodes that were switched off."""
    stored: Int[Array, " samples"]
    """Nodes on or off, before the sample."""
    on: Bool[Array, "snapshots nodes"]
    """Nodes that are on, after every `every` samples."""
    label: Int[Array, "snapshots nodes"]
    """Labels of the nodes then; -1 for none."""

    @arguments.checked(kind=arguments.count(0))
    def count(self, kind: int) -> Int[Array, ""]:
        """Counts the samples of a `kind`."""
        return jnp.sum(self.kind == kind)


class AbstractNodeStorage(Module):
    """A storage that nodes are made of where numbers are not exact: it decides what is read of one.

    A class of your own needs these three, all pure functions; noise is drawn from a key of its own and
    the step.

    ```python
    class Rounded(jaxnn.AbstractNodeStorage):
        def weights(self, rows, held, nodes, step):
            return jnp.round(rows, 1)

        def counters(self, counter, step):
            return counter

        def noise(self, rows):
            return jnp.zeros(rows.shape[0])


    jaxnn.GrowWhenRequired(2, storage=Rounded()).start([[0.12], [0.46]]).weight[:, 0]  # [0.1, 0.5]
    ```
    """

    @abc.abstractmethod
    def weights(
        self,
        rows: Float[Array, "some inputs"],
        held: Float[Array, "some inputs"],
        nodes: Int[Array, " some"],
        step: Int[Array, ""],
    ) -> Float[Array, "some inputs"]:
        """Returns the weights that nodes have after these rows were written over those that they held."""

    @abc.abstractmethod
    def counters(self, counter: Float[Array, " nodes"], step: Int[Array, ""]) -> Float[Array, " nodes"]:
        """Returns the counters that all nodes have after these were written into them."""

    @abc.abstractmethod
    def noise(self, rows: Float[Array, "some inputs"]) -> Float[Array, " some"]:
        """Returns the expected square of what writing added to rows of weights; distances leave it out."""


class GrowWhenRequired(Module):
    r"""A network whose nodes appear where samples are unlike anything stored, and sleep when unused.

    For a sample $x$, with $s$ and $t$ the best and second-best node that are on,

    $$a = \exp\!\left(-\frac{|x - w_s|}{\sqrt{\mathrm{inputs}}}\right), \qquad
      a < a_T \text{ and } h_s < h_T: \quad w_r = \frac{w_s + x}{2}$$

    inserts a node $r$ between them, unless a node that is off has $a \ge a_T$: it is woken and trained.
    Every other sample trains the winner and its neighbours, whose counters fall as they learn:

    $$w_s \mathrel{+}= \epsilon_b h_s (x - w_s), \quad w_i \mathrel{+}= \epsilon_n h_i (x - w_i), \quad
      h \mathrel{+}= \tau \kappa (1 - h) - \tau$$

    Winner and second-best get an edge of age 0 (a new node one to each of them, instead of theirs); all
    edges of the winner age by one, and go beyond `max_age`.

    - `capacity`: nodes there is room for. A sample that should insert one when all are taken trains
      instead, and is counted (kind 3 of the history).
    - `activity_threshold` $a_T$, `habituation_threshold` $h_T$: higher ones insert more nodes.
    - `winner_rate` $\epsilon_b$, `neighbour_rate` $\epsilon_n$: of learning.
    - `winner_fall` $\tau_b$, `neighbour_fall` $\tau_n$, `recovery` $\kappa$: of the counters, which
      approach $1 - 1 / \kappa$.
    - `max_age`: of an edge, in wins of either end.
    - `deletes`: remove a node that loses its last edge, and free its place.
    - `off_after` $T_\mathrm{off}$: switch a node off that has not won for so many samples; at least the
      two best ones stay on. Without, never.
    - `by_label`: only a sample of the node's own label, or of none, keeps a node on and wakes it. Without,
      nodes at a border between classes stay on through the samples of the other one.
    - `label_fall`: a sample adds 1 to its own label's count of the node that it trained and takes this
      from the others.
    - `context`, `context_decay` $\beta$: the number $K$ of contexts (Gamma-GWR), and their decay,

    $$C_k(t) = \beta\, c_{b,k} + (1 - \beta)\, c_{b,k-1}, \qquad c_{b,0} = w_b, \qquad
      d^2 = \sum_{k=0}^{K} \alpha_k |C_k - c_{n,k}|^2, \qquad \alpha_k \propto e^{-k}, \;
      \textstyle\sum_k \alpha_k = 1$$

    with b the previous winner and $C_0 = x$. Parts are stored times $\sqrt{\alpha_k}$, side by side.

    - `storage`: what becomes of a number that is written into a node, see `AbstractNodeStorage`.

    All but `capacity`, `context` and `storage` are numbers that may be traced or batched. Winners are
    discrete: there is no gradient through learning.

    Raises a `ValueError` for parameters out of range.

    Source: Marsland, Shapiro and Nehmzow, Neural Networks 15, 1041 (2002); Parisi et al., Neural
    Networks 96, 137 (2017) for counters and contexts; switching off after Zhang et al., Science 375,
    533 (2022). The distance is divided by $\sqrt{\mathrm{inputs}}$, which none of these do.

    ```python
    growing = jaxnn.GrowWhenRequired(8)
    samples = jr.uniform(jr.key(0), (20, 2))
    state, history = growing.learn(growing.start(samples[:2]), samples)
    state.stored.sum()  # 5
    ```
    """

    capacity: int = eqx.field(static=True)
    """Nodes there is room for, at least 2."""
    activity_threshold: Any = eqx.field(default=0.9, converter=as_inexact)
    """Activity a_T below which a sample is unlike the best node, from 0 to 1."""
    habituation_threshold: Any = eqx.field(default=0.1, converter=as_inexact)
    """Counter h_T below which a node counts as trained, from 0 to 1."""
    winner_rate: Any = eqx.field(default=0.2, converter=as_inexact)
    """Rate epsilon_b at which the best node learns, from 0 to 1."""
    neighbour_rate: Any = eqx.field(default=0.01, converter=as_inexact)
    """Rate epsilon_n at which its neighbours learn, from 0 to 1."""
    winner_fall: Any = eqx.field(default=0.3, converter=as_inexact)
    """Rate tau_b at which the counter of the best node falls, from 0 to 1."""
    neighbour_fall: Any = eqx.field(default=0.1, converter=as_inexact)
    """Rate tau_n at which the counters of its neighbours fall, from 0 to 1."""
    recovery: Any = eqx.field(default=1.05, converter=as_inexact)
    """Recovery kappa of the counters, which approach 1 - 1 / kappa; at least 1."""
    max_age: Any = eqx.field(default=600, converter=_as_integer)
    """Age beyond which an edge goes, in wins of either end; at least 1."""
    deletes: Any = eqx.field(default=False, converter=_as_integer)
    """Whether a node that loses its last edge is removed."""
    off_after: Any = eqx.field(default=_NEVER, converter=_as_integer)
    """Samples without a win after which a node is switched off, at least 1."""
    by_label: Any = eqx.field(default=False, converter=_as_integer)
    """Whether only samples of a node's own label, or of none, keep it on and wake it."""
    label_fall: Any = eqx.field(default=0.1, converter=as_inexact)
    """What a sample takes from a node's counts of other labels, from 0 to 1."""
    context: int = eqx.field(static=True, default=0)
    """Number K of contexts, at least 0."""
    context_decay: Any = eqx.field(default=0.7, converter=as_inexact)
    """Decay beta of the contexts, from 0 to 1."""
    storage: AbstractNodeStorage | None = None
    """What becomes of a number that is written into a node; None keeps it exactly."""

    def __check_init__(self) -> None:
        arguments.as_count("capacity", self.capacity)
        if self.capacity < 2:
            raise ValueError(
                f"capacity must be at least 2, got {self.capacity}: best and second-best node."
            )
        if self.context < 0:
            raise ValueError(f"context must be 0 or more contexts, got {self.context}.")
        for name in ("activity_threshold", "habituation_threshold", "winner_rate", "neighbour_rate"):
            _check_fraction(name, getattr(self, name))
        for name in ("winner_fall", "neighbour_fall", "label_fall", "context_decay"):
            _check_fraction(name, getattr(self, name))
        check_at_least("recovery", self.recovery, 1)
        check_at_least("max_age", self.max_age, 1)
        check_at_least("off_after", self.off_after, 1)

    @arguments.checked(inputs=arguments.real(finite=False), n_classes=arguments.count())
    def start(self, inputs: Numbers, n_classes: int = 1, labels: Numbers | None = None) -> jk.GrowState:
        """Makes a network of so many fresh nodes at `inputs` `(nodes, inputs)`, at least two.

        `labels` (nodes,), where given, are what these nodes are counted for. Contexts start at zero.

        Raises a `ValueError` for fewer than two nodes, more than the capacity, what is not finite, and a
        capacity whose edges and weights would take more than half of the free memory.
        """
        inputs = as_array(inputs)
        check_finite("inputs", inputs)
        count = inputs.shape[0] if inputs.ndim == 2 else 0
        if not 2 <= count <= self.capacity:
            raise ValueError(
                f"inputs must be the weights of 2 to {self.capacity} nodes, (nodes, inputs), "
                f"got shape {inputs.shape}."
            )
        # Two of each: a step has the network before and after it.
        width = self.capacity + inputs.shape[1] * (1 + self.context) + n_classes
        advice = "take a smaller capacity, and fewer contexts or classes"
        check_shape(f"A network of {self.capacity:,} nodes", (2, self.capacity, width), advice)
        rows = jnp.pad(inputs * self._scales(inputs.dtype)[0], [(0, self.capacity - count), (0, 0)])
        weight = jnp.pad(rows, [(0, 0), (0, self.context * inputs.shape[1])])
        if self.storage is not None:
            nodes = jnp.arange(count, dtype=jnp.int32)
            with user_code(f"the storage {type(self.storage).__name__}"):
                written = self.storage.weights(weight[:count], 0 * weight[:count], nodes, jnp.int32(-1))
            weight = weight.at[:count].set(written)
        labels = jnp.full(count, -1) if labels is None else _check_labels(labels, count, n_classes)
        counts = jax.nn.one_hot(labels, n_classes, dtype=weight.dtype)  # zeros for -1
        counts = jnp.pad(counts, [(0, self.capacity - count), (0, 0)])
        state = jk.grow_state(weight, jnp.arange(self.capacity) < count, counts)
        if self.storage is None:
            return state
        with user_code(f"the storage {type(self.storage).__name__}"):
            noise = self.storage.noise(weight)
        return state._replace(square=state.square - noise)

    @arguments.checked(state=_STATE, inputs=arguments.real(finite=False))
    def learn(
        self,
        state: jk.GrowState,
        inputs: Numbers,
        labels: Numbers | None = None,
        *,
        every: int | None = None,
    ) -> tuple[jk.GrowState, GrowthHistory]:
        """Shows the network a stream of `inputs` `(samples, inputs)`, in order.

        - `state`: of `start` or of an earlier stream, which this one continues (contexts start anew).
        - `labels` (samples,): counted at the nodes; -1 or none for none.
        - `every`: samples between two looks at who is on; a divisor of the number of samples. The
          default looks once, at the end.

        Raises a `ValueError` for shapes that do not fit, labels without a class, and what is not finite.
        """
        inputs = jnp.asarray(inputs, state.weight.dtype)
        check_finite("inputs", inputs)
        n_inputs = state.weight.shape[1] // (1 + self.context)
        if inputs.ndim != 2 or inputs.shape[1] != n_inputs or not len(inputs):
            raise ValueError(f"inputs must have shape (samples, {n_inputs}), got {inputs.shape}.")
        every = len(inputs) if every is None else arguments.as_count("every", every)
        if len(inputs) % every:
            raise ValueError(f"every={every} must divide the {len(inputs)} samples.")
        n_classes = state.label_count.shape[1]
        looks = len(inputs) // every
        advice = f"look every {10 * every} samples or less often"
        check_shape(f"{looks:,} looks at {self.capacity:,} nodes", (looks, self.capacity), advice, each=5)
        labels = jnp.full(len(inputs), -1) if labels is None else labels
        return _learn(self, state, inputs, _check_labels(labels, len(inputs), n_classes), every)

    @arguments.checked(state=_STATE, inputs=arguments.real(ndim=2, finite=False), stored=arguments.flag)
    def classify(
        self, state: jk.GrowState, inputs: Numbers, stored: bool = False
    ) -> Int[Array, " samples"]:
        """Finds the labels of the nodes nearest to each input, among those on, or all that are stored.

        Nodes that no label was counted for do not take part; -1 where there is none that does. With
        contexts, inputs are a stream in order.
        """
        return _classify(self, state, jnp.asarray(inputs, state.weight.dtype), stored)

    def _scales(self, dtype: DTypeLike) -> Float[Array, " contexts"]:
        """sqrt(alpha_k)."""
        weights = jnp.exp(-jnp.arange(1 + self.context, dtype=dtype))
        return jnp.sqrt(weights / jnp.sum(weights))

    def _stacked(self, sample: Array, weight: Array) -> Array:
        """The sample with the contexts that the previous winner's weights leave."""
        if not self.context:
            return sample
        scale = self._scales(weight.dtype)
        parts = weight.reshape(1 + self.context, -1) / scale[:, None]
        decay = jnp.asarray(self.context_decay, weight.dtype)
        contexts = decay * parts[1:] + (1 - decay) * parts[:-1]
        return (jnp.concatenate([sample[None], contexts]) * scale[:, None]).reshape(-1)


def _check_fraction(name: str, value: object) -> None:
    check_at_least(name, value, 0)
    if (array := concrete(value)) is not None and (array > 1).any():
        raise ValueError(f"{name} must be at most 1, got {array.max():g}.")


def _check_labels(labels: Numbers, count: int, n_classes: int) -> Int[Array, " samples"]:
    arguments.real(finite=False)("labels", labels)
    labels = jnp.asarray(labels)
    if labels.shape != (count,):
        raise ValueError(f"labels must have shape ({count},), one per row of inputs, got {labels.shape}.")
    known = concrete(labels)
    if known is not None and (known.min(initial=0) < -1 or known.max(initial=0) >= n_classes):
        raise ValueError(
            f"labels must be -1 (none) to {n_classes - 1}, got {known.min()} to {known.max()}: "
            "start the network with a larger n_classes."
        )
    return labels.astype(jnp.int32)


def _step_parameters(network: GrowWhenRequired, dtype: DTypeLike) -> jk.GrowParameters:
    integers = {"max_age": jnp.int32, "off_after": jnp.int32, "deletes": jnp.bool_, "by_label": jnp.bool_}
    cast = lambda name: jnp.asarray(getattr(network, name), integers.get(name, dtype))
    return jk.GrowParameters(*map(cast, jk.GrowParameters._fields))


@announced("GrowWhenRequired.learn", lambda _, __, inputs, *___: f"{len(inputs):,} samples")
@compiled
def _learn(
    network: GrowWhenRequired, state: jk.GrowState, inputs: Array, labels: Array, every: int
) -> tuple[jk.GrowState, GrowthHistory]:
    parameters = _step_parameters(network, state.weight.dtype)
    storage = network.storage
    guarded = lambda method: user_code(f"the storage {type(storage).__name__}")(method)
    store = storage and jk.GrowStore(*map(guarded, (storage.weights, storage.counters, storage.noise)))

    def step(carry: _Carry, shown: tuple[Array, Array]) -> tuple[_Carry, jk.GrowEvent]:
        state, previous = carry
        sample, label = shown
        if previous is not None:
            sample = network._stacked(sample, previous)
        state, event = jk.grow_step(state, sample, label, parameters, store)
        previous = None if previous is None else state.weight[event.node]
        return (state, previous), event

    def block(carry: _Carry, shown: tuple[Array, Array]) -> tuple[_Carry, PyTree[Array]]:
        carry, events = jax.lax.scan(step, carry, shown)
        return carry, (events, carry[0].on, carry[0].label)

    split = lambda x: x.reshape(-1, every, *x.shape[1:])
    previous = jnp.zeros_like(state.weight[0]) if network.context else None
    (state, _), out = jax.lax.scan(block, (state, previous), (split(inputs), split(labels)))
    events, on, label = out
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), events._asdict())
    del flat["second"]
    return state, GrowthHistory(**flat, on=on, label=label)


@announced("GrowWhenRequired.classify", lambda _, __, inputs, ___: f"{len(inputs):,} samples")
@compiled
def _classify(network: GrowWhenRequired, state: jk.GrowState, inputs: Array, stored: bool) -> Array:
    able = (state.stored if stored else state.on) & (state.label >= 0)

    def nearest(sample: Array) -> Array:
        distance = jk.square_distance(state.weight, state.square, sample)
        return jnp.argmin(jnp.where(able, distance, jnp.inf))

    if network.context:

        def step(previous: Array, sample: Array) -> tuple[Array, Array]:
            distance = jk.square_distance(state.weight, state.square, network._stacked(sample, previous))
            winner = jnp.argmin(jnp.where(able, distance, jnp.inf))
            return state.weight[winner], winner

        winners = jax.lax.scan(step, jnp.zeros_like(state.weight[0]), inputs)[1]
    else:
        # A few hundred at a time: one product of matrices each, and no table of all distances.
        winners = jax.lax.map(nearest, inputs, batch_size=256)
    return jnp.where(jnp.any(able), state.label[winners], -1)
