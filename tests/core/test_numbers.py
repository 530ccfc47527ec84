"""Numbers given as parameters: never weakly typed, followers of the dtype of arrays, compiled for once."""

import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxnn
from helpers import as_a_reader, line
from jaxnn._junctions import call_law
from public_modules import ALL, GIVEN, classes


@pytest.mark.parametrize("name", ALL)
def test_nothing_public_is_weakly_typed(name):
    """A weak leaf would have a training loop compiled once more, when an update has made it strong."""
    leaves = jax.tree_util.tree_leaves_with_path(ALL[name]())
    weak = [jax.tree_util.keystr(path) for path, x in leaves if getattr(x, "weak_type", False)]
    assert not weak
    # A Python float would be weakly typed at the boundary of a compiled function; ranges never get there.
    assert isinstance(ALL[name](), jaxnn.AbstractSampling) or not [
        path for path, x in leaves if isinstance(x, float)
    ]


def test_every_public_module_is_among_them():
    assert set(classes()) <= {type(make()) for make in ALL.values()}


LAWS = {k: make() for k, make in GIVEN.items() if isinstance(make(), jaxnn.AbstractJunction)}
DRIVES = {k: make() for k, make in GIVEN.items() if isinstance(make(), jaxnn.AbstractDrive)}


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", LAWS)
def test_a_law_answers_in_the_dtype_of_the_state(name, dtype):
    """With x64 on, and although implicit promotion is an error here."""
    law = LAWS[name]
    state = law.init_state(3).astype(dtype)
    voltage, dt = jnp.full(3, 0.02, dtype), jnp.asarray(0.1, dtype)
    inputs = {"key": jax.random.key(0), "time": dt}
    conductance = call_law(law, "conductance", state, **inputs)
    assert conductance.dtype == call_law(law, "update", state, voltage, dt, **inputs).dtype == dtype
    assert call_law(law, "update", state, voltage, 0.1, **inputs).dtype == dtype
    # The published step of the rate balance depends on its length, and has no rate.
    if isinstance(law, jaxnn.AbstractRateJunction) and not getattr(law, "as_published", False):
        assert law.rate(state, voltage).dtype == dtype


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", DRIVES)
def test_a_drive_answers_in_the_dtype_of_the_time(name, dtype):
    assert DRIVES[name](jnp.asarray(0.1, dtype)).dtype == dtype
    assert DRIVES[name].at(jaxnn.Clock.at(jnp.asarray(0.1, dtype))).dtype == dtype
    # A plain time is of no dtype either, and leaves it to the default or to an array in the drive.
    assert DRIVES[name](0.1).dtype == jnp.float64


def single(x):
    return jnp.asarray(x, jnp.float32)


SETTINGS = {"dt": 1e-3, "steps": 2}
PASSIVE = [True, False, False]
SINGLE_PADS = jaxnn.Network(4, line(3).edges, passive=PASSIVE, passive_conductance=single([1.0]))


@pytest.mark.parametrize("name", LAWS)
def test_one_array_decides_the_dtype_of_a_run(name):
    """Plain numbers, lists and NumPy arrays follow, float64 ones too, also with x64 on."""
    law, plain = LAWS[name], np.full((2, 2), 0.1)
    state = law.init_state(3).astype(jnp.float32)
    runs = {
        "drive": (line(3), single(plain), None),
        "drive's parameter": (line(3), jaxnn.Sine(0.1, single(2.0)), None),
        "state": (line(3), jaxnn.Constant(0.1), state),
        "state and samples": (line(3), plain, state),
        "pads": (SINGLE_PADS, plain.tolist(), None),
    }
    run = lambda network, drive, state: jaxnn.simulate(
        network, law, drive, terminals=(0, 3), state=state, key=jax.random.key(0), **SETTINGS
    )
    for network, drive, state in runs.values():
        found = jax.eval_shape(lambda n=network, d=drive, s=state: run(n, d, s))
        assert found.conductance.dtype == found.final_state.dtype == found.time.dtype == jnp.float32
    nothing = jax.eval_shape(lambda: run(line(3), plain, None))
    assert nothing.conductance.dtype == jnp.float64


