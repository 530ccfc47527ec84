"""Images and series cut into sections, each a train of pulses for one device."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import Numbers, arguments
from ._pulses import unit_values


@arguments.checked(images=arguments.real(finite=False), rows=arguments.count(), sections=arguments.count())
def image_pulses(
    images: Numbers, *, rows: int = 1, sections: int = 1
) -> Float[Array, "samples channels slots"]:
    """Turns images `(samples, height, width)` into trains of pulses, one pulse per pixel.

    A channel is a section of `rows` rows that follow each other, read one after the other:

    - `rows`: per channel. Where they do not divide the height, rows of zeros follow the last.
    - `sections`: that each row is cut in. Where they do not divide the width, pixels of zero follow.

    There are ceil(height / rows) * sections channels of rows * ceil(width / sections) slots; channel
    `c * sections + s` is section s of the c-th rows. MNIST in the manner of Du et al. is
    `image_pulses(images[:, 3:25, 4:24], sections=4)`: 88 channels of 5 pixels. Columns instead of
    rows: `image_pulses(images.swapaxes(1, 2))`.

    Raises a `ValueError` for another shape, values outside 0 to 1, and more sections than pixels.

    Source: Du et al., Nature Communications 8, 2204 (2017), doi 10.1038/s41467-017-02337-y.

    ```python
    images = np.zeros((5, 6, 8))
    jaxnn.encoders.image_pulses(images).shape  # (5, 6, 8)
    jaxnn.encoders.image_pulses(images, rows=2, sections=4).shape  # (5, 12, 4)
    ```
    """
    pixels = unit_values("images", images, "samples height width")
    rows, sections = arguments.as_count("rows", rows), arguments.as_count("sections", sections)
    n, height, width = pixels.shape
    if rows > height or sections > width:
        raise ValueError(
            f"images of {height} x {width} pixels cannot be cut into {sections} sections of {rows} rows."
        )
    bands, slots = -(-height // rows), -(-width // sections)
    extra = (bands * rows - height, sections * slots - width)
    pixels = jnp.pad(pixels, ((0, 0), (0, extra[0]), (0, extra[1])))
    pixels = pixels.reshape(n, bands, rows, sections, slots).swapaxes(2, 3)
    return pixels.reshape(n, bands * sections, rows * slots)


@arguments.checked(beats=arguments.real(finite=False), sections=arguments.count(), width=arguments.count())
def beat_pulses(
    beats: Numbers, *, sections: int = 1, width: int = 1
) -> Float[Array, "samples channels slots"]:
    """Cuts beats, or any series `(samples, times)` from 0 to 1, into sections that follow each other.

    - `sections`: one channel each; zeros follow the last where they do not divide the series.
    - `width`: neighbouring times that one pulse is the mean of.

    187 samples of a heartbeat are 11 sections of 17 pulses.

    Raises a `ValueError` for another shape, values outside 0 to 1, and more sections than times.

    ```python
    beats = np.zeros((5, 187))
    jaxnn.encoders.beat_pulses(beats, sections=11).shape  # (5, 11, 17)
    ```
    """
    series = unit_values("beats", beats, "samples times")
    sections, width = arguments.as_count("sections", sections), arguments.as_count("width", width)
    n, times = series.shape
    if sections * width > times:
        raise ValueError(f"{times} times cannot be cut into {sections} sections of pulses {width} wide.")
    slots = -(-times // (sections * width))
    series = jnp.pad(series, ((0, 0), (0, sections * slots * width - times)))
    return series.reshape(n, sections, slots, width).mean(axis=-1)
