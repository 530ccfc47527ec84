"""The twin of a measured device, and what it predicts."""

import dataclasses as dc

import numpy as np
from jaxtyping import Float

from .._core import Numbers, arguments
from ..data import PadRoles
from ._charging import Charging
from ._heard import Heard
from ._level import Level
from ._network import PadNetwork
from ._pickup import Pickup
from ._switch import Switch


STAGES = ("static", "capacitive", "memristive", "pickup")


@dc.dataclass(frozen=True)
class Twin:
    """A model of one measured device, in stages of which each includes the ones before.

    `static`: every pad is a share of the source's voltage. `capacitive`: the network of resistors and
    capacitors. `memristive`: junctions that charge pads faster than they discharge them, switches, and
    levels that drift. `pickup`: what the mains add, foretold for as long as they keep their phase, or as
    dead pads hear them where these are given.

    ```python
    time, source = 0.2 * np.arange(400), np.random.default_rng(0).uniform(0.4, 1.0, 400)
    device = jaxnn.twin.PadNetwork([0.1], [1.0, 0.2], [1.0, 1.0], [0.5, 0.9], [0.01, 0.02])
    pads = np.asarray(device(time, source))
    recording = jaxnn.data.Recording(
        time, np.column_stack([source, pads]), np.full((400, 3), np.nan), ("s", "a", "b")
    )
    twin = jaxnn.twin.fit_twin(recording.part(0, 300))
    error = twin.predict(time, source)[300:] - pads[300:]  # [V]
    ```
    """

    roles: PadRoles
    """What each pad is for; the live ones are predicted, in that order."""
    network: PadNetwork
    """The passive network behind the live pads."""
    charging: dict[str, Charging]
    """Pads behind a junction whose conductance depends on its voltage."""
    switches: dict[str, Switch]
    """Pads with a switch in their path."""
    gain: Float[np.ndarray, " pads"]
    """Share of the source's voltage at each pad, of the static stage."""
    levels: dict[str, Level]
    """What is added to each pad in each stage: offsets, in the last two the level that it drifted to."""
    pickup: Pickup | None
    """The mains, where there is a line."""
    heard: Heard | None
    """The mains as dead pads hear them, where they do."""
    noise: Float[np.ndarray, " pads"]
    """Standard deviation of what is left of each pad's changes [V]: read noise and what is not modelled."""
    source_scale: tuple[float, float]
    """Mean and standard deviation of the source in the fitted part [V]."""
    end: float
    """When the fitted part ends [s]."""

    @arguments.checked(
        time=(arguments.real(ndim=1, known=True), "scans"),
        source=(arguments.real(ndim=1, known=True), "scans"),
        stage=arguments.word(*STAGES),
        dead=arguments.either(type(None), arguments.real(ndim=2, known=True, finite=False)),
    )
    def predict(
        self, time: Numbers, source: Numbers, stage: str = "pickup", *, dead: Numbers | None = None
    ) -> Float[np.ndarray, "times pads"]:
        """Returns the potentials of the live pads as they are read [V], from the source's voltage.

        The drive is given from where the fitted recording begins, so that charge is right when the fitted
        part ends; no live pad is read.

        Raises a `ValueError` where `time` and `source` are not a number for each scan, or `dead` has not
        the dead pads' columns and the scans' rows.

        **Arguments:**

        - `time`: when each scan begins [s], on the clock of the recording.
        - `source`: potential of the source in each scan [V].
        - `stage`: "static", "capacitive", "memristive" or "pickup", how much of the twin is asked.
        - `dead`: potentials of the dead pads in the same scans [V], in the order of `roles.dead`, NaN where
          nothing was measured. What they hear of the mains takes the place of what is foretold of them.
        """
        time, source = np.asarray(time, float), np.asarray(source, float)
        found = self.without_levels(time, source, stage) + self.levels[stage](time)
        if stage != "pickup":
            return found
        if dead is not None:
            dead, wanted = np.asarray(dead, float), (len(time), len(self.roles.dead))
            if dead.shape != wanted:
                raise ValueError(
                    f"dead must have a row for each scan and a column for each dead pad, {wanted}, got "
                    f"{dead.shape}."
                )
        return found + self._mains(time, dead)

    def _mains(self, time: np.ndarray, dead: np.ndarray | None) -> Float[np.ndarray, "times #pads"]:
        """What the mains add: as dead pads hear them where they do, or as it is foretold."""
        if self.pickup is None:
            return np.zeros((len(time), 1))
        foretold = self.pickup(time)
        if dead is None or self.heard is None:
            return foretold
        return np.where(np.any(self.heard.gain, axis=0), self.heard(time, dead), foretold)

    def without_levels(
        self, time: Float[np.ndarray, " times"], source: Float[np.ndarray, " times"], stage: str
    ) -> Float[np.ndarray, "times pads"]:
        """Returns the same without what is added to each pad and without the mains [V]."""
        if stage == "static":
            return source[:, None] * self.gain
        found = np.array(self.network(time, source), float)
        if stage == "capacitive":
            return found
        mean, spread = self.source_scale
        for k, pad in enumerate(self.roles.live):
            if pad in self.charging:
                found[:, k] = self.charging[pad](time, (source - mean) / spread)
            if pad in self.switches:
                found[:, k] = self.switches[pad](found[:, k])
        return found
