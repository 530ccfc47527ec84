"""Tasks against series and scores that are known: delay lines, polynomials, matrices, other integrators."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from jaxnn import tasks


RNG = np.random.default_rng(5)


def line(u, taps, first=0):
    """A delay line: the input `first`, `first` + 1, ... samples ago."""
    return np.stack(
        [np.concatenate([np.zeros(d), u[: len(u) - d]]) for d in range(first, first + taps)], axis=1
    )


@pytest.mark.parametrize("taps", [1, 4, 9])
def test_memory_capacity_of_a_delay_line(taps):
    """Is its number of taps, and each delay has 1 or 0."""
    task = tasks.memory_task(delays=15, steps=2000)
    found = tasks.judge(task, line(task.inputs[:, 0], taps, first=1))
    np.testing.assert_allclose(found.each[:taps], 1, rtol=1e-9)
    np.testing.assert_array_equal(found.each[taps:], 0)
    assert found.score == pytest.approx(taps)


def test_memory_capacity_of_a_leaky_integrator():
    r"""One node $x_k = a x_{k-1} + u_k$ has $r^2_d = (1 - a^2) a^{2d}$."""
    task, a = tasks.memory_task(delays=12, steps=60_000), 0.8
    x, u = np.zeros(60_000), task.inputs[:, 0]
    for k in range(1, len(u)):
        x[k] = a * x[k - 1] + u[k]
    found = tasks.judge(task, x[:, None])
    expected = (1 - a**2) * a ** (2 * np.arange(1, 13))
    np.testing.assert_allclose(found.each[:6], expected[:6], atol=0.02)


@pytest.mark.parametrize("taps", [2, 5])
def test_processing_capacity_of_a_delay_line(taps):
    """Only the first degree, one for each tap."""
    u = RNG.uniform(-1, 1, 3000)
    found = tasks.processing_capacity(u, line(u, taps), delays=(10, 5, 3))
    np.testing.assert_allclose(found.by_degree, [taps, 0, 0], rtol=1e-9)
    assert found.rank == taps
    assert set(found.terms) == {((d, 1),) for d in range(taps)}


def test_processing_capacity_of_known_polynomials():
    """A product of two delays, a polynomial of the third degree, and one that says the same twice."""
    u = RNG.uniform(-1, 1, 4000)
    past = line(u, 4)
    product, cubic = past[:, 1] * past[:, 3], (5 * past[:, 2] ** 3 - 3 * past[:, 2]) / 2
    found = tasks.processing_capacity(
        u, np.stack([product, cubic, 2 * cubic + 1], axis=1), delays=(6, 5, 4)
    )
    np.testing.assert_allclose(found.by_degree, [0, 1, 1], rtol=1e-9)
    assert found.rank == 2
    assert set(found.terms) == {((1, 1), (3, 1)), ((2, 3),)}


def test_processing_capacity_of_a_mixture():
    """u^3 is 3/5 P1 + 2/5 P3, of squared sizes 9/25 / 3 and 4/25 / 7."""
    u = RNG.uniform(-1, 1, 200_000)
    found = tasks.processing_capacity(u, u[:, None] ** 3, delays=(3, 3, 3))
    first, third = 9 / 25 / 3, 4 / 25 / 7
    np.testing.assert_allclose(found.by_degree, np.array([first, 0, third]) / (first + third), atol=5e-3)


def test_processing_capacity_of_noise_is_none():
    u = RNG.uniform(-1, 1, 3000)
    assert tasks.processing_capacity(u, RNG.normal(size=(3000, 20)), delays=(30, 8)).total < 0.05


def test_ranks_of_known_matrices():
    left, right = (np.linalg.qr(RNG.normal(size=(30, 12)))[0] for _ in range(2))
    # Orthogonal to what all have in common, which is taken off.
    left -= left.mean(axis=0)
    left = np.linalg.qr(left)[0]
    sizes = 10.0 ** -np.arange(12)
    states = left * sizes @ right.T + 3.0
    assert [tasks.effective_rank(states, tolerance=10.0**-k * 0.5) for k in (1, 3, 6)] == [2, 4, 7]
    assert tasks.effective_rank(1e-2 * states, tolerance=5e-4, like=states) == 2
    assert tasks.effective_rank(np.ones((5, 3))) == 0


def test_streams_for_ranks():
    """A delay line of five taps has the kernel rank 5, and the rank 0 after streams that end alike."""
    apart, alike = (tasks.rank_series(40, steps=12, shared=s, seed=3) for s in (0, 5))
    assert tasks.effective_rank(apart[:, -5:, 0]) == 5
    assert tasks.effective_rank(alike[:, -5:, 0]) == 0
    assert tasks.effective_rank(alike[:, -7:, 0]) == 2


def test_narma_of_order_2_by_hand():
    task = tasks.narma_task(2, steps=4, seed=1)
    u, y = (task.inputs[:, 0] + 1) / 4, [0.0, 0.0]
    for k in (1, 2, 3):
        y.append(0.3 * y[k] + 0.05 * y[k] * (y[k] + y[k - 1]) + 1.5 * u[k - 1] * u[k] + 0.1)
    np.testing.assert_allclose(task.targets[:, 0], y[1:], rtol=1e-12)


def test_a_narma_that_escapes_is_refused():
    with pytest.raises(ValueError, match="escapes to infinity"):
        tasks.narma_task(40, steps=3000)


def test_mackey_glass_by_the_method_of_steps():
    """Interval after interval of length tau, each with the one before as its history."""
    x = tasks.mackey_glass_series(110, before=0)
    past, now, ours = lambda t: np.full_like(t, 1.2), 1.2, []
    for start in range(0, 102, 17):
        rate = lambda t, y, past=past: 0.2 * past(t - 17) / (1 + past(t - 17) ** 10) - 0.1 * y
        times = np.arange(start, start + 17)
        found = solve_ivp(
            rate, (start, start + 17), [now], "DOP853", times, rtol=1e-11, atol=1e-12, dense_output=True
        )
        past, now = (lambda t, dense=found.sol: dense(t)[0]), found.sol(start + 17.0)[0]
        ours.extend(found.y[0])
    # Where the constant history ends is a corner, of which four points around it make a curve.
    np.testing.assert_allclose(x[: len(ours)], ours, atol=5e-5)
    task = tasks.mackey_glass_task(horizon=3, steps=120, seed=3)
    np.testing.assert_array_equal(task.targets[:-3], task.inputs[3:])
    assert 0.2 < (0.9 + 0.5 * task.inputs).min() < 0.6
    assert 1.1 < (0.9 + 0.5 * task.inputs).max() < 1.4


def test_mackey_glass_in_finer_steps():
    """Around its fixed point 1, and of second order at least: its history has a kink, once."""
    coarse, middle, fine = (tasks.mackey_glass_series(50, substeps=n) for n in (5, 10, 20))
    assert 0.2 < fine.min() < 1 < fine.max() < 1.4
    assert 3.5 < np.abs(coarse - middle).max() / np.abs(middle - fine).max()
    assert np.abs(middle - fine).max() < 1e-4
    later = tasks.mackey_glass_series(40, before=510)
    np.testing.assert_array_equal(later, middle[10:])


def test_lorenz_by_another_integrator():
    task = tasks.lorenz_task(horizon=3, steps=100)
    state = 10 * task.inputs[0] + [0, 0, 25]
    rate = lambda _, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]
    ours = solve_ivp(rate, (0, 0.02 * 50), state, "DOP853", 0.02 * np.arange(51), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose((ours.y.T - [0, 0, 25]) / 10, task.inputs[:51], atol=1e-5)
    np.testing.assert_array_equal(task.targets[:-3], task.inputs[3:])
    only = tasks.lorenz_task(horizon=3, shown="x", steps=100)
    np.testing.assert_array_equal(only.inputs[:, 0], task.inputs[:, 0])
    np.testing.assert_array_equal(only.targets, task.targets)
    # Chaotic, and yet the same wherever numbers are those of IEEE 754, after 50 units of time too.
    later = tasks.lorenz_task(horizon=1, steps=1500).targets[-1]
    assert later.tolist() == [-0.2651724179832121, -0.15152832535025612, -0.24050777214400867]


def test_waveforms():
    """Zeros of sine and triangle meet; the shifted wave leads by a quarter; the fast one repeats twice."""
    task = tasks.waveform_task(period=40, steps=400, washout=0)
    sine, square, shifted, fast = task.targets.T
    triangle = task.inputs[:, 0]
    np.testing.assert_array_equal(np.sign(sine), np.sign(triangle))
    np.testing.assert_array_equal(square, np.sign(sine))
    np.testing.assert_allclose(shifted[:-10], triangle[10:], atol=1e-12)
    np.testing.assert_allclose(fast[:20], fast[20:40], atol=1e-12)
    np.testing.assert_allclose(np.abs(np.diff(triangle)).max(), 4 / 40)  # straight between corners
    # Of the input alone: published as the linear baseline, 0.8797, 0.5, 0 and 0.
    found = tasks.judge(task, task.inputs)
    np.testing.assert_allclose(found.each, [0.8797, 0.5, 0, 0], atol=5e-3)


def test_nonlinear_and_sequence_memory():
    task = tasks.nonlinear_memory_task(delays=3, strengths=(0.5, 2.0), steps=300)
    past = line(task.inputs[:, 0], 3, first=1)
    np.testing.assert_allclose(task.targets, np.sin(np.hstack([0.5 * past, 2 * past])), rtol=1e-12)
    sequence = tasks.sequence_memory_task(back=2, steps=600)
    found = tasks.judge(sequence, np.hstack([np.roll(sequence.inputs, d, axis=0) for d in range(4)]))
    assert found.score == 1
    guessed = tasks.judge(sequence, np.ones((600, 1))).score
    assert guessed < 0.6


def test_the_test_is_not_learnt_from():
    """What test targets are changes neither weights nor penalty; and a read-out is ridge regression."""
    task = tasks.narma_task(steps=800)
    features = np.hstack([task.inputs, np.roll(task.inputs, 1), task.inputs**2])
    one = tasks.judge(task, features)
    _, _, test = task.parts()
    changed = task.targets.copy()
    changed[test] = 0.5 + RNG.normal(size=changed[test].shape)
    other = tasks.judge(task._replace(targets=changed), features)
    np.testing.assert_array_equal(one.predictions, other.predictions)
    train, choose, _ = task.parts()
    both = slice(train.start, choose.stop)
    x = (features[both] - features[both].mean(0)) / features[both].std(0)
    y = task.targets[both] - task.targets[both].mean(0)
    weights = np.linalg.solve(x.T @ x / len(x) + one.penalty * np.eye(3), x.T @ y / len(x))
    said = (features[test] - features[both].mean(0)) / features[both].std(0) @ weights
    np.testing.assert_allclose(one.predictions, said + task.targets[both].mean(0), rtol=1e-8)


def test_noise_of_reading():
    """r^2 of a tap that is read with noise of a deviation of 1 is a half."""
    task = tasks.memory_task(delays=2, steps=40_000)
    found = tasks.judge(task, line(task.inputs[:, 0], 1, first=1), noise=1.0)
    np.testing.assert_allclose(found.score, 0.5, atol=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tasks.judge(tasks.memory_task(steps=300), np.ones((299, 2))), "features must be of 300"),
        (lambda: tasks.judge(tasks.memory_task(steps=300), np.full((300, 2), np.nan)), "finite"),
        (lambda: tasks.processing_capacity(np.zeros(300), np.ones((299, 2))), "of as many samples"),
        (lambda: tasks.processing_capacity(np.zeros(300), np.ones((300, 200))), "more than 200"),
        (lambda: tasks.rank_series(3, steps=4, shared=5), "more than the 4 samples"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
