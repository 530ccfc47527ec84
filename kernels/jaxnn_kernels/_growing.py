"""One sample of a network that grows when required, in arrays of fixed capacity."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from . import _arguments as arguments
from ._number import Number


# Kinds of what a sample does to the network.
TRAINED, INSERTED, WOKEN, FULL = range(4)

# Clocks of two nodes never add up to this: an edge born then is long gone.
NO_EDGE = -(2**30)

# Nodes trained together; more of them take another round of the loop.
_ROWS = 8


class GrowState(NamedTuple):
    """All that a network has learned; row n of each array belongs to node n.

    ```python
    state = jaxnn.kernels.grow_state(jnp.eye(3), jnp.array([True, True, False]), jnp.zeros((3, 1)))
    state.on  # [True, True, False]
    state.counter  # [1.0, 1.0, 1.0]
    ```
    """

    weight: Float[Array, "nodes inputs"]
    """Weights w of each node, its contexts behind."""
    square: Float[Array, " nodes"]
    """|w|^2, which turns the distances to a sample into one product of matrix and vector.

    Less the square that noise of writing is expected to add to a distance, where there is any.
    """
    counter: Float[Array, " nodes"]
    """The habituation h, 1 for a fresh node and near 0 for a trained one."""
    stored: Bool[Array, " nodes"]
    """Which nodes there are."""
    on: Bool[Array, " nodes"]
    """Which nodes are on."""
    last_win: Int[Array, " nodes"]
    """Number of the sample that each node last won, which keeps it on."""
    clock: Int[Array, " nodes"]
    """How often the edges of a node have aged; never set back."""
    born: Int[Array, "nodes nodes"]
    """clock_i + clock_j when the edge between i and j had age 0: its age is what they gained since."""
    label_count: Float[Array, "nodes classes"]
    """How much each label was counted for at each node."""
    label: Int[Array, " nodes"]
    """The label that is counted most at each node; -1 for none."""
    step: Int[Array, ""]
    """Number of samples so far."""


class GrowEvent(NamedTuple):
    """The record of what a sample did.

    ```python
    state = jaxnn.kernels.grow_state(jnp.eye(3), jnp.array([True, True, False]), jnp.zeros((3, 1)))
    numbers = jaxnn.kernels.GrowParameters(0.9, 0.1, 0.2, 0.01, 0.3, 0.1, 1.05, 600, 0, 1000, 0, 0.1)
    step, sample = jax.jit(jaxnn.kernels.grow_step), jnp.array([0.9, 0.2, 0.0])
    state, event = step(state, sample, jnp.int32(0), numbers)
    event.winner  # 0
    ```
    """

    winner: Int[Array, ""]
    """The best node that was on, or the one that was woken."""
    second: Int[Array, ""]
    """The second-best node."""
    node: Int[Array, ""]
    """The inserted node, or else the winner."""
    kind: Int[Array, ""]
    """0 trained, 1 inserted, 2 woken, 3 trained because there was no room to insert."""
    activity: Float[Array, ""]
    """exp(-|x - w| / sqrt(inputs)) of the best node that was on, from 0 to 1."""
    compared: Int[Array, ""]
    """Nodes that the sample was compared with: those on, and all where none of these matched."""
    written: Int[Array, ""]
    """Nodes whose weights and counters changed."""
    weights_written: Int[Array, ""]
    """Weights that changed, of all these nodes."""
    switched_off: Int[Array, ""]
    """Nodes that were switched off."""
    stored: Int[Array, ""]
    """Nodes on or off, before the sample."""


class GrowParameters(NamedTuple):
    """The thresholds, rates and ages as `jaxnn.GrowWhenRequired` explains them; all may be traced.

    ```python
    numbers = jaxnn.kernels.GrowParameters(0.9, 0.1, 0.2, 0.01, 0.3, 0.1, 1.05, 600, 0, 1000, 0, 0.1)
    numbers.activity_threshold  # 0.9
    ```
    """

    activity_threshold: Number
    """Activity a_T below which a sample is unlike the best node, from 0 to 1."""
    habituation_threshold: Number
    """Counter h_T below which a node counts as trained, from 0 to 1."""
    winner_rate: Number
    """Rate epsilon_b at which the best node learns, from 0 to 1."""
    neighbour_rate: Number
    """Rate epsilon_n at which its neighbours learn, from 0 to 1."""
    winner_fall: Number
    """Rate tau_b at which the counter of the best node falls, from 0 to 1."""
    neighbour_fall: Number
    """Rate tau_n at which the counters of its neighbours fall, from 0 to 1."""
    recovery: Number
    """Recovery kappa of the counters, which approach 1 - 1 / kappa."""
    max_age: Number
    """Age beyond which an edge goes, in wins of either end."""
    deletes: Number
    """Whether a node that loses its last edge is removed, 0 or 1."""
    off_after: Number
    """Samples without a win after which a node is switched off."""
    by_label: Number
    """Whether only samples of a node's own label, or of none, keep it on and wake it, 0 or 1."""
    label_fall: Number
    """What a sample takes from a node's counts of other labels."""


