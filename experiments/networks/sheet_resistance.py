"""Sheet resistance of random films of wires against their density, with resistance in wires and junctions.

Percolation of sticks: the threshold n l^2 = 5.6373 of sticks without width (Li and Zhang, Phys. Rev. E 80,
040104, 2009), above which the conductance grows as (n - n_c)^t with t near 1.3. Dense films: the mean-field
approximation, which Tarasevich et al., arXiv 2202.08440 (2022), compare with simulations.

In a mean field E a wire of resistance R_w at an angle a carries, through N = 2 n l^2 / pi junctions of R_j,

    mean current = (E l cos(a) / R_w) (1 - tanh(q) / q),   q = sqrt(N R_w / R_j) / 2,

and n l |cos(a)| wires cross a line of unit width, so that 1 / R_s = n l^2 / (2 R_w) (1 - tanh(q) / q). This
is n l^2 / (2 R_w) without resistance in junctions, n^2 l^4 / (12 pi R_j) without any in wires. The
derivation is ours, of the idea that their abstract states.

Conductances are those of `Network.with_wire_resistance`, solved by a sparse factorisation in SciPy, which
needs no compilation for each of many networks. Films are finite: wires stick out at the open sides.

    python experiments/networks/sheet_resistance.py --out results/sheet_resistance
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import spsolve

import jaxnn
from experiments.shared import figures, script


LENGTH = 10e-6  # [m] of all wires
DIAMETER = 50e-9  # [m]
RESISTIVITY = 2.26e-8  # [ohm m]
WIRE = 4 * RESISTIVITY * LENGTH / (np.pi * DIAMETER**2)  # [ohm] from end to end
STRIP = 0.1  # of the width, under either pad
CONTACT = 1e3  # [S] of a wire with a pad, next to nothing
THRESHOLD, EXPONENT = 5.6373, 1.3  # [1] n l^2, and t
FITTED = (7.5, 13.0)  # [1] n l^2 of the line that gives an exponent
# Name -> resistance of a junction in units of that of a wire; the first without any in wires.
CASES = {"junctions alone": np.inf, "as much in both": 1.0, "wires alone": 1e-4}


def film(reduced_density: float, size: float, seed: int) -> jaxnn.Network | None:
    """A square film, `size` wires long, between two pads; None if its largest part does not reach both."""
    density = reduced_density / LENGTH**2
    wires = jaxnn.nanowire_network(
        density=density, box=size * LENGTH, length_mean=LENGTH, length_std=0, seed=seed
    )
    reach = np.asarray(wires.wire_ends)[..., 0] / (size * LENGTH)
    if reach.min() > STRIP or reach.max() < 1 - STRIP:
        return None
    left = wires.with_pad(side="left", fraction=STRIP, conductance=CONTACT)
    return left.with_pad(side="right", fraction=STRIP, conductance=CONTACT)


def conductance(network: jaxnn.Network, junction: float) -> float:
    """Between the last two nodes [S], all memristive junctions having `junction` [S]."""
    values = np.full(network.n_junctions, junction)
    values[network.passive] = network.passive_conductance
    n, (a, b) = network.n_nodes, network.edges.T
    weights = sparse.coo_array((values, (a, b)), (n, n)).tocsr()
    weights = weights + weights.T
    _, labels = csgraph.connected_components(weights, directed=False)
    if labels[-1] != labels[-2]:
        return 0.0
    inner = np.flatnonzero(labels == labels[-1])[:-2]
    matrix = sparse.diags_array(weights.sum(axis=1)) - weights
    into = matrix.tocsc()[:, [n - 2]].toarray()[:, 0]
    potential = spsolve(matrix.tocsr()[inner][:, inner].tocsc(), -into[inner])
    return float(into[n - 2] + into[inner] @ potential)


def film_conductances(reduced_density: float, size: float, seed: int) -> list[float]:
    """The sheet conductance in each of the cases, in units of that of a junction, and else of a wire."""
    network = film(reduced_density, size, seed)
    if network is None:
        return [0.0] * len(CASES)
    resistive = network.with_wire_resistance(RESISTIVITY, DIAMETER)
    square = 1 - 2 * STRIP  # the free length over the width
    found = []
    for ratio in CASES.values():
        if np.isinf(ratio):
            found.append(square * conductance(network, 1.0))
        else:
            found.append(square * conductance(resistive, 1 / (ratio * WIRE)) * WIRE)
    return found


def mean_field(reduced_density: np.ndarray, ratio: float) -> np.ndarray:
    """The sheet conductance of the mean-field approximation, in the same units."""
    if np.isinf(ratio):
        return reduced_density**2 / (12 * np.pi)
    q = np.sqrt(2 * reduced_density / np.pi / ratio) / 2
    return reduced_density / 2 * (1 - np.tanh(q) / q)


def fitted_exponent(reduced_density: np.ndarray, mean: np.ndarray) -> float:
    """The slope of the logarithms where the films' size no longer smears the threshold."""
    near = (reduced_density >= FITTED[0]) & (reduced_density <= FITTED[1]) & (mean > 0)
    x, y = np.log(reduced_density[near] - THRESHOLD), np.log(mean[near])
    return float(np.polyfit(x, y, 1)[0])


