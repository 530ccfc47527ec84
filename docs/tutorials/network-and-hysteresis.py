# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # A network, and its hysteresis
#
# A network of silver nanowires is a resistor whose resistance depends on its past. This tutorial takes it
# apart: first one junction, then the voltage that a network needs, and then the loop that it draws.

# %%
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import jaxnn


# %% [markdown]
# ## One junction
#
# The state of a junction is a flux $\lambda$ [V s]: it grows while more than $V_\mathrm{set}$ = 10 mV are
# across it, decays below $V_\mathrm{reset}$ = 5 mV, and rests in between. At $\lambda_\mathrm{crit}$ the
# gap is closed and the junction conducts like a metal. Three pulses of 30 mV, 6 mV and 0 V show all
# three:

# %%
pair = jaxnn.Network(2, [(0, 1)])
law = jaxnn.TunnelJunction()
dt = 2e-3  # [s]
voltage = np.repeat([0.03, 0.006, 0.0], [300, 200, 500])  # [V], one number for each step
one = jaxnn.simulate(
    pair, law, voltage, terminals=(0, 1), dt=dt, steps=1000, record=("state", "junction_conductance")
)
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 4.6), layout="constrained")
above.plot(one.time, one.state / law.critical_flux)
above.axhline(1, color="k", lw=0.8, ls="--")
above.set_ylabel("state / critical flux")
below.semilogy(one.time, one.junction_conductance)
below.set(xlabel="time [s]", ylabel="conductance [S]")
print("closed after", float(one.time[np.argmax(one.state[:, 0] >= law.critical_flux)]), "s")

# %% [markdown]
# It closes after $\lambda_\mathrm{crit} / (V - V_\mathrm{set})$ = 0.01 V s / 20 mV = 0.5 s, and opens
# once its voltage is gone, ten times as fast as it would grow at the same distance from the threshold.
#
# ## The threshold of a network
#
# Now 80 wires. The shortest path from source to drain has $n$ junctions; at $n V_\mathrm{set}$ each of
# them has just what it needs, if no current goes astray.

# %%
network = jaxnn.nanowire_network(80, box=27e-6, seed=2)
terminals = jaxnn.farthest_pair(network)
n = network.path_length(*terminals)
threshold = float(jaxnn.threshold_voltage(network, terminals, law))
print(f"{network.n_nodes} wires, {network.n_junctions} junctions, n = {n}, threshold {threshold:.2f} V")
setup = {"terminals": terminals, "dt": 5e-3}
on = jaxnn.simulate(
    network, law, jaxnn.Constant(1.3 * threshold), steps=1600, record="junction_conductance", **setup
)
figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
jaxnn.plot_conductance(on, ax=axes[0])
jaxnn.plot_network(on, ax=axes[1])

# %% [markdown]
# Before the jump, filaments grow one after another. Each that closes leaves its voltage to the others on
# the path, which then grow faster: the winner takes all.
#
# ## The loop
#
# One period of a slow triangle, in both directions. Below the threshold on the way up there is no current
# to speak of; on the way down the path holds until half of it, where junctions are at their reset voltage.
# Both jumps come later than that, at 1.5 and near 0.4, because filaments need time to grow and to dissolve,
# while the drive goes on: a slower triangle brings them nearer to 1 and 0.5.

# %%
period = 40.0  # [s]
loop = jaxnn.simulate(
    network, law, jaxnn.Triangle(2 * threshold, 1 / period), steps=8000, every=10, **setup
)
drive, current = np.asarray(loop.drive)[:, 0], np.asarray(loop.terminal_current)[:, 0]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
left.plot(drive / threshold, current * 1e6)
left.set(xlabel="drive / threshold", ylabel="current [µA]")
right.semilogy(drive / threshold, loop.conductance)
right.set(xlabel="drive / threshold", ylabel="conductance [S]")
for ax in (left, right):
    for mark in (-1, 1):
        ax.axvline(mark, color="0.7", lw=0.8, ls="--")

# %% [markdown]
# At the same voltage the conductance has two values, which differ by a factor of hundreds: that is the
# memory.

# %%
rising = (drive > 0.85 * threshold) & (drive < 0.95 * threshold) & (np.gradient(drive) > 0)
falling = (drive > 0.85 * threshold) & (drive < 0.95 * threshold) & (np.gradient(drive) < 0)
up, down = (jnp.median(loop.conductance[which]) for which in (rising, falling))
print(f"at 0.9 of the threshold: {up:.2g} S on the way up, {down:.2g} S on the way down")
assert down > 20 * up

# %% [markdown]
# ## Next
#
# [Gradients through a network](gradients-through-a-network.py) tune such a drive. The paper's own loops
# are in the [gallery](../gallery.md), and the laws in [Junctions](../junctions.md).
