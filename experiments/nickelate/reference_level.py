"""The compact nickelate model beside its reference level: protons by drift and diffusion, cell by cell.

Four checks, printed, written as JSON and drawn: cells against accuracy; the drift of a packet against
(2 D / a) sinh u; the charge that fields pole, and how it relaxes, in a gap as long as a pinned cloud.

    python experiments/nickelate/reference_level.py --out results/reference_level  # --quick: some 10 s
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


P = jaxnn.Programme
FIELDS = np.array([1.33e7, 2.67e7, 4.0e7, 5.33e7])  # [V/m] of the measured relaxation
MEASURED = np.array([0.0381, 0.1125, 0.313, 0.970])  # [C/m^2] 0.3 ms after poling (Nat. Commun. 2024)
AFTER = np.array([1e-3, 1e-2, 1e-1, 1.0])  # [s]
MEASURED_LEFT = np.array([0.88, 0.61, 0.33, 0.12])  # of the largest field's
STEPS = 2000
CLOUD = 20e-9  # [m] of a synapse, kept by the pinning that the reference does not have


def gap(length: float, cells: int, **numbers: Any) -> jaxnn.ProtonTransport:
    """The protons of a gap so long."""
    return jaxnn.ProtonTransport(jaxnn.NickelateDevice(gap_length=length), cells=cells, **numbers)


def meshes(cells: list[int], reference: int) -> list[dict[str, float]]:
    """Error of the displaced charge and of the current against the cells, and its order."""
    results = []
    for n in [*cells, reference]:
        transport = gap(100e-9, n, mobile_capacity=0.5)
        start = transport.init_state(40e-9, edge=5e-9)
        done = jaxnn.simulate_transport(transport, P.pulse(0.5, 1e-5), state=start)
        moved = transport.displaced_charge(done.final_state) - transport.displaced_charge(start)
        results.append((float(moved), float(done.current[0, -1])))
    exact = np.array(results[-1])
    errors = np.abs(np.array(results[:-1]) / exact - 1)
    orders = np.log2(errors[:-1] / errors[1:]) / np.log2(np.divide(cells[1:], cells[:-1]))[:, None]
    rows = []
    for k, n in enumerate(cells):
        order = orders[k - 1] if k else (np.nan, np.nan)
        rows.append({"cells": n, "charge error": errors[k, 0], "current error": errors[k, 1],
                     "charge order": order[0], "current order": order[1]})  # fmt: skip
    return rows


def drift(cells: int) -> list[dict[str, float]]:
    """Speed of a thin packet in a uniform field against the law of the compact model's front."""
    rows = []
    for field in FIELDS:
        # Cool metal everywhere, so that the field is uniform; traps far too slow to matter.
        device = jaxnn.NickelateDevice(
            insulator_energy=1e-6, series_resistance=1e-3, thermal_resistance=0.0
        )
        transport = jaxnn.ProtonTransport(device, capture_energy=2.0, cells=cells)
        x = transport.positions()
        packet = 1e-3 * jnp.exp(-((x - 30e-9) ** 2) / (2 * (5e-9) ** 2))
        start = transport.init_state()._replace(mobile=packet, bound=0 * packet)
        u = 1.602176634e-19 * 4e-9 * field / (2 * 1.380649e-23 * 300)
        speed = 2 * 1e-14 / 4e-9 * np.sinh(u)
        duration = 20e-9 / speed
        done = jaxnn.simulate_transport(transport, P.pulse(field * 100e-9, duration), state=start)
        moved = jnp.sum(x * (done.final_state.mobile - packet)) / jnp.sum(packet)
        rows.append({"field": field, "speed / law": float(moved) / duration / speed})
    return rows


