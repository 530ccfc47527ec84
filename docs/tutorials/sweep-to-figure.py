# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
# ---

# %% [markdown]
# # From a sweep to a figure
#
# One network is an anecdote. A sweep runs a simulation over every combination of some numbers, here
# voltages and networks, keeps what you ask for on disk with labels, and goes on where it was if it is
# killed. It needs xarray and zarr, the extra `sweep`: `pip install "xarray>=2024.7" "zarr>=3"`.

# %%
import functools as ft
import tempfile

import matplotlib.pyplot as plt
import numpy as np

import jaxnn


folder = tempfile.mkdtemp()  # a real one has a name, "results/threshold"

# %% [markdown]
# ## What is run
#
# Networks of 40 wires, whose terminals are five junctions apart, at 18 voltages for 6 s each. `over`
# names what changes by its path: a number of the drive, an argument of the function that makes a network.

# %%
PATH = 5
sweep = ft.partial(
    jaxnn.sweep,
    ft.partial(jaxnn.nanowire_network, 40, 17e-6),
    jaxnn.TunnelJunction(),
    jaxnn.Constant(0.1),
    over={"drive.voltage": np.linspace(0.03, 0.115, 18), "network.seed": [0, 1, 2, 3, 5, 6]},
    terminals=ft.partial(jaxnn.pair_at, path_length=PATH),
    dt=1e-2,
    steps=600,
    every=600,
    reduce=["final_conductance"],
    progress=False,
)
data = sweep(out=f"{folder}/threshold")
print(data)

# %% [markdown]
# ## What came out
#
# A labelled array in SI units, and for each run a diagnosis: 0 where nothing went wrong.

# %%
assert int((data.diagnosis > 0).sum()) == 0
conductance = data.final_conductance
print(conductance.dims, conductance.shape, conductance.units)
again = sweep(out=f"{folder}/threshold")  # nothing is computed twice
assert (again.final_conductance == conductance).all()

# %% [markdown]
# ## The figure
#
# In units of the threshold and of the conductance of one closed path, all networks fall on one another:
# they stay off below $V^* = 1$, and jump to $G^* = 1$ above it. How far above depends on the time that
# they are given: within 6 s a path closes where $(V / n - V_\mathrm{set}) \cdot 6\,\mathrm{s}$ exceeds
# the critical flux.

# %%
reduced = conductance.voltage / (PATH * 0.01)
scaled = PATH * conductance / jaxnn.G0
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for seed in data.seed.values:
    ax.semilogy(reduced, scaled.sel(seed=seed), lw=0.8, color="0.6")
ax.semilogy(reduced, scaled.median("seed"), "o-", ms=4, label="median")
critical_flux, set_voltage, seconds = 0.01, 0.01, 6  # [V s], [V], [s]
expected = 1 + critical_flux / seconds / set_voltage
ax.axvline(1, color="k", ls="--", lw=0.8)
ax.axvline(expected, color="tab:red", ls="--", lw=0.8, label="expected within 6 s")
ax.set(xlabel="V* = V / (n V_set)", ylabel="G* = n G / G0")
ax.legend()
median = scaled.median("seed")
assert float(median[reduced < 1].max()) < 0.1 < float(median[-1])

# %% [markdown]
# ## Next
#
# The same sweep as a TOML file, without a line of Python, on the command line, and on a cluster:
# [Sweeps](../sweeps.md) and [on a cluster](../how-to/cluster.md). Published figures are commands of
# `experiments/`: how to [reproduce one](../how-to/figure.md).
