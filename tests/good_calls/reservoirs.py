"""Good calls of reservoirs, encoders and read-outs."""

import jax.random as jr
import numpy as np

import jaxnn
from good_calls.examples import FEATURES, LABELS, PULSES, Call, defaults, read_out


def of_reservoirs() -> dict[str, Call]:
    encoders, reservoirs = jaxnn.encoders, jaxnn.reservoirs
    decay = reservoirs.LeakyIntegrator(3.0)
    tone = np.sin(np.arange(4000.0))
    audio = {"recordings": [tone], "rate": 8000, "channels": 8, "frames": 4, "lowest": 100.0}
    ridge = {"features": FEATURES, "labels": LABELS, "n_classes": 2}
    ridge_more = {k: v for k, v in defaults(reservoirs.fit_ridge).items() if k not in ridge}
    return {
        "encoders.amplitude_code": (
            encoders.amplitude_code,
            {"pulses": PULSES, "levels": 3, "power": 1.5},
        ),
        "encoders.audio_pulses": (
            encoders.audio_pulses,
            audio | {"decibels": 50.0, "ear": None, "progress": False},
        ),
        "encoders.beat_pulses": (
            encoders.beat_pulses,
            {"beats": np.zeros((5, 187)), "sections": 11, "width": 1},
        ),
        "encoders.image_pulses": (
            encoders.image_pulses,
            {"images": np.zeros((5, 6, 8)), "rows": 2, "sections": 4},
        ),
        "encoders.mask_pulses": (encoders.mask_pulses, {"pulses": PULSES, "mask": np.ones((3, 2))}),
        "encoders.mix_channels": (
            encoders.mix_channels,
            {"pulses": PULSES, "weights": np.ones((2, 3)) / 3},
        ),
        "encoders.random_mask": (
            encoders.random_mask,
            {"key": jr.key(0), "repeats": 2, "nodes": 3, "levels": 2},
        ),
        "encoders.random_mix": (
            encoders.random_mix,
            {"key": jr.key(0), "devices": 2, "channels": 6, "fan_in": 3},
        ),
        "encoders.rate_code": (encoders.rate_code, {"pulses": PULSES, "slots": 4, "key": None}),
        "encoders.threshold_code": (encoders.threshold_code, {"pulses": PULSES, "threshold": 0.4}),
        "encoders.to_volts": (encoders.to_volts, {"pulses": PULSES, "low": 0.5, "high": 2.0}),
        "reservoirs.reservoir_features": (
            reservoirs.reservoir_features,
            {"reservoir": decay, "pulses": PULSES},
        ),
        "reservoirs.respond_in_batches": (
            reservoirs.respond_in_batches,
            {"reservoir": decay, "pulses": PULSES, "batch": 2},
        ),
        "reservoirs.scores": (
            reservoirs.scores,
            {"labels": [0, 0, 1, 1], "named": [0, 1, 1, 1], "n_classes": 2},
        ),
        "reservoirs.fit_ridge": (reservoirs.fit_ridge, ridge | ridge_more),
        "reservoirs.LinearReadOut.classify": (read_out().classify, {"features": FEATURES}),
        "reservoirs.LinearReadOut.decide": (read_out().decide, {"features": FEATURES}),
    }


CHEAP = (of_reservoirs,)
ALL = CHEAP
