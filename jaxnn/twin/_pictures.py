"""A comparison as pictures: predictions over the data, and the scores of every pad."""

# Matplotlib is imported inside the functions: `import jaxnn` is faster without it.
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import arguments
from .._plots import GUIDE, PALETTE
from ._compare import Comparison


if TYPE_CHECKING:
    from matplotlib.figure import Figure
else:
    Figure = Any  # annotations that are evaluated must not import Matplotlib

_SCANS = 150  # that are drawn of each pad
_LOWEST = -0.1  # R2; what is worse is drawn there
_MARKS = ("x", "v", "s", "D", "^", "o")
_NAMES = {"black_box": "black box", "network": "RC network", "twin_heard": "twin, mains heard"}


@arguments.checked(found=arguments.one_of(Comparison))
def draw_predictions(found: Comparison) -> Figure:
    """Draws what the twin predicts over what was measured, of the worst, the median and the best pad.

    ```python
    time, source = 0.2 * np.arange(500), np.random.default_rng(0).uniform(0.4, 1.0, 500)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    measured = np.column_stack([source, np.asarray(device(time, source))])
    recording = jaxnn.data.Recording(time, measured, np.full((500, 3), np.nan), ("s", "a", "b"))
    figure = jaxnn.twin.draw_predictions(jaxnn.twin.compare(recording))
    figure.savefig("predictions.png")
    ```
    """
    import matplotlib.pyplot as plt

    scores = np.nan_to_num(found.scores["twin"], nan=-np.inf)
    order = np.argsort(scores)
    places = {"worst": order[0], "median": order[len(order) // 2], "best": order[-1]}
    figure, axes = plt.subplots(len(places), 1, figsize=(9, 7.5), sharex=True, layout="constrained")
    shown = slice(0, _SCANS)
    for ax, (name, k) in zip(axes, places.items(), strict=True):
        time, data = found.time[shown], found.measured[shown, k]
        ax.plot(time, data, ".-", color="0.6", ms=5, lw=1, label="measured")
        for model, color in (("pole", PALETTE[1]), ("twin", PALETTE[0])):
            values = found.predicted[model][shown, k]
            score = found.scores[model][k]
            label = f"{model.replace('pole', 'single pole')}, $R^2$ {score:.3f} of the whole part"
            ax.plot(time, values, lw=1.4, color=color, label=label)
        ax.set_title(f"{name}: pad {found.twin.roles.live[k]}", loc="left", fontsize="medium")
        ax.set_ylabel("potential [V]")
        # Room for the legend above the curves.
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.3 * (high - low))
        ax.legend(frameon=False, fontsize="small", ncols=3, loc="upper left")
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("time [s]")
    return figure


@arguments.checked(found=arguments.one_of(Comparison))
def draw_scores(found: Comparison) -> Figure:
    """Draws R2 of every live pad, by the twin and by the simpler models.

    ```python
    time, source = 0.2 * np.arange(500), np.random.default_rng(0).uniform(0.4, 1.0, 500)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    measured = np.column_stack([source, np.asarray(device(time, source))])
    recording = jaxnn.data.Recording(time, measured, np.full((500, 3), np.nan), ("s", "a", "b"))
    figure = jaxnn.twin.draw_scores(jaxnn.twin.compare(recording))
    figure.savefig("scores.png")
    ```
    """
    import matplotlib.pyplot as plt

    pads, models = found.twin.roles.live, found.models
    figure, ax = plt.subplots(figsize=(max(6, 0.55 * len(pads) + 3), 4.5), layout="constrained")
    offsets = np.linspace(-0.28, 0.28, len(models))
    for model, mark, color, offset in zip(
        models, _MARKS[-len(models) :], PALETTE[::-1][-len(models) :], offsets, strict=True
    ):
        values = np.nan_to_num(found.scores[model], nan=_LOWEST)
        label = f"{_NAMES.get(model, model)}, median {found.median(model):.3f}"
        ax.plot(
            np.arange(len(pads)) + offset, np.maximum(values, _LOWEST), mark, color=color, ms=6, label=label
        )
    for k in range(1, len(pads)):
        ax.axvline(k - 0.5, color=GUIDE, lw=0.6)
    ax.set(
        xlabel="pad",
        ylabel="$R^2$ of the judged part",
        ylim=(_LOWEST - 0.05, 1.05),
        xlim=(-0.5, len(pads) - 0.5),
    )
    ax.set_xticks(range(len(pads)), pads)
    ax.axhline(0, color=GUIDE, lw=0.8)
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=3)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
