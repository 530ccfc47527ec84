"""One picture for each task, and the table of laws and tasks as a map."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.shared import figures
from experiments.shared.figures import plt
from jaxnn.tasks import Task


# Whether more is better, and what a score is called.
COLUMNS = {
    "memory capacity": (True, "memory\ncapacity"),
    "processing capacity": (True, "processing\ncapacity"),
    "NARMA-10": (False, "NARMA-10\nNRMSE"),
    "Mackey-Glass": (False, "Mackey-Glass\nNRMSE"),
    "Lorenz": (False, "Lorenz\nNRMSE"),
    "waveforms": (True, "waveforms\naccuracy"),
}
SHOWN = 150  # samples


def draw(report: dict[str, Any], posed: dict[str, Task], out: Path) -> None:
    """All of them."""
    laws = report["laws"]
    _map(laws, out)
    _memory(laws, out)
    _capacity(laws, out)
    for name, labels in {"NARMA-10": ("y",), "Mackey-Glass": ("x",), "Lorenz": ("x", "y", "z")}.items():
        _followed(laws, name, labels, posed[name], out)
    _followed(laws, "waveforms", ("sine", "square", "shifted", "double"), posed["waveforms"], out)
    if "more" in report:
        _more(report["more"], out)


def best_of(laws: dict[str, Any], task: str) -> str:
    """The law with the best score, among those of junctions."""
    names = [name for name in laws if name not in ("resistors", "echo-state network")]
    sign = 1 if COLUMNS[task][0] else -1
    return max(names, key=lambda name: sign * laws[name][task]["score"])


def _map(laws: dict[str, Any], out: Path) -> None:
    """Colours are ranks within a task, numbers are scores."""
    scores = np.array([[law[task]["score"] for task in COLUMNS] for law in laws.values()])
    signed = scores * [1 if more else -1 for more, _ in COLUMNS.values()]
    rank = np.argsort(np.argsort(signed, axis=0), axis=0) / max(len(laws) - 1, 1)
    spread = [[law[task]["deviation"] for task in COLUMNS] for law in laws.values()]
    figure, ax = plt.subplots(figsize=(9, 5.5), layout="constrained")
    ax.imshow(rank, cmap="YlGn", vmin=-0.1, vmax=1.4, aspect="auto")
    for (i, j), value in np.ndenumerate(scores):
        known = "" if spread[i][j] is None else f" ± {spread[i][j]:.2f}"
        text = f"{value:.2f}{known}" if value < 100 else "> 100"
        ax.text(j, i, text, ha="center", va="center", fontsize=9)
    ax.set_xticks(range(len(COLUMNS)), [name for _, name in COLUMNS.values()], fontsize=9)
    ax.set_yticks(range(len(laws)), list(laws), fontsize=9)
    ax.set_title("Mean ± deviation of networks; the darker, the better in its column")
    figures.save(figure, out / "laws_and_tasks.png")


def _memory(laws: dict[str, Any], out: Path) -> None:
    figure, ax = plt.subplots(figsize=(8.5, 4), layout="constrained")
    for k, (name, law) in enumerate(laws.items()):
        each = np.asarray(law["memory capacity"]["each"])
        ax.plot(np.arange(1, len(each) + 1), each, "o-", ms=3, lw=1, color=f"C{k}", label=name)
    ax.set(xlabel="delay [samples]", ylabel="$r^2$ of what is recalled", title="Memory capacity")
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    figures.save(figure, out / "tasks_memory.png")


def _capacity(laws: dict[str, Any], out: Path) -> None:
    figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
    each = np.array([law["processing capacity"]["each"] for law in laws.values()])
    left = np.zeros(len(laws))
    for degree, part in enumerate(each.T, start=1):
        ax.barh(range(len(laws)), part, left=left, label=f"degree {degree}")
        left += part
    ax.set_yticks(range(len(laws)), list(laws), fontsize=8)
    ax.invert_yaxis()
    ax.set(xlabel="information processing capacity, present sample included", title="Capacity by degree")
    ax.legend(fontsize=7)
    figures.save(figure, out / "tasks_capacity.png")


def _followed(laws: dict[str, Any], name: str, labels: tuple[str, ...], task: Task, out: Path) -> None:
    """What the best law says of the first samples of the test."""
    law = best_of(laws, name)
    target, said = task.targets[task.parts()[2]][:SHOWN], np.asarray(laws[law][name]["said"])[:SHOWN]
    figure, axes = plt.subplots(
        len(labels),
        1,
        figsize=(7, 1.2 + 1.4 * len(labels)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for k, (ax, label) in enumerate(zip(axes[:, 0], labels, strict=True)):
        ax.plot(target[:, k], color="0.6", lw=2.5, label="target")
        ax.plot(said[:, k], color="C0", lw=1, label=law)
        ax.set_ylabel(label)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=8)
    axes[0, 0].set_title(f"{name[0].upper()}{name[1:]}: the best law", loc="left", fontsize="medium")
    axes[-1, 0].set_xlabel("sample of the test")
    figures.save(figure, out / f"tasks_{name.lower().replace('-', '_')}.png")


def _more(more: dict[str, Any], out: Path) -> None:
    """Ranks, memory through a function, and names of earlier symbols, under the rate balance."""
    figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
    ranks = more["ranks"]
    ax.plot(ranks["gain"], ranks["kernel"], "o-", label="kernel rank")
    ax.plot(ranks["gain"], ranks["generalisation"], "s-", label="generalisation rank")
    ax.set(
        xscale="log", xlabel="gain in units of the law's own voltage", ylabel="rank", title="Rate balance"
    )
    ax.set_xticks(ranks["gain"], [f"{x:g}" for x in ranks["gain"]])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    figures.save(figure, out / "tasks_ranks.png")

    figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
    found = more["nonlinear memory"]
    image = ax.imshow(found["each"], cmap="viridis", vmin=0, vmax=1, aspect="auto")
    ax.set_yticks(range(len(found["strengths"])), [f"{x:g}" for x in found["strengths"]])
    ax.set_xticks(
        range(np.shape(found["each"])[1]), [f"{d + 1}" for d in range(np.shape(found["each"])[1])]
    )
    ax.set(xlabel="delay [samples]", ylabel="strength $\\nu$", title="Rate balance: $\\sin(\\nu u_{k-d})$")
    figure.colorbar(image, ax=ax, label="$r^2$")
    figures.save(figure, out / "tasks_nonlinear_memory.png")

    figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
    found = more["sequence memory"]
    ax.plot(found["back"], found["score"], "o-", label="rate balance")
    ax.axhline(found["most frequent"], color="0.6", ls="--", label="the most frequent symbol")
    ax.set(
        xlabel="symbols back", ylabel="share that is named right", title="Sequence memory", ylim=(0, 1.03)
    )
    ax.legend(fontsize=8)
    figures.save(figure, out / "tasks_sequence_memory.png")
