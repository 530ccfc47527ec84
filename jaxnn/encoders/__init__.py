"""From data to pulses: arrays (samples, channels, slots) of amplitudes from 0 to 1, one channel per device.

A front end (`image_pulses`, `audio_pulses`, `beat_pulses`) makes them of data, `amplitude_code`,
`threshold_code` or `rate_code` says how a pulse carries its value, `mix_channels` and `mask_pulses`
spread channels over devices and virtual nodes, and `to_volts` is the only step that knows of voltages.
"""

from ._audio import audio_pulses as audio_pulses
from ._codes import (
    amplitude_code as amplitude_code,
    rate_code as rate_code,
    threshold_code as threshold_code,
    to_volts as to_volts,
)
from ._masks import (
    mask_pulses as mask_pulses,
    mix_channels as mix_channels,
    random_mask as random_mask,
    random_mix as random_mix,
)
from ._sections import beat_pulses as beat_pulses, image_pulses as image_pulses


__all__ = [name for name in dir() if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]
