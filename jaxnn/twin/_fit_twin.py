"""The fit of a twin, stage by stage; what each pad needs is chosen within the fitted part."""

import numpy as np
from jaxtyping import Float

from .._core import Count, arguments, notice
from ..data import PadRoles, Recording
from ._charging import Charging, fit_charging
from ._drift import GAIN, SETTLED, explained, innovations
from ._fit_network import fit_network
from ._heard import find_heard
from ._level import last_level, mean_level
from ._pickup import find_pickup
from ._switch import Switch, fit_switch
from ._twin import Twin


# Pads of which the network explains less of the changes are tried with a junction of their own.
_EXPLAINED = 0.9
# What is added must leave less than this share of the squares on the end of the fitted part.
_JUNCTION, _SWITCH = 0.9, 0.8
_VALIDATED = 0.3
_LEAST = 200  # scans


@arguments.checked(
    recording=arguments.one_of(Recording),
    roles=arguments.either(type(None), arguments.one_of(PadRoles)),
    hidden=arguments.count(0),
    seed=arguments.count(0),
)
@notice("fit_twin", lambda: "running")
def fit_twin(
    recording: Recording, roles: PadRoles | None = None, *, hidden: Count = 0, seed: int = 0
) -> Twin:
    """Fits the twin of a measured device to all of a recording, which its pads' names come with.

    The network is fitted by gradient through its exact step, to the changes of all pads at once: what is
    slower than 30 scans is drift, not charge. Junctions, switches and levels that relax are kept where
    they serve the last 30 % of the recording after a fit to the rest. `jaxnn.twin.compare` keeps a part
    back to judge by.

    Raises a `ValueError` for less than 200 scans, no live pad, or a source that was not measured.

    **Arguments:**

    - `recording`: what was measured, NaN where nothing was.
    - `roles`: what each pad is for; `recording.roles()` by default.
    - `hidden`: nodes of the network without a pad.
    - `seed`: of the small differences with which the pairs of pads begin.

    ```python
    time, source = 0.2 * np.arange(300), np.random.default_rng(0).uniform(0.4, 1.0, 300)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    pads = np.asarray(device(time, source))
    measured = np.column_stack([source, pads])
    recording = jaxnn.data.Recording(time, measured, np.full((300, 3), np.nan), ("s", "a", "b"))
    twin = jaxnn.twin.fit_twin(recording)
    twin.network.divider()  # close to device.divider()
    ```
    """
    roles = recording.roles() if roles is None else roles
    time, source, voltage = measured(recording, roles)
    mean, spread = float(source.mean()), float(source.std())
    network = fit_network(time, source, voltage, int(hidden), seed)
    base = np.array(network(time, source), float)
    charging, switches, model = {}, {}, base.copy()
    for k, pad in enumerate(roles.live):
        junction = _junction(time, (source - mean) / spread, base[:, k], voltage[:, k])
        if junction is not None:
            charging[pad] = junction
            model[:, k] = junction(time, (source - mean) / spread)
        switch = _switched(model[:, k], voltage[:, k])
        if switch is not None:
            switches[pad] = switch
            model[:, k] = switch(model[:, k])
    level = last_level(time, voltage - model, _VALIDATED)
    share = _gains(source, voltage)
    left = voltage - model
    pickup = find_pickup(time, left)
    changes = innovations(left, GAIN)[SETTLED:]
    noise = np.nanstd(changes, axis=0)
    heard = None
    if pickup is not None:
        heard = find_heard(time, left, voltages(recording, roles.dead), pickup.frequency)
        noise = noise * np.sqrt(1 - np.clip(pickup.share, 0, 1))
    levels = {
        "static": mean_level(time, voltage - source[:, None] * share),
        "capacitive": mean_level(time, voltage - base),
        "memristive": level,
        "pickup": level,
    }
    return Twin(
        roles,
        network,
        charging,
        switches,
        share,
        levels,
        pickup,
        heard,
        noise,
        (mean, spread),
        float(time[-1]),
    )


def measured(
    recording: Recording, roles: PadRoles
) -> tuple[Float[np.ndarray, " times"], Float[np.ndarray, " times"], Float[np.ndarray, "times pads"]]:
    """Times, the source's voltage without gaps, and the voltages of the live pads."""
    if not roles.live:
        raise ValueError(
            "no pad is live: none follows the source. Name the source and the grounds yourself."
        )
    if len(recording) < _LEAST:
        raise ValueError(f"recording must have {_LEAST} scans or more, got {len(recording)}.")
    source = recording.of(roles.source).copy()
    known = np.isfinite(source)
    if known.mean() < 0.5 or not np.ptp(source[known]):
        raise ValueError(
            f"the source {roles.source!r} was measured in {known.mean():.0%} of the scans and must change: "
            "name another source."
        )
    # It holds its voltage until it steps.
    last = np.maximum.accumulate(np.where(known, np.arange(len(source)), 0))
    source = np.where(known[last], source[last], source[known][0])
    return recording.time, source, voltages(recording, roles.live)


def voltages(recording: Recording, pads: tuple[str, ...]) -> Float[np.ndarray, "times pads"]:
    """What was measured of some pads, in their order."""
    return recording.voltage[:, [recording.column(pad) for pad in pads]]


def _gains(source: np.ndarray, voltage: np.ndarray) -> Float[np.ndarray, " pads"]:
    """Share of the source's changes in each pad's."""
    changes = innovations(np.column_stack([source, voltage]), GAIN)[SETTLED:]
    drive, pads = changes[:, :1], changes[:, 1:]
    both = np.isfinite(pads)
    return np.nansum(drive * pads, axis=0) / np.maximum((both * drive**2).sum(axis=0), 1e-300)


def _junction(time: np.ndarray, scaled: np.ndarray, base: np.ndarray, pad: np.ndarray) -> Charging | None:
    """A junction for one pad if it foretells the end of the fitted part better than the network."""
    changes = innovations(np.column_stack([pad, base]), GAIN)[SETTLED:]
    if explained(*changes.T) > _EXPLAINED:
        return None
    cut = round((1 - _VALIDATED) * len(time))
    tried = fit_charging(time[:cut], scaled[:cut], pad[:cut])
    if not _better(pad, tried(time, scaled), base, cut, _JUNCTION):
        return None
    return fit_charging(time, scaled, pad)


def _switched(model: np.ndarray, pad: np.ndarray) -> Switch | None:
    """A switch for one pad if it foretells the end of the fitted part better than none."""
    cut = round((1 - _VALIDATED) * len(pad))
    tried = fit_switch(model[:cut], pad[:cut])
    return fit_switch(model, pad) if _better(pad, tried(model), model, cut, _SWITCH) else None


def _better(pad: np.ndarray, new: np.ndarray, old: np.ndarray, cut: int, most: float) -> bool:
    left = innovations(np.column_stack([pad - new, pad - old]), GAIN)[cut:]
    squares = np.nansum(left**2, axis=0)
    return bool(squares[0] < most * squares[1])