def picture(densities: np.ndarray, values: np.ndarray, exponents: dict[str, float], path) -> None:
    """A film, the conductances, and what the mean field makes of them."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    if (shown := film(9, 5, 1)) is not None:
        jaxnn.plot_network(shown, ax=axes[0])
    mean, error = values.mean(axis=0), values.std(axis=0) / np.sqrt(len(values))
    line = np.geomspace(THRESHOLD * 1.02, densities.max(), 200)
    for i, (name, ratio) in enumerate(CASES.items()):
        style = dict(color=f"C{i}", label=f"{name}: t = {exponents[name]:.2f}")
        axes[1].errorbar(densities, mean[:, i], error[:, i], fmt="o", ms=4, **style)
        axes[1].plot(line, mean_field(line, ratio), "--", color=f"C{i}", lw=1)
        field = mean_field(densities, ratio)
        axes[2].errorbar(densities, mean[:, i] / field, error[:, i] / field, fmt="o-", ms=4, color=f"C{i}")
    near = line[line < 2 * THRESHOLD]
    first = np.flatnonzero(densities > 1.3 * THRESHOLD)[0]
    scale = mean[first, 0] / (densities[first] - THRESHOLD) ** EXPONENT
    power = scale * (near - THRESHOLD) ** EXPONENT
    axes[1].plot(near, power, "k:", lw=1, label=f"$(n l^2 - {THRESHOLD})^{{{EXPONENT}}}$")
    axes[1].set(xscale="log", yscale="log", ylim=(mean[mean > 0].min() / 2, None))
    axes[1].set(ylabel="sheet conductance [$1/R_j$, $1/R_w$]")
    axes[2].axhline(1, color="0.7", lw=1)
    axes[2].set(xscale="log", ylabel="sheet conductance / mean field", ylim=(0, 1.2))
    for ax in axes[1:]:
        ax.set(xlabel="wires per squared length, $n l^2$")
        ax.axvline(THRESHOLD, color="0.7", lw=1)
        ax.set_xticks([6, 8, 12, 20, 40], ["6", "8", "12", "20", "40"], minor=False)
        ax.minorticks_off()
    axes[1].legend(fontsize=8)
    figures.save(figure, path)


def main() -> None:
    """Computes, draws and reports."""
    text = "films of 6 by 6 wire lengths, two of each density"
    parser = script.parser(__doc__, "results/sheet_resistance", quick=text)
    arguments = script.start(parser)
    size, films = (6.0, 2) if arguments.quick else (12.0, 10)
    densities = np.array([5.2, 5.7, 6.2, 6.7, 7.5, 8.5, 10, 13, 18, 28, 45])
    values = np.array([[film_conductances(n, size, s) for n in densities] for s in range(films)])
    mean = values.mean(axis=0)
    exponents = {name: fitted_exponent(densities, mean[:, i]) for i, name in enumerate(CASES)}
    picture(densities, values, exponents, arguments.out / "sheet_resistance.png")
    field = np.stack([mean_field(densities, ratio) for ratio in CASES.values()], axis=1)
    report = {
        "wire [ohm]": WIRE,
        "size [wire lengths]": size,
        "films": films,
        "cases": list(CASES),
        "reduced density": densities,
        "sheet conductance": mean,
        "error": values.std(axis=0) / np.sqrt(films),
        "over mean field": mean / field,
        "exponents": exponents,
        "fitted": FITTED,
    }
    script.finish(arguments.out / "sheet_resistance.json", report)


if __name__ == "__main__":
    main()
