"""A device whose network, switch, drift and mains are known."""

import numpy as np

from jaxnn import data, twin


MAINS = 50.04  # [Hz]
THRESHOLD, JUMP = 0.33, 0.03  # [V]
HEARD, BEHIND = 0.01, 0.7  # amplitude of the mains at pad c [V], and by how much it is behind pad f's [rad]
NOISE = 5e-4  # [V]


def network():
    """Two stiff pads and three slow ones."""
    delay = [0.01, 0.012, 0.014, 0.016, 0.018]
    pairs = 0.02 * np.random.default_rng(3).uniform(0.2, 1.5, 10)
    share = np.array([0.5, 0.25, 0.4, 0.6, 0.3])
    return twin.PadNetwork(pairs, share, 1 - share, [1e-3, 2e-3, 0.1, 0.5, 1.2], delay)


def recording(scans=700, seed=0):
    """Pad b has a switch in its path, c hears the mains, e drifts, and f is dead, but hears them too."""
    rng = np.random.default_rng(seed)
    time = np.cumsum(0.2 + 0.003 * rng.normal(size=scans))
    source = rng.uniform(0.4, 1.0, scans)
    pads = np.array(network()(time, source))
    pads[:, 1] += JUMP * (pads[:, 1] > THRESHOLD / 2)
    phase = np.cumsum(0.03 * rng.normal(size=scans))
    phase = 2 * np.pi * MAINS * time + phase
    pads[:, 2] += HEARD * np.cos(phase)
    pads[:, 4] += 0.02 * np.exp(-time / 40.0)
    pads += NOISE * rng.normal(size=pads.shape)
    # Some values were lost.
    pads[rng.random(pads.shape) < 0.03] = np.nan
    dead = 0.04 + 5e-3 * np.cos(phase + BEHIND) + NOISE * rng.normal(size=scans)
    ground = 1e-4 * rng.normal(size=scans)
    voltage = np.column_stack([source, pads, dead, ground])
    current = np.full(voltage.shape, np.nan)
    current[:, 0], current[:, -1] = -1e-4 * source, 1e-4 * source
    return data.Recording(time, voltage, current, ("s", "a", "b", "c", "d", "e", "f", "g"))


def write(path, measured):
    """A file in the layout of recordings."""
    head = ["Time[s]", *(f"{pad}_{kind}" for pad in measured.pads for kind in ("V[V]", "I[A]"))]
    columns = np.stack([measured.voltage, measured.current], axis=2).reshape(len(measured), -1)
    np.savetxt(path, np.column_stack([measured.time, columns]), "%.9g", header=" ".join(head), comments="")
    return path
