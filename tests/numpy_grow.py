"""A network that grows when required, written as in the papers: objects and a dictionary of edges."""

import math

import numpy as np


class Node:
    def __init__(self, weight, n_classes, step):
        self.weight = np.array(weight, float)
        self.counter = 1.0
        self.on = True
        self.last_win = step
        self.count = np.zeros(n_classes)


class PlainNetwork:
    """Nodes are numbered as in the product: a new one takes the first free number."""

    def __init__(self, weights, n_classes, capacity, **parameters):
        self.capacity, self.p, self.step = capacity, parameters, 0
        self.nodes = {i: Node(w, n_classes, 0) for i, w in enumerate(weights)}
        self.edges = {}
        self.compared = self.written = self.switched_off = 0

    def ranked(self, sample, on):
        able = [(np.sum((sample - n.weight) ** 2), i) for i, n in self.nodes.items() if n.on == on]
        return [(i, math.exp(-math.sqrt(d / len(sample)))) for d, i in sorted(able)]

    def neighbours(self, i):
        return [next(iter(edge - {i})) for edge in self.edges if i in edge]

    def adapt(self, i, sample, rate, fall):
        node = self.nodes[i]
        node.weight += rate * node.counter * (sample - node.weight)
        node.counter += fall * self.p["recovery"] * (1 - node.counter) - fall

    def show(self, sample, label):
        """Returns winner, second and what happened."""
        p = self.p
        self.step += 1
        (first, activity), (second, _) = self.ranked(sample, True)[:2]
        asleep = self.ranked(sample, False)
        sleeping, asleep = len(asleep), [(i, a) for i, a in asleep if self.agrees(i, label)]
        wants = activity < p["activity_threshold"]
        wants = wants and self.nodes[first].counter < p["habituation_threshold"]
        self.compared = len(self.nodes) if wants else len(self.nodes) - sleeping
        kind = "trained"
        if wants and asleep and asleep[0][1] >= p["activity_threshold"]:
            kind = "woken"
            first, second = asleep[0][0], first
            self.nodes[first].on = True
        elif wants and len(self.nodes) < self.capacity:
            kind = "inserted"
        elif wants:
            kind = "full"
        self.edges[frozenset({first, second})] = 0
        changed, self.written, self.switched_off = first, 1, 0
        if kind == "inserted":
            changed = min(set(range(self.capacity)) - set(self.nodes))
            new = Node((self.nodes[first].weight + sample) / 2, len(self.nodes[first].count), self.step)
            self.nodes[changed] = new
            del self.edges[frozenset({first, second})]
            self.edges[frozenset({first, changed})] = 0
            self.edges[frozenset({second, changed})] = 0
        else:
            near = [i for i in self.neighbours(first) if self.nodes[i].on]
            self.adapt(first, sample, p["winner_rate"], p["winner_fall"])
            for i in near:
                self.adapt(i, sample, p["neighbour_rate"], p["neighbour_fall"])
                self.written += 1
        self.label(self.nodes[changed].count, label)
        if self.agrees(changed, label):
            self.nodes[changed].last_win = self.step
        self.age(first)
        for i, node in self.nodes.items():
            if node.on and self.step - node.last_win > p["off_after"] and i not in (first, second):
                node.on = False
                self.switched_off += 1
        return first, second, kind

    def agrees(self, i, label):
        count = self.nodes[i].count
        return not self.p["by_label"] or label < 0 or not count.any() or label == np.argmax(count)

    def label(self, count, label):
        if label >= 0:
            others = np.arange(len(count)) != label
            count[others] = np.maximum(count[others] - self.p["label_fall"], 0)
            count[label] += 1

    def age(self, winner):
        for edge in [edge for edge in self.edges if winner in edge]:
            self.edges[edge] += 1
            if self.edges[edge] > self.p["max_age"]:
                del self.edges[edge]
                for i in edge:
                    if self.p["deletes"] and not self.neighbours(i):
                        del self.nodes[i]