class GrowStore(NamedTuple):
    """The way in which numbers are written into nodes: each function gives what is then there.

    ```python
    store = jaxnn.kernels.GrowStore(
        weights=lambda rows, held, nodes, step: jnp.round(rows, 1),
        counters=lambda counter, step: counter,
        noise=lambda rows: jnp.zeros(rows.shape[0]),
    )
    store.weights(jnp.array([[0.12, 0.87]]), None, None, None)[0]  # [0.1, 0.9]
    ```
    """

    weights: Callable[[Array, Array, Array, Array], Array]
    """Called with rows `(some, inputs)`, those that are there, the nodes `(some,)` that they go to, and the
    step."""
    counters: Callable[[Array, Array], Array]
    """Called with counters `(nodes,)` and the step."""
    noise: Callable[[Array], Array]
    """Called with rows of weights: the expected square of what writing added to each row, `(some,)`."""


@arguments.checked(weight="nodes inputs", stored=(arguments.flags, "nodes"), label_count="nodes classes")
def grow_state(
    weight: Float[Array, "nodes inputs"],
    stored: Bool[Array, " nodes"],
    label_count: Float[Array, "nodes classes"],
) -> GrowState:
    """Makes a network without edges whose `stored` nodes are fresh and on.

    ```python
    state = jaxnn.kernels.grow_state(jnp.eye(3), jnp.array([True, True, False]), jnp.zeros((3, 1)))
    state.square  # [1.0, 1.0, 1.0]
    ```
    """
    n = weight.shape[0]
    none = jnp.zeros(n, jnp.int32)
    return GrowState(
        weight=weight,
        square=jnp.sum(weight**2, axis=1),
        counter=jnp.ones(n, weight.dtype),
        stored=stored,
        on=stored,
        last_win=none,
        clock=none,
        born=jnp.full((n, n), NO_EDGE, jnp.int32),
        label_count=label_count,
        label=_leading(label_count),
        step=jnp.int32(0),
    )


def _leading(count: Array) -> Array:
    """The label that is counted most; -1 for none."""
    best = jnp.argmax(count, axis=-1).astype(jnp.int32)
    return jnp.where(jnp.max(count, axis=-1) > 0, best, -1)


