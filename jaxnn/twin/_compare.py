"""A twin judged on what it has not seen, beside a divider, a pole and a black box."""

import dataclasses as dc
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import Count, arguments
from ..data import PadRoles, Recording
from ._baselines import baselines
from ._drift import explained
from ._fit_twin import fit_twin, measured, voltages
from ._pickup import line_share
from ._shares import Shares, memory_capacity, shares_of
from ._twin import STAGES, Twin


MODELS = ("divider", "pole", "black_box", "network", "twin", "twin_heard")
_NAMES = {"capacitive": "network", "memristive": "twin_without_mains", "pickup": "twin"}
_PART = arguments.real(ndim=0, above=0, high=1, known=True)
_LEAST = 20  # scans to judge on


@dc.dataclass(frozen=True)
class Comparison:
    """A comparison of what a twin and simpler models predict of a later part of a recording.

    ```python
    time, source = 0.2 * np.arange(500), np.random.default_rng(0).uniform(0.4, 1.0, 500)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    measured = np.column_stack([source, np.asarray(device(time, source))])
    recording = jaxnn.data.Recording(time, measured, np.full((500, 3), np.nan), ("s", "a", "b"))
    found = jaxnn.twin.compare(recording)
    found.median("twin")  # 1.0
    print(found.report())
    ```
    """

    twin: Twin
    """The twin, fitted to the first part."""
    time: Float[np.ndarray, " times"]
    """Times of the judged part [s]."""
    measured: Float[np.ndarray, "times pads"]
    """Potentials of the live pads in the judged part [V]."""
    predicted: dict[str, Float[np.ndarray, "times pads"]]
    """What each model predicts of them from the source's voltage [V].

    `twin_heard`, where dead pads hear the mains, has these from them in the judged part too.
    """
    scores: dict[str, Float[np.ndarray, " pads"]]
    """R2 of each pad by model: 1 - squared error / variance, on the judged part."""
    shares: Shares
    """What the variance of each pad consists of."""
    capacity: dict[str, float]
    """Memory capacity of the pads as measured, and as each stage of the twin has it with its noise."""
    scans: tuple[int, int]
    """Number of scans that were fitted and that were judged."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that reports and pictures show, in their order."""
        return tuple(model for model in MODELS if model in self.scores)

    @arguments.checked(model=arguments.one_of(str))
    def median(self, model: str) -> float:
        """Returns the median R2 of a model over the live pads."""
        if model not in self.scores:
            raise ValueError(f"model must be one of {', '.join(self.scores)}, got {model!r}.")
        return float(np.nanmedian(self.scores[model]))

    def report(self) -> str:
        """Returns the scores of every pad and what was found, as text; `centred`: mean errors aside."""
        pads = self.twin.roles.live
        width = max(8, *(len(pad) + 2 for pad in pads))
        lines = [str(self.twin.roles), "fitted {} scans, judged on the next {}".format(*self.scans), ""]
        lines.append("R2 of pad".ljust(max(10, width)) + "".join(f"{model:>11}" for model in self.models))
        for k, pad in enumerate(pads):
            notes = ["junction"] * (pad in self.twin.charging) + ["switch"] * (pad in self.twin.switches)
            row = "".join(f"{self.scores[model][k]:11.3f}" for model in self.models)
            lines.append(f"{pad:<{max(10, width)}}{row}  {' '.join(notes)}".rstrip())
        medians = "".join(f"{self.median(x):11.3f}" for x in self.models)
        lines.append("median".ljust(max(10, width)) + medians)
        centred = (np.nanmedian(_centred(self.measured, self.predicted[x])) for x in self.models)
        lines.append("  centred".ljust(max(10, width)) + "".join(f"{x:11.3f}" for x in centred))
        lines += ["", "share of the variance (mean)".ljust(34) + "  ".join(self._shares())]
        capacity = (f"{name} {value:.2f}" for name, value in self.capacity.items())
        lines.append("memory capacity".ljust(34) + "  ".join(capacity))
        if self.twin.pickup is not None:
            lines.append("mains".ljust(34) + f"{self.twin.pickup.frequency:.2f} Hz")
        return "\n".join(lines)

    def _shares(self) -> list[str]:
        return [f"{name} {np.mean(value):.3f}" for name, value in self.shares._asdict().items()]

    def to_dict(self) -> dict[str, Any]:
        """Returns the same as plain numbers, lists and text, for JSON."""
        twin, pads = self.twin, self.twin.roles.live
        by_pad = lambda values: {pad: _plain(value) for pad, value in zip(pads, values, strict=True)}
        return {
            "roles": dc.asdict(twin.roles),
            "scans": {"fitted": self.scans[0], "judged": self.scans[1]},
            "median_r2": {model: _plain(np.nanmedian(x)) for model, x in self.scores.items()},
            "r2": {model: by_pad(values) for model, values in self.scores.items()},
            "r2_without_mean_error": {
                model: by_pad(_centred(self.measured, values)) for model, values in self.predicted.items()
            },
            "mean_shares": {name: _plain(np.mean(x)) for name, x in self.shares._asdict().items()},
            "shares": {name: by_pad(values) for name, values in self.shares._asdict().items()},
            "memory_capacity": {name: _plain(value) for name, value in self.capacity.items()},
            "junctions": list(twin.charging),
            "switches": {pad: switch._asdict() for pad, switch in twin.switches.items()},
            "mains_hz": None if twin.pickup is None else _plain(twin.pickup.frequency),
            "noise_v": by_pad(twin.noise),
            "read_delay_s": by_pad(twin.network.read_delay),
            "time_constants_s": [_plain(x) for x in np.asarray(twin.network.time_constants())],
            "divider": by_pad(np.asarray(twin.network.divider())),
        }


