"""Small pictures for notebooks, as SVG text: made in a millisecond, without Matplotlib."""

import html
from typing import Any

import jax
import numpy as np
from jax.core import Tracer


# Of Okabe and Ito, which the colour-blind can tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_WIDE, _HIGH = 340, 190  # [pixels]
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 12, 12, 36  # [pixels] around the box of curves
_POINTS = 300  # of a curve
_LINES = 3000  # of a picture of lines


def is_known(*trees: Any) -> bool:
    """Whether everything in some trees has a value: nothing traced, abstract or deleted."""
    leaves = jax.tree.leaves(trees)
    if any(isinstance(x, Tracer | jax.ShapeDtypeStruct) for x in leaves):
        return False
    return not any(isinstance(x, jax.Array) and x.is_deleted() for x in leaves)


def beside_text(shown: object, picture: str) -> str:
    """What a notebook shows of an object: its `repr`, and a picture below; the text alone without one."""
    style = "margin:0;white-space:pre-wrap"
    return f'<div><pre style="{style}">{html.escape(repr(shown))}</pre>{picture}</div>'


def curves(x: Any, rows: Any, *, xlabel: str, ylabel: str, log: bool = False) -> str:
    """Curves over `x`, up to seven of the `rows`, with the ends of both axes; "" if there is nothing."""
    x, rows = np.asarray(x, float).ravel(), np.asarray(rows, float).reshape(-1, np.size(x))[: len(PALETTE)]
    every = max(1, -(-x.size // _POINTS))
    x, rows = x[::every], rows[:, ::every]
    with np.errstate(divide="ignore", invalid="ignore"):
        height = np.log10(rows) if log else rows
    known = np.isfinite(height) & np.isfinite(x)
    if not known.any():
        return ""
    low, high = (float(f(height[known])) for f in (np.min, np.max))
    first, last = float(x[np.isfinite(x)].min()), float(x[np.isfinite(x)].max())
    across = _LEFT + (_WIDE - _LEFT - _RIGHT) * (x - first) / ((last - first) or 1)
    up = _HIGH - _BOTTOM - (_HIGH - _TOP - _BOTTOM) * (height - low) / ((high - low) or 1)
    parts = [_box()]
    for ink, y, inside in zip(PALETTE, up, known, strict=False):
        pairs = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across[inside], y[inside], strict=True))
        parts.append(f'<polyline points="{pairs}" fill="none" stroke="{ink}" stroke-width="1.5"/>')
    ends = [10**value if log else value for value in (low, high)]
    bottom = _HIGH - _BOTTOM
    parts += [
        _text(_LEFT - 5, bottom, f"{ends[0]:.3g}", "end"),
        _text(_LEFT - 5, _TOP + 9, f"{ends[1]:.3g}", "end"),
        _text(_LEFT, bottom + 14, f"{first:.3g}", "start"),
        _text(_WIDE - _RIGHT, bottom + 14, f"{last:.3g}", "end"),
        _text((_LEFT + _WIDE - _RIGHT) / 2, bottom + 28, xlabel, "middle"),
        f'<g transform="rotate(-90 14 {(_TOP + bottom) / 2})">'
        + _text(14, (_TOP + bottom) / 2, ylabel, "middle")
        + "</g>",
    ]
    return _svg("".join(parts))


def lines(ends: Any, dots: Any) -> str:
    """Straight lines `(n, 2, 2)` and dots `(m, 2)` in one scale for both axes; the first 3000 of each."""
    ends, dots = np.asarray(ends, float)[:_LINES], np.asarray(dots, float)[:_LINES]
    ends, dots = ends[np.isfinite(ends).all((1, 2))], dots[np.isfinite(dots).all(1)]
    points = np.concatenate([ends.reshape(-1, 2), dots])
    if not points.size:
        return ""
    low, span = points.min(0), np.ptp(points, 0)
    scale = (_HIGH - 12) / (max(span[1], 0.4 * span[0]) or 1)
    # Upwards is up.
    place = lambda p: (p - low) * scale * [1, -1] + [6, span[1] * scale + 6]
    ways = " ".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for a, b, c, d in place(ends).reshape(-1, 4))
    marks = " ".join(f"M{a:.1f} {b:.1f}h0" for a, b in place(dots))
    drawn = f'<path d="{ways}" stroke="#999" stroke-width="0.7" fill="none"/>' + (
        f'<path d="{marks}" stroke="{PALETTE[1]}" stroke-width="2.4" stroke-linecap="round"/>'
    )
    return _svg(drawn, *(span * scale + 12))


def _svg(inside: str, wide: float | int = _WIDE, high: float | int = _HIGH) -> str:
    size = f'width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}"'
    look = "background:#fff;font:11px sans-serif"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{look}">{inside}</svg>'


def _box() -> str:
    size = f'width="{_WIDE - _LEFT - _RIGHT}" height="{_HIGH - _TOP - _BOTTOM}"'
    return f'<rect x="{_LEFT}" y="{_TOP}" {size} fill="none" stroke="#ccc"/>'


def _text(x: float | int, y: float | int, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="#333">{html.escape(text)}</text>'
