"""Nickelate devices that share a sheet, spread of devices, and programmes as such."""

import json
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxnn
import jaxnn_kernels as jk
import jaxnn_kernels._nickelate.cloud_step as step_module
from scripts import run_script


P = jaxnn.Programme
DEVICE = jaxnn.NickelateDevice()
SHEET = jaxnn.CapacitiveSheet.grid(1, 5)
STEPS = 32
NO_PROGRAMME: Any = jaxnn.Constant(1.0)


@jax.jit
def shared(volts, coupling, state):
    """Terminal currents, leaked charge and the end of 2 us at `volts`, (devices,), on a row of five."""
    sheet = jaxnn.CapacitiveSheet(SHEET.positions, coupling=coupling)
    programme = P.pulse(volts, 2e-6, steps=STEPS) + P.rest(1e-6, steps=STEPS)
    return jaxnn.simulate_devices(DEVICE, programme, state=state, sheet=sheet)


@pytest.fixture(scope="module")
def synapses():
    programme = P.pulse(jnp.full(5, 5.25), 1e-6, steps=STEPS) + P.rest(100.0, steps=STEPS)
    return jaxnn.simulate_devices(DEVICE, programme).final_state


def test_t15_the_reference_feels_its_neighbours_in_proportion_to_their_number(synapses):
    currents = []
    for neighbours in range(5):
        volts = np.concatenate([[0.0], np.where(np.arange(4) < neighbours, 2.0, 0.0)])
        currents.append(float(shared(jnp.asarray(volts), jnp.asarray(1e-6), synapses).current[0, 0]))
    # At 0 V the reference collects what its neighbours put on the sheet: more with each of them.
    assert (np.diff(np.abs(currents)) > 0).all()


def test_t15_without_coupling_neighbours_do_nothing(synapses):
    alone = shared(jnp.asarray([0.1, 0.0, 0.0, 0.0, 0.0]), jnp.asarray(0.0), synapses)
    among = shared(jnp.asarray([0.1, 2.0, 2.0, 2.0, 2.0]), jnp.asarray(0.0), synapses)
    # Newton's method runs until the last device has converged: the same to its tolerance, not bit for bit.
    np.testing.assert_allclose(alone.current[:, 0], among.current[:, 0], rtol=1e-9)


def test_the_sheet_keeps_charge(synapses):
    """What goes in leaks through the clouds or out of the sheet, or is stored in the sheet."""
    volts = jnp.asarray([0.5, 2.0, 1.0, 0.0, -1.0])
    solution = shared(volts, jnp.asarray(1e-6), synapses)
    sheet = jnp.sum(SHEET.capacitance * solution.final_sheet)
    kept = jnp.sum(solution.charge - solution.leaked_charge - solution.sheet_charge)
    flowed = jnp.sum(jnp.abs(solution.charge))
    np.testing.assert_allclose((kept - sheet) / flowed, 0, atol=1e-9)


@pytest.mark.slow
def test_the_sheet_converges_with_the_square_of_the_step(synapses):
    """The potentials under five devices after 2 us."""
    volts = jnp.asarray([0.5, 2.0, 1.0, 0.0, -1.0])
    ends = []
    for steps in (32, 64, 128):
        pulse = P.pulse(volts, 2e-6, steps=steps)
        ends.append(jaxnn.simulate_devices(DEVICE, pulse, state=synapses, sheet=SHEET).final_sheet)
    coarse, fine = (np.linalg.norm(ends[i] - ends[i + 1]) for i in (0, 1))
    assert 1.6 < np.log2(coarse / fine) < 2.6
    assert fine < 2e-3 * np.linalg.norm(ends[-1])


def test_gradients_pass_through_the_sheet(synapses):
    """A regular grid has equal eigenvalues, whose derivatives would be NaN."""
    square = jaxnn.CapacitiveSheet.grid(2, 2)
    modes = square.modes()
    values = jnp.linspace(0.1, 0.4, 4)

    @jax.jit
    def after(coupling):
        sheet = jaxnn.CapacitiveSheet(square.positions, coupling=coupling)
        stored, drive = (1e-7 * values, 1e-7 * values), (values[::-1], values[::-1])
        step = jaxnn._nickelate.sheet.sheet_step
        return jnp.sum(jnp.sin(step(sheet, sheet.modes(), values, stored, drive, jnp.asarray(1e-7))[1]))

    at = jnp.asarray(1e-6)
    central = (after(1.001 * at) - after(0.999 * at)) / (0.002 * at)
    np.testing.assert_allclose(jax.grad(after)(at), central, rtol=1e-5)
    assert len(modes) == 3


