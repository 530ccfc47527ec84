"""How many of the wires in a picture are found: by density, noise, and the angle at which two cross.

The pictures are drawn of wires that are known, see `_micrographs.py`: 4 pixels wide and some 120 long, in
512 by 512 pixels, blurred, under uneven light, with noise on each pixel. They are drawn again with more
blur, wires that differ in width, gaps in them, and light that is more uneven. A wire counts as found where
both ends of a wire are within 8 pixels, two widths, of its own.

    python experiments/networks/wires_in_images.py --out results/wires_in_images
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import jaxnn
from experiments.networks._micrographs import micrograph, score, wires
from experiments.shared import figures, script


SIZE, WIDTH, LENGTH, NEAR = 512, 4.0, 120.0, 8.0  # [pixels]
COUNTS = (15, 30, 60, 90, 120)
NOISES = (0.1, 0.2, 0.4)  # of the brightness of a wire
# How they are drawn, and what a user sees and gives: how wide wires look, and how far apart pieces lie.
HARDER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "blur of 3 pixels": ({"blur": 3.0}, {"width": 8.0}),
    "widths of 2 to 6 pixels": ({"widths": (0.5, 1.5)}, {}),
    "three gaps of 8 pixels in each": ({"gaps": 3}, {"gap": 32.0}),
    "light five times as uneven": ({"light": 5.0}, {}),
    "all of these": (
        {"blur": 3.0, "widths": (0.5, 1.5), "gaps": 3, "light": 5.0},
        {"width": 8.0, "gap": 32.0},
    ),
}
ANGLES = (5, 10, 15, 20, 30, 45, 60, 90)  # [degrees]


def scores(count: int, noise: float, images: int, drawn: Any = None, **given: Any) -> dict[str, float]:
    """The means over some pictures, of what is drawn and how it is searched."""
    found, width = [], given.pop("width", WIDTH)
    for seed in range(images):
        true = wires(count, SIZE, LENGTH, seed)
        image = micrograph(true, SIZE, WIDTH, noise=noise, seed=seed, **(drawn or {}))
        ends = jaxnn.data.wires_from_image(image, width, **given)
        found.append(score(ends, true, NEAR))
    return {name: mean([x[name] for x in found]) for name in found[0]}


def mean(values: list[float]) -> float:
    """The mean of what is a number; NaN where nothing is, as of ends in pictures without a wire found."""
    known = [x for x in values if np.isfinite(x)]
    return float(np.mean(known)) if known else np.nan


def crossing(angle: float, images: int) -> float:
    """How often two wires that cross in their middles at an angle [degrees] are found as these two."""
    good = 0
    for seed in range(images):
        turn = np.random.default_rng(seed).uniform(0, np.pi)
        half = np.array([[np.cos(a), np.sin(a)] for a in (turn, turn + np.deg2rad(angle))]) * LENGTH / 2
        true = 100 + np.stack([-half, half], axis=1)
        ends = jaxnn.data.wires_from_image(micrograph(true, 200, WIDTH, seed=seed), WIDTH)
        result = score(ends, true, NEAR)
        good += result["recall of wires"] == result["precision of wires"] == 1
    return good / images


def picture(
    table: dict[str, dict[str, float]],
    harder: dict[str, dict[str, dict[str, float]]],
    angles: dict[str, float],
    path: Path,
) -> None:
    """A picture with what was found in it, the shares by density, in harder pictures, and by angle."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 9.4), layout="constrained")
    axes = axes.reshape(-1)
    true = wires(60, SIZE, LENGTH, 1)
    image = micrograph(true, SIZE, WIDTH, seed=1)
    jaxnn.data.plot_wires(image, jaxnn.data.wires_from_image(image, WIDTH), ax=axes[0])
    axes[0].set(xlabel="[pixels]", ylabel="[pixels]", title="60 wires, noise 0.2")
    for k, noise in enumerate(NOISES):
        for name, style in (("recall of wires", "o-"), ("precision of wires", "s--")):
            values = [table[f"{count} wires, noise {noise}"][name] for count in COUNTS]
            axes[1].plot(COUNTS, values, style, color=f"C{k}", ms=4)
        axes[1].plot([], [], color=f"C{k}", label=f"noise {noise}")
    axes[1].plot([], [], "ko-", ms=4, label="recall")
    axes[1].plot([], [], "ks--", ms=4, label="precision")
    axes[1].set(xlabel="wires in the picture", ylabel="share", ylim=(0, 1.02))
    axes[1].legend(fontsize=8, loc="lower left", frameon=False)
    plain = [table[f"{count} wires, noise 0.2"]["recall of wires"] for count in COUNTS]
    axes[2].plot(COUNTS, plain, "ko-", ms=4, label="as above, noise 0.2")
    for k, (name, of) in enumerate(harder.items()):
        values = [one["recall of wires"] for one in of.values()]
        axes[2].plot(list(map(int, of)), values, "o-", color=f"C{k}", ms=4, label=name)
    axes[2].set(xlabel="wires in the picture", ylabel="recall of wires", ylim=(0, 1.02))
    axes[2].legend(fontsize=8, loc="upper right", frameon=False)
    axes[3].plot(list(map(float, angles)), list(angles.values()), "ko-", ms=4)
    axes[3].set(
        xlabel="angle at which two wires cross [degrees]", ylabel="share found as two", ylim=(0, 1.02)
    )
    figures.save(figure, path)


def main() -> None:
    """Draws, finds, and reports."""
    parser = script.parser(__doc__, "results/wires_in_images", quick="one picture of each, three crossings")
    arguments = script.start(parser)
    images, crossings = (1, 3) if arguments.quick else (10, 40)
    table = {f"{n} wires, noise {x}": scores(n, x, images) for n in COUNTS for x in NOISES}
    angles = {str(angle): crossing(angle, crossings) for angle in ANGLES}
    harder = {
        name: {str(n): scores(n, 0.2, images, drawn, **given) for n in COUNTS}
        for name, (drawn, given) in HARDER.items()
    }
    picture(table, harder, angles, arguments.out / "wires_in_images.png")
    report = {"images": images, "scores": table, "harder": harder, "crossings": crossings}
    report["found as two"] = angles
    script.finish(arguments.out / "wires_in_images.json", report)


if __name__ == "__main__":
    main()
