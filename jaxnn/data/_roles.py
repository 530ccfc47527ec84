"""What the pads of a recording are for, told from what was measured of them."""

import dataclasses as dc
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float


if TYPE_CHECKING:
    from ._recordings import Recording
else:
    Recording = Any

# Of the source's potential: what a ground stays below, and what moves less is not wired to the network.
_GROUND, _STILL = 0.05, 0.015
# Share of a pad's changes that the source explains; below, a pad that hardly moves is dead, or any pad.
_FOLLOWS, _AT_LEAST = 0.5, 0.03
_LAGS = 10


@dc.dataclass(frozen=True)
class PadRoles:
    """The roles of the pads of a recording.

    ```python
    time, wave = np.arange(200.0), np.sin(np.arange(200) ** 2)
    voltage = np.stack([2 + wave, 1 + wave / 2, 0 * wave, 0.04 + 0 * wave], axis=1)
    current = np.where([True, False, True, False], 1e-6 * voltage[:, :1], np.nan)
    recording = jaxnn.data.Recording(time, voltage, current, ("8", "9", "17", "18"))
    recording.roles()  # source 8, ground 17, live 9, dead 18
    ```
    """

    source: str
    """The pad that drives: its current was measured, and its potential is the largest."""
    grounds: tuple[str, ...]
    """Pads whose current was measured and whose potential stays near zero."""
    live: tuple[str, ...]
    """Floating pads that follow the source."""
    dead: tuple[str, ...]
    """Floating pads that do not: not wired to the network, or never measured."""

    def __str__(self) -> str:
        names = lambda pads: " ".join(pads) or "none"
        return (
            f"source {self.source}, ground {names(self.grounds)}, live {names(self.live)}, "
            f"dead {names(self.dead)}"
        )


def roles_of(recording: Recording, source: str | None, grounds: tuple[str, ...] | None) -> PadRoles:
    """Tells sources, grounds, live and dead pads apart; names that are given stand."""
    driven = np.asarray(np.isfinite(recording.current).any(axis=0))
    level = [_typical(column) for column in np.abs(recording.voltage).T]
    if source is None:
        source = _largest(recording, driven, level)
    if grounds is None:
        most = _GROUND * level[recording.column(source)]
        low = [driven[k] and pad != source and level[k] <= most for k, pad in enumerate(recording.pads)]
        grounds = tuple(pad for pad, is_low in zip(recording.pads, low, strict=True) if is_low)
    left = [pad for pad in recording.pads if pad != source and pad not in grounds]
    drive = recording.voltage[:, recording.column(source)]
    alive = {pad: _follows(recording.voltage[:, recording.column(pad)], drive) for pad in left}
    return PadRoles(
        source,
        grounds,
        tuple(pad for pad in left if alive[pad]),
        tuple(pad for pad in left if not alive[pad]),
    )


def _largest(recording: Recording, driven: np.ndarray, level: list[float]) -> str:
    """The pad of the largest potential, of those whose current was measured if any was."""
    among = np.flatnonzero(driven) if driven.any() else np.arange(len(recording.pads))
    found = max(among, key=lambda k: level[k])
    if not level[found] > 0:
        raise ValueError(
            f"no pad of {', '.join(recording.pads)} was driven: all potentials are zero or missing; name "
            "the source, as in recording.roles(source='8')."
        )
    return recording.pads[int(found)]


def _typical(values: Float[np.ndarray, " times"]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _follows(pad: Float[np.ndarray, " times"], source: Float[np.ndarray, " times"]) -> bool:
    """Whether a pad changes as the source does, now or some samples ago."""
    known = np.isfinite(pad) & np.isfinite(source)
    if known.sum() < 4 * _LAGS or not np.ptp(pad[known]):
        return False
    pad = np.where(known, pad, np.nanmedian(pad))
    source = np.where(np.isfinite(source), source, np.nanmedian(source))
    spread = lambda x: float(np.subtract(*np.percentile(x, [84, 16]))) / 2
    # Changes: what drifts without the source is not of it.
    change, drive = np.diff(pad), np.diff(source)
    still = spread(change) < _STILL * spread(drive)
    lags = np.stack([np.roll(drive, lag) for lag in range(_LAGS)], axis=1)[_LAGS:]
    change = change[_LAGS:] - change[_LAGS:].mean()
    limit = 5 * max(spread(change), 1e-30)
    change = np.clip(change, -limit, limit)  # a jump is one value among many
    weights = np.linalg.lstsq(lags, change, rcond=None)[0]
    explained = 1 - ((change - lags @ weights) ** 2).sum() / max((change**2).sum(), 1e-300)
    return bool(explained > (_FOLLOWS if still else _AT_LEAST))