def poling(cells: int, durations: list[float]) -> dict[str, Any]:
    """Charge displaced in a closed gap of the cloud's length, by field and length of the pulse."""
    transport = gap(CLOUD, cells)
    start = transport.init_state(1.0)  # full of protons, half of them mobile
    rest = P.rest(float(AFTER[-1]))
    charge = jax.vmap(transport.displaced_charge)
    out: dict[str, Any] = {}
    for duration in durations:
        at_end, left = [], []
        for field in FIELDS:
            # Steps alike: the field follows the protons of the step before.
            pulse = P.pulse(field * CLOUD, duration, resolution=duration).with_steps(STEPS)
            done = jaxnn.simulate_transport(transport, pulse + rest.with_steps(STEPS), state=start)
            pole, fall = (charge(jax.tree.map(lambda s, k=k: s[k], done.state)) for k in (0, 1))
            base = transport.displaced_charge(start)
            at_end.append(float(pole[-1] - base))
            left.append(np.interp(AFTER, done.time[1], (fall - base) / at_end[-1]))
        out[f"{duration:g} s"] = {"charge": at_end, "left": np.array(left).tolist()}
    return out


def compact(duration: float) -> dict[str, Any]:
    """The same of the compact model."""
    device = jaxnn.NickelateDevice()
    cloud = device.init_state(4)._replace(length=jnp.full(4, CLOUD))
    volts = jnp.asarray(FIELDS) * (CLOUD + device.edge_length)
    waits = [AFTER[0], *np.diff(AFTER)]
    poled = jaxnn.simulate_devices(device, P.pulse(volts, duration), state=cloud)
    total = lambda state: np.asarray(state.polarisation.sum(axis=0))
    state, left = poled.final_state, []
    for wait in waits:
        state = jaxnn.simulate_devices(device, P.rest(float(wait)), state=state).final_state
        left.append(total(state) / total(poled.final_state))
    return {"charge": total(poled.final_state).tolist(), "left": np.array(left).T.tolist()}


def plot(path: Path, report: dict[str, Any]) -> None:
    """Accuracy, poled charge and relaxation."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    rows = report["meshes"]
    for name, mark in (("charge error", "o-"), ("current error", "s-")):
        axes[0].loglog([r["cells"] for r in rows], [r[name] for r in rows], mark, label=name[:-6])
    axes[0].set(xlabel="cells", ylabel="relative error", title="Convergence with the cells")
    axes[0].set_xticks([r["cells"] for r in rows], [str(r["cells"]) for r in rows], minor=False)
    axes[0].minorticks_off()
    axes[1].semilogy(FIELDS / 1e7, MEASURED, "k*", ms=10, label="measured")
    axes[2].semilogx(AFTER, MEASURED_LEFT, "k*", ms=10, label="measured")
    curves = {f"drift and diffusion, {name}": row for name, row in report["poling"].items()}
    curves["compact model"] = report["compact"]
    for name, row in curves.items():
        axes[1].semilogy(FIELDS / 1e7, row["charge"], "o-", label=name)
        axes[2].semilogx(AFTER, row["left"][-1], "o-", label=name)
    axes[1].set(xlabel="field [$10^7$ V/m]", ylabel="poled charge [C/m$^2$]", title="Poling")
    axes[2].set(
        xlabel="time after poling [s]", ylabel="share left", title="Relaxation, $5.3\\cdot10^7$ V/m"
    )
    for ax in axes:
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8)
    figures.save(figure, path, dpi=120)


def main() -> None:
    """Runs the checks, prints them and writes picture and numbers."""
    parser = script.parser(__doc__, "results/nickelate_reference", quick="fewer cells and pulses")
    arguments = script.start(parser, float64=True)
    quick = arguments.quick
    durations = [1e-6, 7e-2] if quick else [1e-7, 1e-6, 1e-5, 7e-2]
    report = {
        "meshes": meshes([20, 40, 80], 160) if quick else meshes([25, 50, 100, 200, 400], 1600),
        "drift": drift(100 if quick else 400),
        "poling": poling(20 if quick else 80, durations),
        "compact": compact(7e-2),
        "fields": FIELDS.tolist(),
        "measured": MEASURED.tolist(),
    }
    for name in ("meshes", "drift"):
        for row in report[name]:
            print(name + ": " + ", ".join(f"{key} {value:.4g}" for key, value in row.items()))
    for name, row in (report["poling"] | {"compact": report["compact"]}).items():
        charges = ", ".join(f"{value:.3g}" for value in row["charge"])
        print(f"poled by {name}: {charges} C/m2; left of the last {np.round(row['left'][-1], 3)}")
    plot(arguments.out / "nickelate_reference.png", report)
    script.finish(arguments.out / "nickelate_reference.json", report)


if __name__ == "__main__":
    main()