@pytest.mark.filterwarnings("ignore::jaxnn.NumericalWarning")  # of a run much shorter than its drive
@pytest.mark.parametrize("name", DRIVES)
def test_a_drive_follows_the_dtype_of_a_run(name):
    terminals = (0, 1, 3) if name == "constants" else (0, 3)
    law = jaxnn.Resistor(single(1.0))
    run = lambda: jaxnn.simulate(line(3), law, DRIVES[name], terminals=terminals, **SETTINGS)
    assert jax.eval_shape(run).drive.dtype == jnp.float32


def test_a_weakly_typed_array_is_a_plain_number():
    assert jnp.asarray(0.1).weak_type
    assert isinstance(jaxnn.Constant(jnp.asarray(0.1)).voltage, np.ndarray)
    assert isinstance(jaxnn.Constant(single(0.1)).voltage, jax.Array)
    # Of NumPy, float64 is what there is by default, and float32 a choice.
    assert isinstance(jaxnn.Constant(np.float64(0.1)).voltage, np.ndarray)
    assert jaxnn.Constant(np.float32(0.1)).voltage.dtype == jnp.float32


def test_numbers_that_were_checked_stay():
    """Whoever gave an array can change it, but not that of the law."""
    boost = np.ones(3)
    law = jaxnn.TunnelJunction(boost=boost)
    boost[0] = -1
    assert law.boost.min() == 1
    with pytest.raises(ValueError, match="read-only"):
        law.boost[0] = -1


def loops():
    """What is tuned by hand: plain numbers to begin with, arrays after an update."""
    network, pads = line(3), jaxnn.Network(4, line(3).edges, passive=PASSIVE, passive_conductance=0.1)
    run = lambda network, law, drive: jnp.log(
        jaxnn.simulate(network, law, drive, terminals=(0, 3), **SETTINGS).conductance[-1]
    )
    law, drive = jaxnn.TunnelJunction(), jaxnn.Sine(0.1, 1.0)
    return {
        "sum of drives": (drive + jaxnn.Constant(0.1), lambda d: run(network, law, d)),
        "law": (law, lambda x: run(network, x, drive)),
        "network": (pads, lambda x: run(x, law, drive)),
        # A run takes a minute to differentiate and compile, and what matters is what goes in.
        "device": (jaxnn.NickelateDevice(), lambda device: sum(map(jnp.sum, device.cloud()))),
    }


@pytest.mark.parametrize("name", loops())
def test_a_loop_written_by_hand_compiles_once(name):
    """The loop of docs/gradients.md: one tracing and nothing compiled after the first step."""
    tuned, loss = loops()[name]
    optimiser, traced, compiled = optax.adam(1e-6), [], []

    @jax.jit
    def iterate(tuned, memory):
        traced.append(1)
        value, gradient = jax.value_and_grad(loss)(tuned)
        updates, memory = optimiser.update(gradient, memory)
        return value, (optax.apply_updates(tuned, updates), memory)

    count = lambda event, *_, **__: compiled.append(event) if "backend_compile" in event else None
    with as_a_reader():
        memory = optimiser.init(tuned)
        jax.monitoring.register_event_duration_secs_listener(count)
        _, (tuned, memory) = iterate(tuned, memory)
        assert compiled, "the event has another name in this version of JAX"
        compiled.clear()
        for _ in range(3):
            _, (tuned, memory) = iterate(tuned, memory)
        jax.monitoring.unregister_event_duration_listener(count)
    assert len(traced) == 1
    assert not compiled


def test_tuned_parameters_are_strong_arrays():
    """What `optimise` returns can go into a compiled function as it is."""
    loss = lambda d: jnp.sum((d.amplitude - 1.0) ** 2)
    drive = jaxnn.Sine(0.1, 1.0)
    run = jaxnn.optimise(loss, drive, optimiser=optax.sgd(0.1), steps=2, progress=False)
    starts = jaxnn.spread(drive, jax.random.key(0), 2, constraints=jaxnn.Positive())
    for leaf in jax.tree.leaves((run.best, starts)):
        assert not leaf.weak_type