@arguments.checked(
    recording=arguments.one_of(Recording),
    roles=arguments.either(type(None), arguments.one_of(PadRoles)),
    fit=_PART,
    judge=_PART,
    hidden=arguments.count(0),
    seed=arguments.count(0),
)
def compare(
    recording: Recording,
    roles: PadRoles | None = None,
    *,
    fit: float = 0.5,
    judge: float = 0.2,
    hidden: Count = 0,
    seed: int = 0,
) -> Comparison:
    """Fits a twin to the first part of a recording and judges it on the next, beside simpler models.

    All models are given the source's voltage and the times of the judged part, and none of its pads'.
    One more, `twin_heard`, is given the dead pads too, where they hear the mains that live pads pick up.

    Raises a `ValueError` as `jaxnn.twin.fit_twin` does, and where the parts are more than the whole or
    leave less than 20 scans to judge.

    **Arguments:**

    - `recording`: what was measured.
    - `roles`: what each pad is for; by default as the fitted part shows.
    - `fit`, `judge`: shares of the scans that are fitted, and of the next ones that are judged.
    - `hidden`, `seed`: as of `jaxnn.twin.fit_twin`.

    ```python
    time, source = 0.2 * np.arange(500), np.random.default_rng(0).uniform(0.4, 1.0, 500)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    measured = np.column_stack([source, np.asarray(device(time, source))])
    recording = jaxnn.data.Recording(time, measured, np.full((500, 3), np.nan), ("s", "a", "b"))
    jaxnn.twin.compare(recording, fit=0.5, judge=0.5).scores["twin"]  # close to 1
    ```
    """
    first = round(fit * len(recording))
    last = min(len(recording), first + round(judge * len(recording)))
    if fit + judge > 1 + 1e-9 or last - first < _LEAST:
        raise ValueError(
            f"fit and judge must be shares that leave {_LEAST} scans or more to judge, got {fit:g} and "
            f"{judge:g} of {len(recording)} scans."
        )
    early = recording.part(0, first)
    roles = early.roles() if roles is None else roles
    twin = fit_twin(early, roles, hidden=hidden, seed=seed)
    whole = recording.part(0, last)
    time, source, pads = measured(whole, roles)
    stages = {stage: twin.predict(time, source, stage) for stage in STAGES}
    models = baselines(time, source, pads, first)
    models |= {_NAMES[stage]: values for stage, values in stages.items() if stage in _NAMES}
    if twin.heard is not None:
        models["twin_heard"] = twin.predict(time, source, dead=voltages(whole, roles.dead))
    judged = slice(first, last)
    scores = {name: _scores(pads[judged], values[judged]) for name, values in models.items()}
    left = pads[judged] - stages["memristive"][judged]
    line = line_share(time[judged], left, twin.pickup)
    shares = shares_of(pads[judged], {name: x[judged] for name, x in stages.items()}, line)
    rng = np.random.default_rng(seed)
    noisy = lambda values: values + twin.noise * rng.normal(size=values.shape)
    capacity = {"measured": memory_capacity(source, pads, first)} | {
        name: memory_capacity(source, noisy(stages[name]), first) for name in STAGES[:3]
    }
    cut = {name: values[judged] for name, values in models.items()}
    return Comparison(
        twin, time[judged], pads[judged], cut, scores, shares, capacity, (first, last - first)
    )


def _scores(pads: np.ndarray, model: np.ndarray) -> Float[np.ndarray, " pads"]:
    return np.array([explained(*pair) for pair in zip(pads.T, model.T, strict=True)])


def _centred(pads: np.ndarray, model: np.ndarray) -> Float[np.ndarray, " pads"]:
    """R2 but for the mean of the error."""
    return _scores(pads, model + np.nanmean(pads - model, axis=0))


def _plain(value: Any) -> float | None:
    """A number that JSON has, in six digits."""
    number = float(value)
    return float(f"{number:.6g}") if np.isfinite(number) else None
