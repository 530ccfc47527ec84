# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Gradients through a network
#
# A simulation is a function of its numbers: the drive, the law, the states at the start. This tutorial
# takes its derivative, checks it, looks at it, finds where it is zero, and uses it.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

import jaxnn


network = jaxnn.nanowire_network(40, box=18e-6, seed=4)
terminals = jaxnn.farthest_pair(network)
law = jaxnn.TunnelJunction()
threshold = float(jaxnn.threshold_voltage(network, terminals, law))
setup = {"terminals": terminals, "dt": 5e-3, "steps": 300, "every": 300}
print(network.n_nodes, "wires,", network.n_junctions, "junctions, threshold", round(threshold, 3), "V")

# %% [markdown]
# ## One number
#
# The logarithm of the conductance after 1.5 s, and its slope in the voltage, by `jax.grad` and by a
# central difference. Conductances change by powers of ten, so the logarithm is what one wants to move.


# %%
def log_conductance(voltage):
    run = jaxnn.simulate(network, law, jaxnn.Constant(voltage), **setup)
    return jnp.log10(run.conductance[-1])


voltage, step = 1.4 * threshold, 1e-3 * threshold
value_and_slope = jax.jit(jax.vmap(jax.value_and_grad(log_conductance)))
value, slope = value_and_slope(jnp.asarray([voltage - step, voltage, voltage + step]))
difference = (value[2] - value[0]) / (2 * step)
print(f"gradient {slope[1]:.2f} decades per volt, central difference {difference:.2f}")
assert abs(slope[1] / difference - 1) < 0.05

# %% [markdown]
# ## Every junction at once
#
# In reverse mode, the derivative in a thousand numbers costs as much as in one. Which junction's critical
# flux would change the answer most? Fields of a law may be arrays, one number for each junction:

# %%
fluxes = jnp.full(network.n_junctions, 0.01)  # [V s]


def with_fluxes(critical_flux):
    each = jaxnn.TunnelJunction(critical_flux=critical_flux)
    run = jaxnn.simulate(network, each, jaxnn.Constant(voltage), **setup)
    return jnp.log10(run.conductance[-1])


sensitivity = jax.jit(jax.grad(with_fluxes))(fluxes)
jaxnn.plot_network(
    network, np.abs(sensitivity), terminals=terminals, label="|d log10 G / d critical flux| [1/(V s)]"
)
print("largest at the junctions", np.argsort(-np.abs(sensitivity))[:5].tolist())

# %% [markdown]
# The path that is about to close stands out, before it has closed.
#
# ## Where there is no slope
#
# Below the threshold no state moves, and nothing depends on the voltage: the derivative is zero, and
# rightly so. An optimiser that starts there stays there. A *surrogate* law with rounded corners has a
# slope:


# %%
def slope_of(junction):
    def final(voltage):
        run = jaxnn.simulate(network, junction, jaxnn.Constant(voltage), **setup)
        return jnp.log10(run.conductance[-1])

    return jax.jit(jax.vmap(jax.value_and_grad(final)))


reduced = jnp.linspace(0.3, 2.0, 35)
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for label, junction in {"exact law": law, "surrogate": jaxnn.SmoothJunction(law, 5.0)}.items():
    value, gradient = slope_of(junction)(reduced * threshold)
    axes[0].plot(reduced, value, label=label)
    axes[1].plot(reduced, gradient * threshold, label=label)
axes[0].set(xlabel="drive / threshold", ylabel="log10 (conductance / S)")
axes[1].set(xlabel="drive / threshold", ylabel="slope [decades per threshold]")
axes[1].set_yscale("symlog", linthresh=0.1)
axes[0].legend()

# %% [markdown]
# ## Use it
#
# A sampled drive, free in each of its 60 samples, that leaves a given conductance with as little voltage
# as possible: the loss has both.

# %%
target = -5.2  # log10 of S
samples = jnp.full(60, 1.5)  # in units of the threshold, 25 ms each


def loss(samples):
    drive = jnp.repeat(samples * threshold, 5)
    run = jaxnn.simulate(network, law, drive, **setup)
    reached = jnp.log10(run.conductance[-1])
    return (reached - target) ** 2 + 0.01 * jnp.mean(samples**2), reached


tuned = jaxnn.optimise(loss, samples, optimiser=optax.adam(0.03), steps=60, has_aux=True)
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
jaxnn.plot_optimisation(tuned, ax=axes[0])
axes[1].step(0.025 * np.arange(60), tuned.best, label="tuned")
axes[1].axhline(1.5, color="0.7", ls="--", label="start")
axes[1].set(xlabel="time [s]", ylabel="drive / threshold")
axes[1].legend()
print("reached", float(loss(tuned.best)[1]), "of", target)
assert tuned.best_loss < tuned.loss[0]

# %% [markdown]
# ## Next
#
# [Gradients](../gradients.md) says what has one and what it costs, [which adjoint](../which-adjoint.md)
# how to pay less memory, and [when they vanish or explode](../when-gradients-vanish-or-explode.md) what
# to do then.
