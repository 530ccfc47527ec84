"""The data that growing networks are shown, as rows of numbers."""

from typing import Any, NamedTuple

import numpy as np

from jaxnn import data


PRINCIPAL = 32  # components of pictures
DEVICES, KEPT = 96, 64  # of a reservoir, and components of what they answer
RESERVOIRS = {"mnist-nickelate": "nickelate, neurons", "mnist-nanowires": "silver nanowires"}


class Task(NamedTuple):
    """Samples `(samples, inputs)` and labels, to learn and to test."""

    train: Any
    train_label: Any
    test: Any
    test_label: Any

    @property
    def n_classes(self):
        return int(self.train_label.max()) + 1

    def held_out(self):
        """The same with a fifth of the training samples as those to test: for choices."""
        order = np.random.default_rng(0).permutation(len(self.train))
        test, train = np.split(order, [len(order) // 5])
        return Task(self.train[train], self.train_label[train], self.train[test], self.train_label[test])

    def map(self, function):
        """The same with a function of the samples."""
        return self._replace(train=function(self.train), test=function(self.test))

    def principal_components(self, count):
        """The same in the largest principal components of all training samples, without their labels.

        Scaled so that a distance over the root of the inputs stays what it was, but for what the
        other components held.
        """
        from sklearn.decomposition import PCA

        fit = PCA(count, random_state=0).fit(self.train)
        scale = (count / self.train.shape[1]) ** 0.5
        return self.map(lambda samples: (scale * fit.transform(samples)).astype(np.float32))


def load(name, folder, cache):
    """A data set as rows of numbers of the size of one."""
    if name == "digits":
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images / 16, labels, test_size=500, random_state=0, stratify=labels)
        train, test, train_label, test_label = parts
    elif name == "mnist-pca":
        return load("mnist", folder, cache).principal_components(PRINCIPAL)
    elif name in RESERVOIRS:
        return reservoir_features(RESERVOIRS[name], folder, cache)
    elif name == "mnist":
        (train, train_label), (test, test_label) = (data.mnist(folder, s) for s in ("train", "test"))
    else:
        archive = np.load(data.data_folder(folder) / "cub" / "cub100_features.npz", allow_pickle=False)
        features, label, first = archive["features"].astype(np.float32), archive["label"], archive["train"]
        # The same length for every picture, so that nothing of other classes is used.
        features /= np.sqrt(np.mean(features**2, axis=1, keepdims=True))
        train, test = features[first], features[~first]
        train_label, test_label = label[first], label[~first]
    flat = lambda x: np.asarray(x, np.float32).reshape(len(x), -1)
    return Task(flat(train), np.asarray(train_label), flat(test), np.asarray(test_label))


def reservoir_features(method, folder, cache):
    """MNIST as a reservoir answers to it: currents over their deviation, in principal components."""
    from experiments.shared.reservoir_answers import Presentation
    from experiments.shared.reservoir_tasks import load as load_pictures

    pictures = load_pictures("mnist", folder, cache)
    answers, _ = Presentation(pictures, 0, cache / "answers").respond(method, DEVICES, DEVICES)
    ((train, test),) = pictures.splits["official"]
    task = Task(answers[train], pictures.labels[train], answers[test], pictures.labels[test])
    deviation = np.maximum(task.train.std(axis=0), 1e-6 * np.abs(task.train).max())
    return task.map(lambda samples: samples / deviation).principal_components(KEPT)
