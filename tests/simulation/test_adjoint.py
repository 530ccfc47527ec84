"""What reverse mode keeps: the same gradient in less memory, or a cut one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxnn
from helpers import line, small_network


DT = 1e-3


def loss_of(network, terminals, adjoint, every=1, steps=None):
    """A function of every sample of the drive [V]: the mean of log G, and of the states kept."""

    def loss(samples):
        solution = jaxnn.simulate(
            network,
            jaxnn.TunnelJunction(),
            samples,
            terminals=terminals,
            dt=DT,
            steps=samples.shape[0] if steps is None else steps,
            every=every,
            record="state",
            adjoint=adjoint,
        )
        return jnp.mean(jnp.log(solution.conductance)) + jnp.sum(1e3 * solution.state**2)

    return loss


def samples(steps, dtype=float):
    return jnp.asarray(1.2 + 0.3 * np.sin(np.arange(steps)), dtype)


@pytest.mark.parametrize(
    ("steps", "every", "adjoint"),
    [
        (60, 1, jaxnn.StoreAll()),
        (60, 1, jaxnn.Checkpointed()),
        (61, 1, jaxnn.Checkpointed()),  # a prime: the last steps are a scan of their own
        (60, 4, jaxnn.Checkpointed()),
        (61, 30, jaxnn.Checkpointed(7)),
        (60, 1, jaxnn.Truncated(60)),
    ],
)
def test_adjoints_agree(steps, every, adjoint):
    network, terminals = line(3), (0, 3)
    drive = samples(steps)
    evaluate = lambda adjoint: jax.jit(jax.value_and_grad(loss_of(network, terminals, adjoint, every)))(
        drive
    )
    value, gradient = evaluate(adjoint)
    expected_value, expected = evaluate(jaxnn.StoreStates())
    assert float(jnp.linalg.norm(expected)) > 1e-3
    np.testing.assert_allclose(value, expected_value, rtol=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13)


def test_checkpoints_under_vmap_and_in_single_precision():
    network, terminals, _ = small_network(n_wires=12)
    drive = jnp.stack([a * samples(49, jnp.float32) for a in (0.8, 1.0, 1.2)])
    gradient = lambda adjoint: jax.jit(jax.vmap(jax.grad(loss_of(network, terminals, adjoint))))(drive)
    both = [gradient(adjoint) for adjoint in (jaxnn.Checkpointed(), jaxnn.StoreStates())]
    assert both[0].dtype == jnp.float32
    np.testing.assert_allclose(both[0], both[1], rtol=1e-4, atol=1e-6)


def test_truncated_gradient_is_that_of_each_window():
    network, terminals = line(3), (0, 3)
    drive, window = samples(40), 10
    gradient = jax.grad(loss_of(network, terminals, jaxnn.Truncated(window)))(drive)

    run = lambda part, state, start: jaxnn.simulate(
        network,
        jaxnn.TunnelJunction(),
        part,
        terminals=terminals,
        dt=DT,
        steps=window,
        state=state,
        start_step=start,
        record="state",
    )

    def windows(drive):
        state, total = jnp.zeros(3), 0.0
        for k in range(0, 40, window):
            solution = run(drive[k : k + window], jax.lax.stop_gradient(state), k)
            total += jnp.sum(jnp.log(solution.conductance)) / 40 + jnp.sum(1e3 * solution.state**2)
            state = solution.final_state
        return total

    np.testing.assert_allclose(gradient, jax.grad(windows)(drive), rtol=1e-10, atol=1e-13)
    whole = jax.grad(loss_of(network, terminals, None))(drive)
    assert float(jnp.max(jnp.abs(whole - gradient))) > 1e-2 * float(jnp.max(jnp.abs(whole)))


def compiled_memory(network, terminals, adjoint, steps, batch=1):
    """Temporary memory [B] of the gradient in every sample, float32, known when it is compiled."""
    loss = jax.vmap(jax.grad(loss_of(network, terminals, adjoint, every=steps)))
    shape = jax.ShapeDtypeStruct((batch, steps), jnp.float32)
    memory = jax.jit(loss).lower(shape).compile().memory_analysis()
    assert memory is not None
    return memory.temp_size_in_bytes


def test_memory_grows_as_the_root():
    network, terminals = line(40), (0, 40)
    few, many = (compiled_memory(network, terminals, jaxnn.Checkpointed(), n) for n in (400, 40_000))
    stored = compiled_memory(network, terminals, jaxnn.StoreStates(), 40_000)
    # The drive itself, and its gradient, grow with the steps.
    drive = 4 * 40_000 * 4
    assert many - drive < 12 * few
    assert stored - drive > 4 * (many - drive)


def test_hundred_thousand_steps_fit():
    """The gradient in every sample of 100,000 steps of 100 wires takes less than 2 GiB."""
    network = jaxnn.nanowire_network(100, box=(100 / 1e11) ** 0.5)
    terminals = jaxnn.farthest_pair(network)
    memory = compiled_memory(network, terminals, jaxnn.Checkpointed(), 100_000)
    print(f"{memory / 2**20:.1f} MiB")
    assert memory < 100 * 2**20


@pytest.mark.parametrize("make", [jaxnn.Checkpointed, jaxnn.Truncated])
def test_bad_windows(make):
    for value, said in ((0, "at least 1"), (-1, "at least 1"), (2.5, "must be a whole number")):
        with pytest.raises(ValueError, match=said):
            make(value)


def test_a_window_may_be_traced():
    network, terminals = line(3), (0, 3)
    gradient = lambda window: jax.grad(loss_of(network, terminals, jaxnn.Truncated(window)))(samples(40))
    traced = jax.jit(jax.vmap(gradient))(jnp.asarray([10, 40]))
    for one, window in zip(traced, (10, 40), strict=True):
        np.testing.assert_allclose(one, gradient(window), rtol=1e-10, atol=1e-13)
    with pytest.raises(ValueError, match="at least 1"):
        jaxnn.Truncated(jnp.int32(0))
    with pytest.raises(ValueError, match="scalar of whole steps"):
        jaxnn.Truncated(jnp.ones(2))
