"""Streams of classes that come, go and come back, and what networks make of them."""

from typing import NamedTuple

import jax
import numpy as np
from tqdm.auto import tqdm

import jaxnn


GROWING = "growing"
BY_LABEL = "growing, switched by label"
STATIC = ("static, copies of the first group", "static, random numbers")
DEVICES = ("growing, devices, verified writes", "growing, devices, single writes")


class Setting(NamedTuple):
    """Everything a result hangs on, in samples where it is a number of them."""

    capacity: int
    activity_threshold: float
    winner_rate: float
    neighbour_rate: float
    winner_fall: float
    off_after: int
    phases_capacity: int
    phases: tuple[int, ...]
    phases_of: int | None  # samples that the phases draw from; all of them where None
    per_group: int
    group: int  # classes that come together
    snapshots: int  # per phase


def draw(task, classes, count, rng):
    """`count` samples of some classes at random, as a stream; all of them once before any again."""
    of = np.flatnonzero(np.isin(task.train_label, classes))
    rounds = [rng.permutation(of) for _ in range(-(-count // len(of)))]
    chosen = np.concatenate(rounds)[:count]
    return task.train[chosen], task.train_label[chosen]


def accuracy(network, state, task, classes, stored=False):
    """The fraction of test samples of some classes that the network names."""
    of = np.isin(task.test_label, classes)
    return float(np.mean(np.asarray(network.classify(state, task.test[of], stored)) == task.test_label[of]))


def nickelate_nodes():
    """Pulses on nickelate devices, which differ and write with noise."""
    return jaxnn.NickelateNodes.measure(jaxnn.NickelateDevice(), jax.random.key(0))


def storage(task, setting, method, nodes, key):
    """The devices of a method; none for exact numbers."""
    if method not in DEVICES:
        return None
    largest = float(task.train.max())
    shape = setting.capacity, task.train.shape[1]
    return nodes.storage(*shape, key, largest=largest, verify=method == DEVICES[0])


def growing(setting, method, storage=None, **options):
    """A network of a setting; static ones are full, so that the threshold is of no account."""
    return jaxnn.GrowWhenRequired(
        setting.capacity,
        activity_threshold=0.0 if method in STATIC else setting.activity_threshold,
        winner_rate=setting.winner_rate,
        neighbour_rate=setting.neighbour_rate,
        winner_fall=setting.winner_fall,
        by_label=method == BY_LABEL,
        storage=storage,
        **options,
    )


def run_phases(task, setting, method=GROWING, nodes=None, seed=0):
    """Half of the classes, all, the first half, all: what is on, and how well it does."""
    rng = np.random.default_rng(seed)
    shown = slice(setting.phases_of)
    task = task._replace(train=task.train[shown], train_label=task.train_label[shown])
    everything = np.arange(task.n_classes)
    first = everything[: task.n_classes // 2]
    setting = setting._replace(capacity=setting.phases_capacity)
    held = storage(task, setting, method, nodes, jax.random.key(seed))
    network = growing(setting, method, held, off_after=setting.off_after)
    seeds, seed_labels = draw(task, first, 2, rng)
    state = network.start(seeds, task.n_classes, seed_labels)
    rows, snapshots = [], []
    for number, (classes, count) in enumerate(
        zip((first, everything, first, everything), setting.phases, strict=True), start=1
    ):
        before = state
        stream = draw(task, classes, count, rng)
        parts = zip(*(np.split(x, setting.snapshots) for x in stream), strict=True)
        histories, costs, early = [], [], None
        for x, y in tqdm(parts, total=setting.snapshots, desc=f"phase {number}", disable=None):
            state, history = network.learn(state, x, y)
            histories.append(history)
            if nodes is not None:
                costs.append(cost(task, method, nodes, history, state))
            label = np.where(np.asarray(state.stored), np.asarray(state.label), -2)
            snapshots.append((int(state.step), np.asarray(state.on), label))
            if len(histories) == setting.snapshots // 10:
                early = accuracy(network, state, task, classes)
        rows.append(
            {"phase": number, "samples": count, "accuracy_of_the_phase_after_a_tenth": early}
            | {"accuracy_first_half": accuracy(network, state, task, first)}
            | {"accuracy_all": accuracy(network, state, task, everything)}
            | {"accuracy_all_stored": accuracy(network, state, task, everything, stored=True)}
            | who_is_on(task, before, state, histories, stream[1])
            | {"cost": summed(costs)}
        )
    return rows, snapshots


def who_is_on(task, before, state, histories, labels):
    """Counts of nodes after a phase, and of those that samples of the second half used in it."""
    kind = np.concatenate([np.asarray(history.kind) for history in histories])
    kinds = np.bincount(kind, minlength=4)
    second = task.n_classes // 2
    winner = np.concatenate([np.asarray(history.node) for history in histories])
    used = np.isin(np.arange(len(state.on)), winner[labels >= second])
    on, stored = np.asarray(before.on), np.asarray(before.stored)
    return {
        "on": int(state.on.sum()),
        "stored": int(state.stored.sum()),
        "on_of_the_second_half": int((state.on & (state.label >= second)).sum()),
        "inserted": int(kinds[1]),
        "woken": int(kinds[2]),
        "refused_for_want_of_room": int(kinds[3]),
        "used_by_the_second_half_that_were_on": int((used & on).sum()),
        "used_by_the_second_half_that_were_off": int((used & stored & ~on).sum()),
        "used_by_the_second_half_that_are_new": int((used & ~stored).sum()),
    }


def cost(task, method, nodes, history, state):
    """Pulses, energies [J] and time [s] of a stretch of a stream."""
    largest = float(task.train.max())
    spent = jaxnn.node_cost(nodes, history, state, largest=largest, verify=method == DEVICES[0])
    names = [*vars(spent), "pulses", "energy"]
    return {name: float(getattr(spent, name)) for name in names}


def summed(costs):
    """What the stretches of a stream cost together; None where nothing is known of it."""
    return {name: sum(each[name] for each in costs) for name in costs[0]} if costs else None


def starts(task, setting, network, method, first, rng):
    """The first network of a class-incremental stream."""
    if method not in STATIC:
        return network.start(draw(task, first, 2, rng)[0], task.n_classes)
    if method == STATIC[0]:
        return network.start(draw(task, first, setting.capacity, rng)[0], task.n_classes)
    low, high = task.train.min(), task.train.max()
    noise = rng.uniform(low, high, (setting.capacity, task.train.shape[1]))
    return network.start(noise.astype(np.float32), task.n_classes)


def run_incremental(task, setting, method, nodes=None, seed=0):
    """Group by group: accuracies over the classes seen so far, and what it took."""
    groups = np.arange(task.n_classes).reshape(-1, setting.group)
    rng, key = np.random.default_rng(seed), jax.random.key(seed)
    # Nodes of the groups before are to sleep while a group is shown, and so for most of it.
    switched = {"off_after": setting.per_group // 6} if method == BY_LABEL else {}
    network = growing(setting, method, storage(task, setting, method, nodes, key), **switched)
    state = starts(task, setting, network, method, groups[0], rng)
    seen_so_far, alone, refused, costs = [], [], 0, []
    for k, group in enumerate(tqdm(groups, desc=f"{method}, seed {seed}", disable=None)):
        state, history = network.learn(state, *draw(task, group, setting.per_group, rng))
        refused += int(history.count(3))
        if method in DEVICES:
            costs.append(cost(task, method, nodes, history, state))
        named = np.asarray(network.classify(state, task.test, stored=True)) == task.test_label
        of = lambda classes, named=named: float(named[np.isin(task.test_label, classes)].mean())
        seen_so_far.append(of(groups[: k + 1]))
        alone.append([of(each) for each in groups[: k + 1]])
    lost = [at_once[-1] - at_the_end for at_once, at_the_end in zip(alone[:-1], alone[-1], strict=False)]
    return {
        "accuracy_of_seen": seen_so_far,
        "final_accuracy": seen_so_far[-1],
        "forgetting": float(np.mean(lost)),
        "nodes_used": int(np.sum(np.max(state.label_count, axis=1) > 0)),
        "refused_for_want_of_room": refused,
        "cost": summed(costs),
    }


def ratios(results):
    """Final accuracies of the growing networks over the static ones: median and range over the seeds."""
    table = {}
    for grown in (GROWING, BY_LABEL):
        for static in STATIC:
            if grown in results and static in results:
                final = [results[name]["final_accuracy"] for name in (grown, static)]
                ratio = np.array([a / b for a, b in zip(*final, strict=False)])
                spread = [float(ratio.min()), float(ratio.max())]
                table[f"{grown} / {static}"] = {"median": float(np.median(ratio)), "range": spread}
    return table
