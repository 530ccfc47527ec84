# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # Four modes of a nickelate device
#
# A film of NdNiO3 with hydrogen under one electrode is a resistor, a neuron, a synapse or a memory
# capacitor, as one pulse leaves it. The model has one set of equations and no switch; its numbers were
# found *for function*, not fitted to curves of a device: [what is measured](../nickelate.md) and what is
# not.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import jaxnn


device = jaxnn.NickelateDevice()
P = jaxnn.Programme
NAMES = ("resistor", "neuron", "synapse", "memory capacitor")
set_volts = np.array([3.0, 4.25, 5.25, 9.5])  # [V] one pulse of 1 us makes each of them

# %% [markdown]
# ## From one to the next
#
# Sixty erased devices get one pulse each. Protons move away from the electrode until the field is too
# weak, so that the amplitude sets the length of the insulating cloud, and the resistance, over five
# decades.

# %%
volts = np.concatenate([set_volts, np.linspace(2.5, 10.5, 60)])
mapped = jaxnn.simulate_devices(device, P.pulse(volts, 1e-6) + P.read())
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.semilogy(volts[4:], mapped.resistance[-1, 4:])
for name, volt in zip(NAMES, set_volts, strict=True):
    ax.axvline(volt, color="0.7", lw=0.8, ls="--")
    ax.text(volt, 1.02, name.split()[-1], transform=ax.get_xaxis_transform(), fontsize=8, ha="center")
ax.set(xlabel="pulse [V]", ylabel="resistance at 0.1 V [ohm]")


def devices_in(name, count):
    """So many devices, all of them in the state that one of the four was left in."""
    mode = NAMES.index(name)
    return jax.tree.map(lambda x: jnp.repeat(x[..., mode : mode + 1], count, axis=-1), mapped.final_state)


# %% [markdown]
# ## The neuron
#
# Pulses of half a microsecond, one each microsecond. Each leaves some charge behind, which lowers the
# barrier; at some number of pulses the cloud warms up, becomes a metal, and the current jumps. Larger
# pulses need fewer.

# %%
amplitudes = np.array([1.50, 1.56, 1.62, 1.68, 1.74])
train = P.train(amplitudes, count=20, width=5e-7, period=1e-6)
fired = jaxnn.simulate_devices(device, train, state=devices_in("neuron", 5)).current[::2]
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for volt, current in zip(amplitudes, np.asarray(fired).T, strict=True):
    ax.semilogy(np.arange(1, 21), current, "o-", ms=3, label=f"{volt:.2f} V")
ax.set(xlabel="pulse", ylabel="current at its end [A]")
ax.legend()
print("current at the last pulse over that at the first:", np.round(fired[-1] / fired[0], 1))
assert (fired[-1] / fired[0]).max() > 5

# %% [markdown]
# ## The synapse
#
# Twelve negative pulses, each a little larger than the one before, pull protons back and strengthen the
# synapse; twelve positive ones weaken it again. A resistor of 3 kOhm in series limits the current.

# %%
pulses = np.concatenate([-np.linspace(3.1, 3.4, 12), np.linspace(3.6, 4.2, 12)])  # [V]
steps = [P.pulse(volt, 1e-6, compliance=3e3) + P.rest(10.0) + P.pulse(0.1, 1e-3) for volt in pulses]
weights = jaxnn.simulate_devices(device, sum(steps[1:], steps[0]), state=devices_in("synapse", 1))
levels = 0.1 / np.asarray(weights.current)[2::3, 0]
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.semilogy(np.arange(1, 25), levels, "o-")
ax.set(xlabel="pulse", ylabel="resistance [ohm]")
print(f"{levels[0]:.3g} ohm, down to {levels[11]:.3g} and up to {levels[-1]:.3g} ohm")
assert levels[11] < levels[0] < levels[-1]

# %% [markdown]
# ## The memory capacitor
#
# With the longest cloud hardly any current leaks. What flows is charge, and it lags behind the voltage: a
# loop.

# %%
samples = 32
phase = 2 * np.pi * np.arange(2 * samples + 1) / samples
peaks = np.array([0.5, 1.0, 2.0])
wave = P.sampled(np.sin(phase)[:, None] * peaks, 1e-4 / samples)  # 10 kHz
looped = jaxnn.simulate_devices(device, wave, state=devices_in("memory capacitor", 3))
stored = np.cumsum(looped.charge - looped.leaked_charge, axis=0)[-samples - 1 :]
last = (np.sin(phase)[:, None] * peaks)[-samples - 1 :]
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for k, peak in enumerate(peaks):
    ax.plot(last[:, k], (stored[:, k] - stored[:, k].mean()) * 1e12, label=f"{peak:g} V")
ax.set(xlabel="voltage [V]", ylabel="stored charge [pC]")
ax.legend()
assert np.isfinite(stored).all()

# %% [markdown]
# ## Next
#
# The equations, where each number comes from, and networks of such devices are on [Nickelate
# devices](../nickelate.md); `experiments/nickelate/modes.py` measures all of this at length.