def test_the_small_signal_admittance_has_known_limits():
    erased = DEVICE.init_state()
    admittance = jaxnn.small_signal_admittance(DEVICE, erased, 1e3)
    np.testing.assert_allclose(admittance.real, 1 / 769.0, rtol=1e-6)
    long = erased._replace(length=jnp.asarray(50e-9), order=jnp.asarray(0.0))
    plates = DEVICE.permittivity * DEVICE.pad_area / (50e-9 + DEVICE.edge_length)
    # Too fast for any of the modes, too slow for the leads: the plates alone.
    fast = jaxnn.small_signal_admittance(DEVICE, long, 1e7).imag / (2e7 * np.pi)
    np.testing.assert_allclose(fast, plates, rtol=0.01)
    slow = jaxnn.small_signal_admittance(DEVICE, long, 10.0).imag / (20 * np.pi)
    assert slow > 3 * plates


def test_spread_follows_its_key():
    spread = jaxnn.NickelateSpread()
    one, same = (spread.draw(DEVICE, jr.key(0), 2000) for _ in range(2))
    other = spread.draw(DEVICE, jr.key(1), 2000)
    for name in ("pinning_field", "insulator_energy", "insulator_length"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
        sigma = np.std(np.log(getattr(one, name)))
        np.testing.assert_allclose(sigma, getattr(spread, name), rtol=0.1)
    np.testing.assert_array_equal(one.edge_length, DEVICE.edge_length)


@pytest.mark.slow
def test_devices_and_cycles_differ():
    spread, volts = jaxnn.NickelateSpread(), jnp.full(64, 5.25)
    devices = spread.draw(DEVICE, jr.key(0), 64)
    programme = (
        P.pulse(volts, 1e-6, steps=STEPS) + P.rest(100.0, steps=STEPS) + P.pulse(0.1, 1.0, steps=STEPS)
    )
    resistance = jaxnn.simulate_devices(devices, programme).resistance[-1]
    assert 0.4 < np.std(np.log(resistance)) < 0.9
    cycles = jaxnn.NickelateSpread(0.01, 0.0, 0.0)
    again = jaxnn.simulate_devices(DEVICE, programme, cycle_spread=cycles, key=jr.key(0)).resistance[-1]
    assert 0.02 < np.std(np.log(again)) < 0.3


def test_a_programme_is_a_drive():
    programme = P.pulse(2.0, 1e-6) + P.rest(1e-6) + P.ramp(0.0, 4.0, 2e-6)
    at = [float(programme(t)) for t in (0.5e-6, 1e-6, 1.5e-6, 3e-6, 4e-6)]
    np.testing.assert_allclose(at, [2, 2, 0, 2, 4], atol=1e-6)
    np.testing.assert_allclose(programme.end_times, [1e-6, 2e-6, 4e-6])
    train = P.train(jnp.asarray([1.0, 3.0]), width=1e-6, period=3e-6)
    np.testing.assert_allclose(train.start, [1, 0, 3, 0])
    np.testing.assert_allclose(train.repeat(2).end_times[-1], 12e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: P.pulse(1.0, -1e-6), "duration of a Programme must be greater than 0"),
        (lambda: P.pulse(jnp.nan, 1e-6), "must be finite"),
        (lambda: P.train(1.0, width=1e-6, period=2e-6), "needs count"),
        (lambda: P.train(1.0, count=2, width=2e-6, period=1e-6), "period less width"),
        (lambda: P.pulse(1.0, 1e-6) + P.rest(1.0, steps=8), "same steps"),
        (lambda: P.pulse(np.ones(2), 1e-6) + P.pulse(np.ones(3), 1e-6), r"\(2,\) and \(3,\) do not fit"),
        (lambda: P.pulse(1.0, 1e-6) + NO_PROGRAMME, "another Programme"),
        (lambda: jaxnn.NickelateDevice(pinning_field=-1.0), "pinning_field must be greater than 0"),
        (lambda: jaxnn.NickelateDevice(relaxation_times=[1.0]), "one value per mode"),
        (lambda: jaxnn.simulate_devices(DEVICE, NO_PROGRAMME), "must be a jaxnn.Programme"),
        (lambda: jaxnn.simulate_devices(DEVICE, P.pulse(1.0, 1e-6), key=jr.key(0)), "belong together"),
        (lambda: jaxnn.simulate_devices(DEVICE, P.pulse(jnp.ones(3), 1e-6), shape=(2,)), "one shape"),
        (lambda: jaxnn.simulate_devices(DEVICE, P.pulse(jnp.ones(3), 1e-6), sheet=SHEET), "5 sites"),
        (lambda: jaxnn.CapacitiveSheet(np.zeros((3, 3))), "must be \\(sites, 2\\)"),
        (lambda: jaxnn.NickelateSpread(-0.1), "at least 0"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_step_lowers_for_cuda():
    numbers = DEVICE.cloud()
    state = DEVICE.init_state(8)

    def step(state, volts, dt):
        zero = jnp.zeros(8)
        return jk.proton_cloud_step(
            numbers, state, dt, (volts, volts), compliance=jnp.asarray(0.0), sheet=(zero, zero)
        )

    def total(state, volts, dt):
        return jnp.sum(step(state, volts, dt)[0].length)

    arguments = (state, jnp.ones(8), jnp.asarray(1e-9))
    exported = jax.export.export(jax.jit(jax.value_and_grad(total, argnums=1)), platforms=["cuda"])(
        *arguments
    )
    assert "callback" not in exported.mlir_module()


@pytest.mark.slow
def test_the_modes_experiment(tmp_path):
    done = run_script("experiments/nickelate/modes.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "modes.png").stat().st_size > 0


def test_the_relaxation_table_is_missed_by_name(tmp_path):
    fit = import_module("experiments.nickelate.relaxation_fit")
    with pytest.raises(FileNotFoundError, match="holds Fig"):
        fit.load(tmp_path / "relaxation.csv")
    (tmp_path / "relaxation.csv").write_text("# charges\ntime_ms,q\n1.0,2.0\n")
    with pytest.raises(ValueError, match="four charges"):
        fit.load(tmp_path / "relaxation.csv")


@pytest.mark.slow
def test_the_fit_recovers_generated_charges(tmp_path):
    done = run_script("experiments/nickelate/relaxation_fit.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "nickelate_fit.json").read_text())
    assert abs(numbers["parameters"]["a [nm]"]["value"] - 4.0) < 0.2
    assert numbers["RMSE of the predicted 533 kV/cm trace"] < 0.05


def test_the_slopes_of_the_step_are_those_of_its_equations(getkey):
    """Newton's method would converge with wrong ones, too, only slower."""
    draw = lambda low, high, *shape: jr.uniform(getkey(), (*shape, 6), minval=low, maxval=high)
    state = jk.CloudState(
        draw(-2e8, 2e8), draw(0.0, 5e-8), draw(-0.1, 0.3, 5), draw(300.0, 350.0), draw(0.0, 1.0)
    )
    numbers = DEVICE.cloud()
    scalar = lambda x: jnp.asarray(x)
    stage = step_module._Stage(
        state,
        jk.stored_charge(numbers, state),
        draw(0.0, 1.0),
        scalar(3e-9),
        draw(-5.0, 5.0),
        scalar(100.0),
        draw(-0.1, 0.1),
    )
    x = (state.field / numbers.E_1, state.temperature / numbers.T0)
    linearise = jax.jit(lambda e, t: step_module._linearised(numbers, stage, (e, t)))
    left = lambda e, t: linearise(e, t).left
    for i, column in enumerate(linearise(*x).columns):
        unit = tuple(jnp.ones(6) if k == i else jnp.zeros(6) for k in range(2))
        _, expected = jax.jvp(left, x, unit)
        for ours, theirs in zip(column, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10)
