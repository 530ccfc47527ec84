"""The nickelate device against the criteria that docs/nickelate.md lists, by number (T1 to T16)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
import jaxnn_kernels as jk


P = jaxnn.Programme
LANES = 16  # devices of every run here: one shape, compiled once
DEVICE = jaxnn.NickelateDevice()
SETS = {"cool": DEVICE, "hot": jaxnn.parameters.nickelate_hot()}
MODES = {
    "cool": (3.0, 4.25, 5.25, 9.5),
    "hot": (3.0, 4.25, 5.25, 8.5),
}  # [V]: resistor, neuron, synapse, capacitor


def lanes(values) -> jnp.ndarray:
    """The values, the last repeated, one per device of a run."""
    values = np.asarray(values, float).reshape(-1)
    return jnp.asarray(np.concatenate([values, np.full(LANES - values.size, values[-1])]))


def run(device, programme, state=None, **options):
    """A run of 16 devices in 4 or 80 segments, the first ones of no consequence."""
    count = programme.duration.shape[0]
    padded = next(n for n in (4, 80) if n >= count)
    if padded > count:
        programme = P.rest(1e-15, steps=programme.steps).repeat(padded - count) + programme
    return jaxnn.simulate_devices(device, programme, state=state, shape=(LANES,), **options)


def read(device, state, voltage=0.1, wait=100.0, steps=64):
    return run(device, P.read(voltage, wait=wait, steps=steps), state).resistance[-1]


def pick(state, lane):
    """All devices of a run in the state of one of them."""
    return jax.tree.map(lambda x: jnp.repeat(x[..., lane : lane + 1], LANES, -1), state)


@pytest.fixture(scope="module", params=["cool", pytest.param("hot", marks=pytest.mark.slow)])
def prepared(request):
    """A parameter set, and the four modes that one pulse of 1 us makes of an erased device."""
    device = SETS[request.param]
    volts = np.concatenate([[-5.0], MODES[request.param], np.linspace(3.25, MODES[request.param][-1], 11)])
    solution = run(device, P.pulse(lanes(volts), 1e-6) + P.rest(100.0))
    return request.param, device, volts, solution


def test_t2_the_amplitude_of_one_pulse_sets_the_resistance_over_five_decades(prepared):
    _, device, volts, solution = prepared
    order = np.argsort(volts)
    resistance = np.asarray(read(device, solution.final_state))[order]
    assert (np.diff(np.log(resistance)) > -1e-9).all()
    assert resistance[-1] / resistance[0] > 1e5
    erased = run(device, P.pulse(lanes([-8.0]), 1e-6) + P.rest(100.0), solution.final_state)
    blank = read(device, device.init_state(LANES))
    np.testing.assert_allclose(read(device, erased.final_state), blank, rtol=0.01)


def test_t3_an_upward_set_forgets_where_it_came_from(prepared):
    name, device, _, solution = prepared
    resistor, neuron, synapse, capacitor = (solution.final_state.length[i] for i in (1, 2, 3, 4))
    ends = {}
    for start in (1, 2, 3, 4):
        volts = lanes(MODES[name])
        ends[start] = run(
            device, P.pulse(volts, 1e-6), pick(solution.final_state, start)
        ).final_state.length
    for start in (1, 2):
        np.testing.assert_allclose(ends[start][2], synapse, rtol=0.08 if name == "hot" else 0.15)
    for start in (1, 2, 3):
        np.testing.assert_allclose(ends[start][3], capacitor, rtol=0.03)
    # A downward move needs an erase first: the neuron's pulse leaves a long cloud as it is.
    np.testing.assert_allclose(ends[4][1], capacitor, rtol=1e-3)
    assert capacitor > 2 * neuron > 2 * resistor


def test_t4_the_resistor_is_one(prepared):
    _, device, _, solution = prepared
    volts = lanes([0.05, 0.1, 0.2, 0.3, 0.4, 0.5])
    state = pick(solution.final_state, 0)
    linear = run(device, P.rest(100.0) + P.pulse(volts, 1.0), state).resistance[-1]
    np.testing.assert_allclose(linear, linear[0], rtol=1e-3)
    after = run(device, P.train(lanes([0.5]), count=40, width=5e-7, period=1e-6), state).final_state
    np.testing.assert_allclose(read(device, after), linear[0], rtol=1e-4)


@pytest.mark.slow
def test_t4_t7_a_thousand_pulses_change_neither_resistor_nor_synapse(prepared):
    _, device, _, solution = prepared
    for lane, volts, width, most in ((0, 0.5, 5e-7, 1e-3), (3, 0.1, 1e-6, 0.01)):
        state = pick(solution.final_state, lane)
        before = read(device, state)
        for _ in range(25):
            state = run(
                device, P.train(lanes([volts]), count=40, width=width, period=2 * width), state
            ).final_state
        np.testing.assert_allclose(read(device, state), before, rtol=most)


def fire(device, state, volts, period=1e-6, calls=3):
    """Currents at the ends of the pulses of a train, (pulses, amplitudes)."""
    currents = []
    for _ in range(calls):
        solution = run(device, P.train(lanes(volts), count=40, width=5e-7, period=period), state)
        state = solution.final_state
        currents.append(np.asarray(solution.current[::2]))
    return np.concatenate(currents), state


def count_to_fire(currents):
    fired = currents > 1e-3
    return np.where(fired.any(axis=0), fired.argmax(axis=0) + 1.0, np.inf)


def test_t5_t6_the_neuron_counts_pulses_fires_and_forgets(prepared):
    _name, device, _, solution = prepared
    neuron = pick(solution.final_state, 2)
    volts = np.linspace(1.47, 1.77, LANES)
    currents, state = fire(device, neuron, volts, calls=5)
    count = count_to_fire(currents)
    finite = np.isfinite(count)
    assert not finite[0]
    assert (np.diff(count[finite]) <= 0).all()
    largest, two = np.argmax(np.where(finite, count, 0)), np.argmax(count <= 2)
    assert count[largest] > 20
    assert count.min() <= 2
    slope = (np.log(count[two]) - np.log(count[largest])) / (volts[two] - volts[largest])
    assert slope < -20
    # Within one pulse, from 50 ns on, at an amplitude that fires at once.
    split = run(device, P.pulse(lanes([1.85]), 5e-8) + P.pulse(lanes([1.85]), 4.5e-7), neuron).current
    assert split[-1, 0] > 5 * split[-2, 0]
    slower = count_to_fire(fire(device, neuron, volts, period=5e-6)[0])
    some = finite & (count > 4)
    assert (slower[some] > count[some]).all()
    np.testing.assert_allclose(read(device, state, wait=10.0), read(device, neuron), rtol=0.01)


def test_other_modes_do_not_fire(prepared):
    _, device, _, solution = prepared
    for lane in (3, 4):
        currents, _ = fire(
            device, pick(solution.final_state, lane), np.linspace(1.47, 1.77, LANES), calls=1
        )
        assert (np.abs(currents) < 3e-4).all()


def test_t7_the_synapse_keeps_its_state_when_read_and_when_left_alone(prepared):
    _, device, _, solution = prepared
    synapse = pick(solution.final_state, 3)
    before = read(device, synapse)
    many = run(device, P.pulse(lanes([0.1]), 1.0), synapse).final_state  # 1e6 reads of 1 us
    np.testing.assert_allclose(read(device, many), before, rtol=0.01)
    left = run(device, P.rest(1.6e7), synapse).final_state
    np.testing.assert_allclose(read(device, left), before, rtol=1e-6)


RAMPS = {"cool": ((3.0, 3.16), (3.6, 4.2)), "hot": ((2.52, 2.62), (2.9, 3.4))}  # [V] down, up


def levels_of(device, state, volts):
    """Resistance 10 s after each of a series of 1 us pulses through 3 kOhm, read at 0.1 V for 1 ms."""
    found = []
    for part in np.split(volts, range(26, volts.size, 26)):
        n = part.size
        voltage = np.stack([part, 0 * part, 0 * part + 0.1], axis=1).reshape(-1)
        of = lambda *x, n=n: np.tile(np.asarray(x), n)
        programme = P(voltage, voltage, of(1e-6, 10.0, 1e-3), of(1e-9, 1e-9, 1e-9), of(3e3, 0.0, 0.0))
        solution = run(device, programme, state)
        state = solution.final_state
        found.append(0.1 / np.asarray(solution.current[-3 * n :][2::3, 0]))
    return np.concatenate(found), state


@pytest.mark.slow
def test_t7_potentiation_and_depression_in_128_levels(prepared):
    name, device, _, solution = prepared
    ramps = [np.linspace(*ends, 128) for ends in RAMPS[name]]
    down, state = levels_of(device, pick(solution.final_state, 3), -ramps[0])
    up, _ = levels_of(device, state, ramps[1])
    # Every level a ten-thousandth or more from the last: what a read of 0.1 V can tell apart.
    assert (np.diff(np.log(down)) < -1e-4).all()
    assert (np.diff(np.log(up)) > 1e-4).all()
    assert down[-1] < 0.95 * down[0]
    assert up[-1] > 2 * up[0]


def test_t8_pulses_facilitate_for_milliseconds(prepared):
    _, device, _, solution = prepared
    synapse, volts = pick(solution.final_state, 3), lanes([2.8])
    ratios = []
    for gap in (5e-7, 9.5e-6, 1e-2):
        pair = P.pulse(volts, 5e-7) + P.rest(gap) + P.pulse(volts, 5e-7)
        current = run(device, pair, synapse).current
        ratios.append(float(current[-1, 0] / current[-3, 0]))
    assert min(ratios[:2]) > 1.2
    assert ratios[2] < 1.02


def test_t9_the_memory_capacitor_stores_more_than_it_leaks(prepared):
    """A tenth of a period of 10 kHz at a time: 1 V, from the third cycle on."""
    _name, device, _, solution = prepared
    state = pick(solution.final_state, 4)
    # Different lanes, different amplitudes; 25 intervals a cycle, three cycles.
    amplitude = np.asarray(lanes([1.0, 2.0, 3.0, 4.0]))
    phase = 2 * np.pi * np.arange(76) / 25
    ends = run(device, P.sampled(np.sin(phase)[:, None] * amplitude[None], 4e-6, steps=64), state)
    stored = np.asarray(ends.charge - ends.leaked_charge)[-25:]
    leaked = np.asarray(ends.leaked_charge)[-25:]
    assert np.ptp(stored[:, 0]) > 5 * np.ptp(leaked[:, 0])
    charge, volts = np.cumsum(stored, axis=0), np.sin(phase[-25:])[:, None] * np.asarray(amplitude)
    closed = lambda x: np.concatenate([x, x[:1]])
    area = np.abs(np.trapezoid(closed(charge), closed(volts), axis=0))
    assert (area > 0.1 * np.ptp(charge, axis=0) * np.ptp(volts, axis=0)).all()
    assert (np.diff((np.ptp(charge, axis=0) / np.ptp(volts, axis=0))[:4]) > 0).all()
    still = run(
        device,
        P.sampled(np.sin(phase)[:, None] * amplitude[None], 4e-6, steps=64),
        pick(solution.final_state, 0),
    )
    resistor = np.asarray(still.charge - still.leaked_charge)[-25:, 0]
    assert np.ptp(resistor) < 1e-3 * np.ptp(np.asarray(still.leaked_charge)[-25:, 0])


def test_t10_four_bits_leave_sixteen_states_and_the_start_is_forgotten(prepared):
    _, device, _, solution = prepared
    capacitor = pick(solution.final_state, 4)
    bits = np.array([[(code >> (3 - k)) & 1 for code in range(16)] for k in range(4)], float)
    train = P.train(4.0 * jnp.asarray(bits), width=1e-5, period=1e-4)
    read_out = np.sort(run(device, train + P.pulse(lanes([0.5]), 1e-6), capacitor).current[-1])
    # Read noise of a thousandth of the range.
    assert (np.diff(read_out) > 3e-3 * (read_out[-1] - read_out[0])).all()
    charged = run(device, P.pulse(lanes([-3.0]), 1e-3), capacitor).final_state
    drive = P.train(lanes(np.linspace(1, 3, LANES)), count=40, width=1e-3, period=0.1)
    ends = [run(device, drive, state).final_state.polarisation for state in (capacitor, charged)]
    apart = np.abs(charged.polarisation - capacitor.polarisation).max()
    assert np.abs(ends[0] - ends[1]).max() < 0.05 * apart


def test_t13_every_hop_is_activated_by_the_migration_energy():
    numbers = DEVICE.cloud()
    inverse = 1 / np.linspace(280.0, 400.0, 7)
    boltzmann = 1.380649e-23 / 1.602176634e-19
    hop = jk.hopping(numbers, jnp.zeros(7), jnp.asarray(1 / inverse))
    for rate in (hop.activation, hop.activation * hop.cosh):  # the front's mobility, and 1 / tau_k
        energy = -np.polyfit(inverse, np.log(rate), 1)[0] * boltzmann
        np.testing.assert_allclose(energy, 0.41, atol=0.01)


def test_t14_charge_is_conserved(prepared):
    _name, device, _volts, solution = prepared
    stored = jk.stored_charge(device.cloud(), solution.final_state)
    flowed = jnp.sum(jnp.abs(solution.charge), axis=0)
    balance = jnp.sum(solution.charge - solution.leaked_charge, axis=0) - stored
    assert float(jnp.max(jnp.abs(balance) / flowed)) < 1e-9
    # The proton current is most of what a memory capacitor takes.
    assert float(stored[4]) < 1e-3 * float(flowed[4])


def test_t14_gradients_are_central_differences_in_all_modes():
    volts, h = lanes(MODES["cool"]), 1e-5
    log_read = lambda v: jnp.log(run(DEVICE, P.pulse(v, 1e-6) + P.read(), None).resistance[-1])
    _, slope = jax.jvp(log_read, (volts,), (jnp.ones(LANES),))
    central = (log_read(volts + h) - log_read(volts - h)) / (2 * h)
    np.testing.assert_allclose(slope, central, rtol=1e-4)


def test_t16_half_a_microsecond_is_felt_and_costs_picojoules(prepared):
    _, device, _, _solution = prepared
    volts = lanes([2.8, 4.25, 5.25, 9.5])
    half = run(device, P.pulse(volts, 5e-7) + P.rest(100.0))
    blank = read(device, device.init_state(LANES))
    after = read(device, half.final_state)
    assert (np.abs(after / blank - 1) > 1e-4).all()
    energy = jnp.sum(half.energy, axis=0)
    assert ((energy > 1e-12) & (energy < 2e-7)).all()


def test_single_precision_agrees():
    single = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), DEVICE)
    volts = np.asarray(lanes(MODES["cool"]), np.float32)
    programme = P.pulse(volts, 1e-6) + P.read()
    resistance = {}
    for dtype in (jnp.float32, jnp.float64):
        cast = lambda tree, dtype=dtype: jax.tree.map(lambda x: jnp.asarray(x, dtype), tree)
        solution = run(cast(single), cast(programme))
        assert solution.current.dtype == dtype
        resistance[dtype] = np.asarray(solution.resistance[-1], float)
    # ln R is some 18: a thousandth of the cloud's length is 2 % of the memory capacitor's resistance.
    np.testing.assert_allclose(resistance[jnp.float32], resistance[jnp.float64], rtol=0.02)


@pytest.mark.slow
def test_every_resistance_is_converged(prepared):
    """Within 1 % of a run with sixteen times the steps, for every amplitude of the map."""
    _, device, volts, solution = prepared
    coarse = np.asarray(read(device, solution.final_state))
    fine = run(device, P.pulse(lanes(volts), 1e-6, steps=1024) + P.rest(100.0, steps=1024))
    np.testing.assert_allclose(read(device, fine.final_state, steps=1024), coarse, rtol=0.01)
    assert solution.residual < 1e-9


@pytest.mark.slow
def test_another_integrator_agrees():
    """Diffrax on the right-hand side, from the erased state through a set pulse of 1 us."""
    diffrax = pytest.importorskip("diffrax")
    numbers, zero = DEVICE.cloud(), jnp.zeros(())

    def rate(time, state, volts):
        del time
        return jk.proton_cloud_rate(numbers, state, volts, compliance=zero, sheet=zero)

    volts = jnp.asarray(5.25)
    state = DEVICE.init_state()
    scales = jk.CloudState(*map(jnp.asarray, (1e7, 1e-9, np.full(5, 1e-3), 1.0, 1.0)))
    scaled = lambda t, y, v: jax.tree.map(
        jnp.divide, rate(t, jax.tree.map(jnp.multiply, y, scales), v), scales
    )
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(scaled),
        diffrax.Kvaerno5(),
        0.0,
        1e-6,
        1e-13,
        jax.tree.map(jnp.divide, state, scales),
        args=volts,
        stepsize_controller=diffrax.PIDController(rtol=1e-7, atol=1e-7),
        max_steps=100_000,
    )
    # A hundredth of R is a thousandth of the length.
    for steps, most in ((64, 1e-3), (1024, 2e-4)):
        ours = jaxnn.simulate_devices(DEVICE, P.pulse(volts, 1e-6, steps=steps)).final_state
        np.testing.assert_allclose(found.ys.length[0] * 1e-9, ours.length, rtol=most)
        np.testing.assert_allclose(found.ys.temperature[0], ours.temperature, rtol=2e-3)
