"""Encoders: each against a loop or a formula, and what they say of input that does not fit."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
from jaxnn import encoders


RNG = np.random.default_rng(0)
PULSES = RNG.random((4, 3, 5))
PULSES[0, 0, 0], PULSES[1, 1, 1] = 0, 1


def test_rows_cut_in_sections():
    images = RNG.random((4, 7, 10))
    pulses = encoders.image_pulses(images, sections=2)
    np.testing.assert_array_equal(pulses[:, 2 * 3 + 1], images[:, 3, 5:])
    assert pulses.shape == (4, 14, 5)
    # Three rows in a train, four sections of three pixels: 7 rows and 10 pixels are filled up.
    pulses = np.asarray(encoders.image_pulses(images, rows=3, sections=4))
    assert pulses.shape == (4, 3 * 4, 9)
    np.testing.assert_array_equal(pulses[:, 4 + 2], images[:, 3:6, 6:9].reshape(4, 9))
    np.testing.assert_array_equal(pulses[:, 8, :3], images[:, 6, :3])
    assert not pulses[:, 8:, 3:].any()
    assert not pulses[:, 3::4].reshape(4, 3, 3, 3)[..., 1:].any()
    np.testing.assert_allclose(pulses.sum(), images.sum())


def test_beats_cut_in_sections():
    beats = RNG.random((4, 187)).astype(np.float32)
    pulses = encoders.beat_pulses(beats, sections=11)
    np.testing.assert_array_equal(pulses, beats.reshape(4, 11, 17))
    assert pulses.dtype == np.float32
    wide = encoders.beat_pulses(beats, sections=4, width=6)
    assert wide.shape == (4, 4, 8)
    np.testing.assert_allclose(wide[:, 1, 2], beats[:, 60:66].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(6 * wide.sum(), beats.sum(), rtol=1e-4)


def test_amplitudes():
    np.testing.assert_array_equal(encoders.amplitude_code(PULSES), PULSES)
    coarse = np.asarray(encoders.amplitude_code(PULSES, levels=4))
    np.testing.assert_allclose(coarse, np.round(3 * PULSES) / 3)
    power = jnp.asarray([0.5, 1.0, 2.0])
    expected = PULSES ** np.asarray(power)[:, None]
    np.testing.assert_allclose(encoders.amplitude_code(PULSES, power=power), expected)
    slope = jax.grad(lambda p: encoders.amplitude_code(PULSES, power=p).sum())(power)
    logs = expected * np.log(np.where(PULSES == 0, 1, PULSES))
    np.testing.assert_allclose(slope, logs.sum(axis=(0, 2)), rtol=1e-6)


def test_thresholds():
    threshold = np.asarray([0.2, 0.5, 1.0])
    pulses = encoders.threshold_code(PULSES, threshold)
    np.testing.assert_array_equal(pulses, PULSES > threshold[:, None])
    assert pulses.dtype == PULSES.dtype


@pytest.mark.parametrize("slots", [1, 7])
def test_spikes_keep_up_with_the_sum(slots):
    spikes = np.asarray(encoders.rate_code(PULSES, slots))
    assert set(np.unique(spikes)) == {0, 1}
    wanted = np.cumsum(np.repeat(PULSES, slots, axis=-1), axis=-1)
    assert np.abs(np.cumsum(spikes, axis=-1) - wanted).max() < 0.5 + 5e-4


def test_spikes_of_long_trains():
    values = np.asarray([0, 1 / 3, 0.5, 1], np.float32)[None, :, None]
    spikes = encoders.rate_code(values, 300_000)
    assert spikes.dtype == np.float32
    assert np.abs(spikes.sum(axis=-1)[0] / 300_000 - values[0, :, 0]).max() < 1e-5
    assert not np.diff(spikes[0, 3]).any()


def test_spikes_by_lot():
    spikes = np.asarray(encoders.rate_code(PULSES, 4000, key=jr.key(0)))
    rates = spikes.reshape(*PULSES.shape, 4000).mean(axis=-1)
    assert np.abs(rates - PULSES).max() < 5 * 0.5 / np.sqrt(4000)


def test_masks():
    mask = encoders.random_mask(jr.key(0), 2, 4)
    masked = np.asarray(encoders.mask_pulses(PULSES, mask))
    assert masked.shape == (4, 3 * 2, 5 * 4)
    for channel, repeat, slot, node in np.ndindex(3, 2, 5, 4):
        expected = PULSES[:, channel, slot] * float(mask[repeat, node])
        np.testing.assert_allclose(masked[:, 2 * channel + repeat, 4 * slot + node], expected)
    several = encoders.random_mask(jr.key(1), 50, 40, levels=3)
    assert set(np.unique(several)) == {0, 0.5, 1}


def test_mixing():
    weights = RNG.dirichlet(np.ones(3), 6)
    mixed = encoders.mix_channels(PULSES, weights)
    np.testing.assert_allclose(mixed, np.einsum("dc,sct->sdt", weights, PULSES))
    with pytest.raises(ValueError, match=r"sum up to 1 at the most, got 1.5"):
        encoders.mix_channels(PULSES, np.full((2, 3), 0.5))


def test_random_weights():
    full = encoders.random_mix(jr.key(0), 50, 100)
    np.testing.assert_allclose(full.sum(axis=1), 1)
    # Sums of 1 but for rounding leave amplitudes that other encoders take.
    mixed = encoders.mix_channels(np.ones((1, 100, 2), np.float32), full)
    assert mixed.dtype == np.float32
    assert mixed.max() <= 1
    few = np.asarray(encoders.random_mix(jr.key(0), 50, 100, fan_in=4))
    assert (np.sort(few, axis=1) == np.asarray([0] * 96 + [0.25] * 4)).all()
    assert np.unique(few.argmax(axis=1)).size > 20


def test_volts():
    low, high = jnp.asarray([0.0, -1.0, 0.5]), jnp.asarray([1.0, 1.0, 3.0])
    volts = encoders.to_volts(PULSES, low, high)
    np.testing.assert_allclose(volts[:, 2], 0.5 + 2.5 * PULSES[:, 2])
    slope = jax.grad(lambda h: encoders.to_volts(PULSES, low, h).sum())(high)
    np.testing.assert_allclose(slope, PULSES.sum(axis=(0, 2)))
    programme = jaxnn.Programme.train(jnp.moveaxis(volts, -1, 0), width=1e-6, period=2e-6)
    assert programme.start.shape == (2 * 5, 4, 3)


def test_gradients_of_a_chain():
    """All that can be learned at once, compiled, against a finite difference."""

    @jax.jit
    def mean(values):
        weights, mask, power, high = values
        mixed = encoders.mix_channels(encoders.amplitude_code(PULSES, power=power), weights)
        return jnp.mean(encoders.to_volts(encoders.mask_pulses(mixed, mask), 0.5, high) ** 2)

    values = (RNG.dirichlet(np.ones(3), 2) / 2, RNG.random((2, 4)), np.asarray(1.3), np.asarray(3.0))
    direction = tuple(np.asarray(RNG.normal(size=x.shape)) for x in values)
    slopes = jax.grad(mean)(values)
    slope = sum(jnp.sum(x * d) for x, d in zip(slopes, direction, strict=True))
    moved = lambda h: mean(jax.tree.map(lambda x, d: x + h * d, values, direction))
    np.testing.assert_allclose(slope, (moved(1e-5) - moved(-1e-5)) / 2e-5, rtol=1e-7)


def tone(frequency, times=2000, rate=8000):
    return np.sin(2 * np.pi * frequency * np.arange(times) / rate)


def test_bands_of_the_cochlea():
    from jaxnn.encoders._audio import _centres

    centres = _centres(100, 3600.0, 12)
    np.testing.assert_allclose(centres[[0, -1]], [100, 3600])
    # One equivalent rectangular bandwidth is 24.7 Hz + f / 9.265, so that it grows along the scale.
    np.testing.assert_allclose(np.diff(centres) / np.diff(centres)[0], (centres[:-1] + 228.83) / 328.83)
    tones = [tone(frequency) for frequency in centres[[1, 6, 10]]]
    # Twice as loud and twice as long is the same.
    tones += [2 * tone(centres[6], 4000)]
    pulses = np.asarray(encoders.audio_pulses(tones, 8000, channels=12, frames=4))
    assert pulses.dtype == np.float32
    assert pulses.shape == (4, 12, 4)
    assert pulses[:, :, 1:].argmax(axis=1).T.tolist() == [[1, 6, 10, 6]] * 3
    np.testing.assert_allclose(pulses[3, :, 1:], pulses[1, :, 1:], atol=0.05)
    assert pulses.max() == 1


def test_frames_follow_the_sound():
    sound = np.concatenate([np.zeros(1000), tone(500, 1000), 0.1 * tone(500, 1000), np.zeros(1000)])
    pulses = np.asarray(
        encoders.audio_pulses([sound, np.zeros(50)], 8000, channels=8, frames=8, decibels=40)
    )
    # Filters need a while: only the second of two frames has the level of its piece.
    np.testing.assert_allclose(pulses[0].max(axis=0)[1::2], [0, 1, 0.5, 0], atol=0.05)
    assert not pulses[1].any()


def _heard(activity, **more):
    return encoders.audio_pulses([np.ones(99)], 8000, ear=lambda sound, rate: activity, **more)


def test_another_ear():
    """Activity of any bands at any rate; of a band that is twice as active, 3 dB more."""
    activity = np.array([[1.0, 1, 2, 2], [4, 4, 2, 2]])
    heard = encoders.audio_pulses(
        [np.ones(9)], 8000, frames=2, decibels=30, ear=lambda sound, rate: activity
    )
    expected = 1 + 10 * np.log10([[0.25, 0.5], [1, 0.5]]) / 30
    np.testing.assert_allclose(heard[0], expected, rtol=1e-6)


def test_the_ear_of_lyon_hears_high_tones_first():
    """His cascade goes from high frequencies to low ones."""
    calc = pytest.importorskip("lyon.calc", reason="the package lyon is not there")
    ear = lambda sound, rate: calc.LyonCalc().lyon_passive_ear(sound, rate, 8).T
    heard = encoders.audio_pulses([tone(400), tone(1600)], 8000, frames=4, ear=ear)
    low, high = np.asarray(heard)[:, :, -1].argmax(axis=1)
    assert high < low


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encoders.image_pulses(np.zeros((3, 4))), r"axes \(samples, height, width\), got \(3, 4\)"),
        (
            lambda: encoders.image_pulses(np.full((1, 4, 4), 255)),
            "lie in 0 to 1, got 255 to 255: scale them",
        ),
        (lambda: encoders.image_pulses(np.full((1, 4, 4), np.nan)), "must lie in 0 to 1"),
        (lambda: encoders.image_pulses(np.zeros((1, 4, 5)), sections=6), "cannot be cut into 6 sections"),
        (
            lambda: encoders.beat_pulses(np.zeros((2, 10)), sections=4, width=3),
            "cannot be cut into 4 sections",
        ),
        (lambda: encoders.amplitude_code(PULSES, levels=1), "levels must be at least 2"),
        (lambda: encoders.amplitude_code(PULSES, power=0), "power must be greater than 0"),
        (lambda: encoders.rate_code(PULSES, 0), "slots must be at least 1"),
        (lambda: encoders.rate_code(-PULSES), "pulses must lie in 0 to 1"),
        (lambda: encoders.to_volts(PULSES, 0, np.zeros(5)), "one per channel, 3 of them, got shape"),
        (lambda: encoders.to_volts(PULSES, np.nan, 1), "low must be finite"),
        (lambda: encoders.mask_pulses(PULSES, np.zeros(3)), r"mask must have the axes \(repeats, nodes\)"),
        (
            lambda: encoders.mix_channels(PULSES, np.zeros((2, 4))),
            "one column per channel, 3 of them, got 4",
        ),
        (lambda: encoders.random_mask(jr.key(0), 2, 2, levels=1), "levels of a mask must be at least 2"),
        (lambda: encoders.random_mix(jr.key(0), 2, 3, fan_in=4), "fan_in must be at most the 3 channels"),
        (lambda: encoders.audio_pulses([np.zeros(20)], 8000), "at least 32 times, one per frame"),
        (lambda: encoders.audio_pulses([], 8000), "no recordings"),
        (lambda: _heard(np.ones(40)), r"ear must return activity \(bands, times\)"),
        (lambda: _heard(np.ones((3, 20))), "at least 32 times, one per frame, got shape"),
        (lambda: _heard(-np.ones((3, 40))), "activity that is not negative"),
        (lambda: _heard(np.ones((3, 40)), channels=3), "leave them out with an ear"),
        (lambda: encoders.audio_pulses([np.zeros(99)], 8000, lowest=4000), "lowest must lie in 0 to 0.45"),
        (lambda: encoders.audio_pulses([np.full(99, np.nan)], 8000), "recording 0 must be finite"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "code",
    [
        lambda x: encoders.threshold_code(x, 0.5),
        lambda x: encoders.rate_code(x, 2),
        lambda x: encoders.rate_code(x, 2, key=jr.key(0)),
        lambda x: encoders.amplitude_code(x, levels=3),
    ],
)
def test_what_is_not_a_number_stays_so_under_jit(code):
    """Where nothing is refused, it is not taken for a pulse that is not there."""
    values = jnp.asarray(PULSES).at[0, 1, 2].set(jnp.nan)
    coded, clean = jax.jit(code)(values), code(PULSES)
    lost = np.isnan(coded)
    np.testing.assert_array_equal(lost, np.repeat(np.isnan(values), lost.shape[-1] // values.shape[-1], -1))
    if code(PULSES).shape == values.shape:
        np.testing.assert_array_equal(coded[~lost], clean[~lost])