@arguments.checked(weight="nodes inputs", square="nodes", sample="inputs")
def square_distance(
    weight: Float[Array, "nodes inputs"], square: Float[Array, " nodes"], sample: Float[Array, " inputs"]
) -> Float[Array, " nodes"]:
    """Computes |x - w|^2 of all nodes; the weights are read once, which is what a sample costs.

    ```python
    weight = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    square = jnp.sum(weight**2, axis=1)
    jaxnn.kernels.square_distance(weight, square, jnp.array([1.0, 1.0]))  # [1.0, 1.0]
    ```
    """
    product = jnp.dot(weight, sample, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(square - 2 * product + jnp.sum(sample**2), 0)


def _first(flags: Array) -> Array:
    """The lowest index that is set, or else the last: `argmax` of one, which XLA does not vectorise."""
    last = flags.shape[0] - 1
    return jnp.min(jnp.where(flags, jnp.arange(last + 1, dtype=jnp.int32), last))


def _nearest(order: Array, among: Array) -> Array:
    """The lowest index of the smallest among some; `order` is of distances."""
    masked = jnp.where(among, order, jnp.iinfo(order.dtype).max)
    return _first(masked == jnp.min(masked))


def _order(distance: Array) -> Array:
    """Integers in the order of distances: XLA vectorises their minimum, not that of numbers with NaN."""
    return jax.lax.bitcast_convert_type(distance, jnp.int64 if distance.dtype == jnp.float64 else jnp.int32)


def age(state: GrowState, node: Int[Array, ""]) -> Int[Array, " nodes"]:
    """Ages of the edges of a node to all others; far above every limit where there is none."""
    return state.clock[node] + state.clock - state.born[node]


class _Pull(NamedTuple):
    """Networks side by side, along the first axis, whose nodes are pulled towards a sample each."""

    weight: Array
    square: Array
    pulled: Array
    rate: Array
    node: Array
    origin: Array
    sample: Array


def _pull(
    pull: _Pull, store: GrowStore | None = None, step: Int[Array, ""] | None = None
) -> tuple[Array, Array, Array]:
    """w_i += rate_i (x - w_i) of the nodes i that are pulled, a few rows at a time.

    Gives w, |w|^2 and the number of weights that changed.

    `node` starts from the weights of `origin`. Everything that reads the weights does so in this loop
    or by products before it: a row that is used later would have XLA copy them all.
    """
    few = min(_ROWS, pull.pulled.shape[1])
    lane = jnp.arange(pull.node.shape[0], dtype=jnp.int32)[:, None]

    def body(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        weight, square, left, changed = carry
        chosen, index = jax.lax.top_k(left.astype(pull.rate.dtype), few)
        rows = weight[lane, jnp.where(index == pull.node[:, None], pull.origin[:, None], index)]
        rate = jnp.take_along_axis(pull.rate, index, axis=1)
        rows = rows + rate[..., None] * (pull.sample[:, None] - rows)
        # Weights that equal the sample have not moved. To look at what was there is to copy all of it.
        still = pull.sample[:, None]
        if store is not None:
            assert step is not None
            still = weight[lane, index]
            rows = store.weights(rows[0], still[0], index[0], step)[None]
        differ = jnp.where(chosen > 0, jnp.sum(rows != still, axis=-1, dtype=jnp.int32), 0)
        # The others of the few go where nothing is written.
        at = jnp.where(chosen > 0, index, left.shape[1])
        weight = weight.at[lane, at].set(rows, mode="drop")
        length = jnp.sum(rows**2, axis=-1)
        length = length if store is None else length - store.noise(rows[0])[None]
        square = square.at[lane, at].set(length, mode="drop")
        left = left.at[lane, at].set(False, mode="drop")
        return weight, square, left, changed + jnp.sum(differ, axis=1, dtype=jnp.int32)

    begin = pull.weight, pull.square, pull.pulled, jnp.zeros_like(pull.node)
    weight, square, _, changed = jax.lax.while_loop(lambda carry: jnp.any(carry[2]), body, begin)
    return weight, square, changed


@jax.custom_batching.custom_vmap
def _pull_together(pull: _Pull) -> tuple[Array, Array, Array]:
    """`_pull`, which under `vmap` takes more networks: a batched loop copies all weights, each turn."""
    return _pull(pull)


@_pull_together.def_vmap
def _pull_more(
    size: int, batched: Sequence[_Pull], pull: _Pull
) -> tuple[tuple[Array, Array, Array], tuple[bool, bool, bool]]:
    full = lambda x, has: x if has else jnp.broadcast_to(x, (size, *x.shape))
    merged = jax.tree.map(lambda x, has: full(x, has).reshape(-1, *x.shape[1 + has :]), pull, batched[0])
    out = _pull_together(merged)
    return jax.tree.map(lambda x: x.reshape(size, -1, *x.shape[1:]), out), (True, True, True)


def _alone(state: GrowState, nodes: Array, max_age: Number) -> Array:
    """Which of these (mostly no) nodes have no edge left."""

    def body(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        left, alone = carry
        i = jnp.argmax(left)
        return left.at[i].set(False), alone.at[i].set(jnp.all(age(state, i) > max_age))

    begin = nodes, jnp.zeros_like(nodes)
    return jax.lax.while_loop(lambda carry: jnp.any(carry[0]), body, begin)[1]


def _agree(own: Array, label: Array, by_label: Number) -> Array:
    """Whether a sample of this label is one of the node's own; all are where there is no label."""
    return (own == label) | (own < 0) | (label < 0) | ~by_label


class _Match(NamedTuple):
    winner: Array
    second: Array
    activity: Array
    insert: Array
    wake: Array
    full: Array
    compared: Array
    stored: Array


def _match(state: GrowState, sample: Array, label: Array, parameters: GrowParameters) -> _Match:
    """Best and second-best node that are on, and whether a node is inserted or woken."""
    p = parameters
    distance = square_distance(state.weight, state.square, sample)
    activity = lambda node: jnp.exp(-jnp.sqrt(distance[node] / sample.shape[0]))
    index = jnp.arange(distance.shape[0], dtype=jnp.int32)
    order = _order(distance)
    first = _nearest(order, state.on)
    second = _nearest(order, state.on & (index != first))
    asleep = state.stored & ~state.on & _agree(state.label, label, p.by_label)
    sleeper = _nearest(order, asleep)
    wants = (activity(first) < p.activity_threshold) & (state.counter[first] < p.habituation_threshold)
    wake = wants & asleep[sleeper] & (activity(sleeper) >= p.activity_threshold)
    n_stored = jnp.sum(state.stored, dtype=jnp.int32)
    room = n_stored < state.stored.shape[0]
    return _Match(
        winner=jnp.where(wake, sleeper, first),
        second=jnp.where(wake, first, second),
        activity=activity(first),
        insert=wants & ~wake & room,
        wake=wake,
        full=wants & ~wake & ~room,
        compared=jnp.where(wants, n_stored, jnp.sum(state.on, dtype=jnp.int32)),
        stored=n_stored,
    )


def _link(state: GrowState, match: _Match, node: Array) -> GrowState:
    """An edge of age 0 between winner and second, or from both to a new node between them."""
    w, v, insert = match.winner, match.second, match.insert
    clock = state.clock
    between = jnp.where(insert, NO_EDGE, clock[w] + clock[v])
    # Out of bounds, and so without effect, where no node is inserted.
    r = jnp.where(insert, node, state.born.shape[0])
    rows = jnp.stack([w, v, r, r, w, v])
    columns = jnp.stack([v, w, w, v, r, r])
    to_w, to_v = clock[node] + clock[w], clock[node] + clock[v]
    values = jnp.stack([between, between, to_w, to_v, to_w, to_v])
    return state._replace(born=state.born.at[rows, columns].set(values, mode="drop"))


def _counted(count: Array, label: Array, fall: Number) -> Array:
    """A node's counts of labels after a sample with this one; -1 is none and changes nothing."""
    hit = label == jnp.arange(count.shape[0], dtype=label.dtype)
    return jnp.where(label < 0, count, jnp.where(hit, count + 1, jnp.maximum(count - fall, 0)))


def _event(match: _Match, node: Array, written: tuple[Array, Array], off: Array) -> GrowEvent:
    """What a sample did, for the record."""
    count = lambda flags: jnp.sum(flags, dtype=jnp.int32)
    kind = jnp.where(match.wake, WOKEN, jnp.where(match.full, FULL, TRAINED))
    kind = jnp.where(match.insert, INSERTED, kind).astype(jnp.int8)
    return GrowEvent(
        winner=match.winner,
        second=match.second,
        node=node,
        kind=kind,
        activity=match.activity,
        compared=match.compared,
        written=count(written[0]),
        weights_written=written[1],
        switched_off=count(off),
        stored=match.stored,
    )


def _train(
    state: GrowState,
    match: _Match,
    node: Array,
    sample: Array,
    parameters: GrowParameters,
    store: GrowStore | None,
) -> tuple[GrowState, tuple[Array, Array]]:
    """Weights and counters of the winner or the new node, and of the neighbours; who and how many were."""
    p, w, insert = parameters, match.winner, match.insert
    own = jnp.arange(state.on.shape[0], dtype=jnp.int32) == node
    neighbour = (age(state, w) <= p.max_age) & state.on & ~insert
    written = neighbour | own
    ahead = jnp.where(insert, 0.5, p.winner_rate * state.counter[w])
    rate = jnp.where(own, ahead, p.neighbour_rate * state.counter)
    pull = _Pull(state.weight, state.square, written, rate, node, w, sample)
    alone = jax.tree.map(lambda x: x[None], pull)
    if store is None:
        weight, square, changed = _pull_together(alone)
    else:
        weight, square, changed = _pull(alone, store, state.step)

    fallen = lambda h, fall: h + fall * (p.recovery * (1 - h) - 1)
    counter = jnp.where(neighbour, fallen(state.counter, p.neighbour_fall), state.counter)
    counter = jnp.where(own, jnp.where(insert, 1, fallen(state.counter[w], p.winner_fall)), counter)
    if store is not None:
        counter = jnp.where(written, store.counters(counter, state.step), counter)
    return state._replace(weight=weight[0], square=square[0], counter=counter), (written, changed[0])


@arguments.checked(
    state=arguments.record(GrowState),
    sample="inputs",
    label=(arguments.integers, ""),
    parameters=arguments.record(GrowParameters),
    store=arguments.one_of(GrowStore),
)
def grow_step(
    state: GrowState,
    sample: Float[Array, " inputs"],
    label: Int[Array, ""],
    parameters: GrowParameters,
    store: GrowStore | None = None,
) -> tuple[GrowState, GrowEvent]:
    r"""Shows a network one sample: it inserts a node, wakes one, or trains the best and its neighbours.

    $$a = e^{-|x - w_s| / \sqrt{\mathrm{inputs}}}, \qquad
      a < a_T,\; h_s < h_T:\; w_r = \tfrac{1}{2}(w_s + x), \qquad
      \text{else: } w_s \mathrel{+}= \epsilon_b h_s (x - w_s),\;
      w_i \mathrel{+}= \epsilon_n h_i (x - w_i)$$

    and the counters of the nodes that were trained fall, $h \mathrel{+}= \tau \kappa (1 - h) - \tau$.

    At least two nodes have to be on. A `label` of -1 is none. `store` is what the nodes make of what
    is written into them.

    Source: Marsland et al., Neural Networks 15, 1041 (2002); Parisi et al., Neural Networks 96, 137
    (2017), with switching off after Zhang et al., Science 375, 533 (2022).

    ```python
    state = jaxnn.kernels.grow_state(jnp.eye(3), jnp.array([True, True, False]), jnp.zeros((3, 1)))
    numbers = jaxnn.kernels.GrowParameters(0.9, 0.1, 0.2, 0.01, 0.3, 0.1, 1.05, 600, 0, 1000, 0, 0.1)
    step, sample = jax.jit(jaxnn.kernels.grow_step), jnp.array([0.9, 0.2, 0.0])
    state, event = step(state, sample, jnp.int32(0), numbers)
    state.weight[0]  # [0.98, 0.04, 0.0]
    ```
    """
    arguments.check_axes({"state.weight": ("nodes inputs", state.weight), "sample": ("inputs", sample)})
    p, label = parameters, jnp.asarray(label)
    match = _match(state, sample, label, p)
    w, v, insert = match.winner, match.second, match.insert
    free = _first(~state.stored)
    node = jnp.where(insert, free, w)
    index = jnp.arange(state.on.shape[0], dtype=jnp.int32)
    now = state.step + 1
    state = _link(state._replace(on=state.on.at[w].set(True)), match, free)
    state, written = _train(state, match, node, sample, p, store)
    count = _counted(jnp.where(insert, 0, state.label_count[w]), label, p.label_fall)

    # Edges of the winner age, and go; so does a node that loses its last one.
    state = state._replace(clock=state.clock.at[w].add(1))
    removed = _alone(state, p.deletes & (age(state, w) == p.max_age + 1), p.max_age)
    own = _leading(count)
    last_use = jnp.where(_agree(own, label, p.by_label), now, state.last_win[node])
    last_win = state.last_win.at[node].set(last_use)
    stale = state.on & (now - last_win > p.off_after) & (index != w) & (index != v)
    stored = state.stored.at[node].set(True) & ~removed
    event = _event(match, node, written, stale)
    state = state._replace(
        label_count=state.label_count.at[node].set(count),
        label=state.label.at[node].set(own),
        last_win=last_win,
        stored=stored,
        on=state.on.at[node].set(True) & stored & ~stale,
        step=now,
    )
    return state, event
