"""Pictures of wires that are known, as of a microscope, and how many of the wires are found."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

import jaxnn


def wires(count: int, size: int, length: float, seed: int) -> np.ndarray:
    """Ends of straight wires [pixels] that lie within a square."""
    random = np.random.default_rng(seed)
    lengths = random.normal(length, 0.15 * length, count)
    angles = random.uniform(0, np.pi, count)
    half = lengths[:, None] / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    room = np.abs(half) + 6
    middle = random.uniform(room, size - room)
    return np.stack([middle - half, middle + half], axis=1)


def micrograph(
    ends: np.ndarray,
    size: int,
    width: float,
    *,
    noise: float = 0.2,
    blur: float = 1.0,
    light: float = 1.0,
    widths: tuple[float, float] = (1.0, 1.0),
    gaps: int = 0,
    gap: float = 8.0,
    seed: int = 0,
) -> np.ndarray:
    """Wires of brightness 0.7 to 1.3, blurred, uneven light behind them, and noise on each pixel.

    - `light`: how many times as uneven as a slope of 0.5 and a wave of 0.4.
    - `widths`: of the wires, in units of `width`, from the one to the other.
    - `gaps`, `gap`: how many pieces of each wire are dark, and how long they are [pixels].
    """
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    x, y = columns.astype(float), size - 1.0 - rows
    image = np.zeros((size, size))
    brightnesses = random.uniform(0.7, 1.3, len(ends))
    # Of a stream of its own, so that pictures without are what they were.
    uneven = np.random.default_rng([seed, 1])
    for (start, stop), brightness in zip(ends, brightnesses, strict=True):
        along, wide = stop - start, width * uneven.uniform(*widths)
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
        away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
        wire = brightness * np.clip(wide / 2 + 0.5 - away, 0, 1)
        # Not near an end, where a gap makes a shorter wire.
        for place in uneven.uniform(0.2, 0.8, gaps):
            wire[np.abs(share - place) < gap / 2 / np.hypot(*along)] = 0
        image = np.maximum(image, wire)
    behind = light * (0.5 * x / size + 0.4 * np.sin(2 * np.pi * y / size))
    return gaussian_filter(image, blur) + behind + noise * random.normal(size=image.shape)


def score(found: np.ndarray, true: np.ndarray, near: float) -> dict[str, float]:
    """Recall and precision of wires, and of the junctions between them.

    A wire is found if both its ends are no further than `near` [pixels] from those of a wire that was
    found, each of which counts for one; a junction if it is one between wires that were found.
    """
    pairs = [
        np.linalg.norm(found[:, None, order] - true, axis=-1).max(axis=-1) for order in ([0, 1], [1, 0])
    ]
    apart = np.minimum(*pairs)
    one, other = linear_sum_assignment(np.minimum(apart, 10 * near))
    good = apart[one, other] <= near
    known = dict(zip(one[good], other[good], strict=True))
    joined = lambda ends: {
        tuple(sorted(x)) for x in jaxnn.network_from_wires(ends, touching=2.0).edges.tolist()
    }
    ours, theirs = joined(found), joined(true)
    right = {tuple(sorted((known[a], known[b]))) for a, b in ours if a in known and b in known} & theirs
    return {
        "recall of wires": len(known) / len(true),
        "precision of wires": len(known) / len(found),
        "recall of junctions": len(right) / len(theirs),
        "precision of junctions": len(right) / max(len(ours), 1),
        "error of ends [pixels]": float(np.median(apart[one[good], other[good]])) if good.any() else np.nan,
    }
