"""What the relaxation of hydrogen-doped NdNiO3 says about the volatile modes of the nickelate device.

Data: Nat. Commun. 2024, doi 10.1038/s41467-024-49213-0, Fig. 2h: charge against time after poling at
133, 267, 400 and 533 kV/cm. The file relaxation.csv (time_ms, then one column per field in uC/cm^2) is
not part of the project: give its path, or the folder of the data sets in JAXNN_DATA.

    python experiments/nickelate/relaxation_fit.py --data relaxation.csv --out results/nickelate_fit

Fitted: hop length, charge scale, largest charge, the times and shares of four modes, and the length of
the poling pulse, which was not published. The model is the device's own: each mode is poled at the
field-assisted rate cosh(u)/tau and relaxes at 1/tau. **Every other number of the device was found for
function, not fitted to devices.**
"""

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares

import jaxnn
from experiments.shared import figures, script
from experiments.shared.figures import plt


FIELDS = np.array([133e5, 267e5, 400e5, 533e5])  # [V/m]
BEYOND_THERMAL = 1.602176634e-19 / (2 * 1.380649e-23 * 300)  # q / 2kT [1/V]
NAMES = ("a [nm]", "P0 [C/m^2]", "P_sat [C/m^2]", "tau_1 [ms]", "tau_2 [ms]", "tau_3 [ms]", "tau_4 [ms]",
         "w_1", "w_2", "w_3", "w_4", "poling pulse [ms]")  # fmt: skip
NOISE, SHARE = 5e-3, 0.01  # [C/m^2] scatter, and what is allowed of each charge: chi2 is then 1
PRIOR = 1.0  # e-folds around the starting values, inverse
START = np.log([4.0, 0.0298, 2.0, 1.0, 10.0, 100.0, 1000.0, 0.3, 0.25, 0.25, 0.2, 100.0])


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times [s] and charges [C/m^2], (times, fields) from the weakest field up."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: relaxation.csv holds Fig. 2h of doi 10.1038/s41467-024-49213-0; "
            "give its place with --data, or its folder's parent in JAXNN_DATA."
        )
    rows = [line.split(",") for line in path.read_text().splitlines() if line and line[0].isdigit()]
    table = np.array(rows, float)
    if table.ndim != 2 or table.shape[1] != 5:
        raise ValueError(f"{path} needs columns time_ms and four charges, got shape {table.shape}.")
    return table[:, 0] * 1e-3, table[:, :0:-1] * 1e-2


def charge(log_values: jax.Array, field: jax.Array, time: jax.Array) -> jax.Array:
    """Charge [C/m^2] at `time` after poling at `field`, (times, fields)."""
    value = jnp.exp(log_values)
    hop, scale, largest = value[0] * 1e-9, value[1], value[2]
    tau, share, pulse = value[3:7] * 1e-3, value[7:11] / jnp.sum(value[7:11]), value[11] * 1e-3
    u = hop * BEYOND_THERMAL * field
    full = largest * jnp.tanh(scale * jnp.sinh(u) / largest)
    poled = 1 - jnp.exp(-pulse * jnp.cosh(u)[:, None] / tau)  # (fields, modes)
    decay = jnp.exp(-time[:, None] / tau)  # (times, modes)
    return jnp.einsum("f,fm,tm,m->tf", full, poled, decay, share)


def synthetic(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Charges of known numbers with the noise of the published ones, where these are not at hand."""
    time = np.logspace(-3.5, 0, 87)
    clean = np.asarray(charge(jnp.asarray(START), jnp.asarray(FIELDS), jnp.asarray(time)))
    return time, clean + 0.003 * np.random.default_rng(seed).standard_normal(clean.shape)


@jax.jit
def _residual(
    x: jax.Array, field: jax.Array, time: jax.Array, data: jax.Array, scale: jax.Array
) -> jax.Array:
    """Errors of the traces over their noise, and of the prior."""
    wrong = (charge(x, field, time) - data) / scale
    return jnp.concatenate([wrong.reshape(-1), (x - START) * PRIOR])


_jacobian: Any = jax.jit(jax.jacfwd(_residual))


def fit(time: np.ndarray, data: np.ndarray, used: np.ndarray, start: np.ndarray) -> dict:
    """Least squares of the traces of the fields `used`, each over its first value, with a weak prior.

    The prior, one e-fold around the starting values, holds what the data say nothing about.
    """
    scale = np.hypot(NOISE, SHARE * data)
    rest = (FIELDS[used], time, data[:, used], scale[:, used])
    found = least_squares(_residual, start, jac=_jacobian, method="lm", args=rest)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    # Only ratios of the shares count: they and their errors are given for a sum of one.
    share = np.exp(found.x[7:11]) / np.exp(found.x[7:11]).sum()
    found.x[7:11] = np.log(share)
    normalised = np.eye(START.size)
    normalised[7:11, 7:11] -= share
    covariance = normalised @ covariance @ normalised.T
    freedom = max(1, found.fun.size - 2 * START.size)
    noise = float((found.fun[: -START.size] ** 2).sum() / freedom)
    return {"x": found.x, "error": np.sqrt(np.diag(covariance) * max(noise, 1.0)), "chi2": noise}


def bootstrap(
    time: np.ndarray, data: np.ndarray, used: np.ndarray, best: np.ndarray, count: int
) -> np.ndarray:
    """Logarithms from fits of resampled residuals, in blocks of eight times, (count, numbers)."""
    random = np.random.default_rng(0)
    model = np.asarray(charge(jnp.asarray(best), jnp.asarray(FIELDS), jnp.asarray(time)))
    wrong = data - model
    found = []
    for _ in range(count):
        begins = random.integers(0, len(time) - 8, size=len(time) // 8 + 1)
        rows = np.concatenate([np.arange(b, b + 8) for b in begins])[: len(time)]
        found.append(fit(time, model + wrong[rows], used, best)["x"])
    return np.array(found)


def missed(time: np.ndarray, data: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """The strongest field's trace over its first value: RMSE; and its first charge over the measured."""
    predicted = np.asarray(charge(jnp.asarray(x), jnp.asarray(FIELDS), jnp.asarray(time)))[:, -1]
    shape = predicted / predicted[0] - data[:, -1] / data[0, -1]
    return float(np.sqrt(np.mean(shape**2))), float(predicted[0] / data[0, -1])


def field_law(data: np.ndarray) -> dict:
    """The first charges against field: sinh(E/E0) and a power law, least squares of the logarithms."""
    first = np.log(np.abs(data[0]))
    law = lambda x: x[0] + np.log(np.sinh(FIELDS / np.exp(x[1])))
    wrong = lambda x: law(x) - first
    sinh = least_squares(wrong, [np.log(0.03), np.log(1.3e7)], method="lm")
    slope, offset = np.polyfit(np.log(FIELDS), first, 1)
    power = first - slope * np.log(FIELDS) - offset
    rms = lambda x: float(np.sqrt(np.mean(np.square(x))))
    error = np.sqrt(np.diag(np.linalg.inv(sinh.jac.T @ sinh.jac)) * (sinh.fun**2).sum() / 2)
    return {
        "P0 [C/m^2]": float(np.exp(sinh.x[0])),
        "E0 [kV/cm]": float(np.exp(sinh.x[1]) / 1e5),
        "E0 error [kV/cm]": float(np.exp(sinh.x[1]) / 1e5 * error[1]),
        "rms of ln P, sinh": rms(sinh.fun),
        "power": float(slope),
        "rms of ln P, power law": rms(power),
    }


def device_of(x: np.ndarray) -> jaxnn.NickelateDevice:
    """A cool device with the fitted modes; the first, faster than the data, keeps its share."""
    value = np.exp(x)
    base = jaxnn.NickelateDevice()
    first = base.relaxation_shares[0]
    shares = np.concatenate([[first], (1 - first) * value[7:11] / value[7:11].sum()])
    return jaxnn.NickelateDevice(
        hop_length=value[0] * 1e-9,
        poled_charge=value[1],
        largest_poled_charge=value[2],
        relaxation_times=np.concatenate([[2e-5], value[3:7] * 1e-3]),
        relaxation_shares=shares,
    )


def plot(time, data, origin, best, held, out):
    """The traces with the fit to all, and the strongest field as the others predict it."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    model = np.asarray(charge(jnp.asarray(best), jnp.asarray(FIELDS), jnp.asarray(time)))
    for i, field in enumerate(FIELDS):
        axes[0].loglog(time, np.maximum(data[:, i], 1e-5), ".", color=f"C{i}", ms=4)
        axes[0].loglog(time, model[:, i], color=f"C{i}", label=f"{field / 1e5:.0f} kV/cm")
    axes[0].set(title="All four fields fitted", xlabel="time after poling [s]", ylabel="charge [C/m$^2$]")
    axes[0].set_ylim(1e-4, 2)
    axes[0].legend()
    predicted = np.asarray(charge(jnp.asarray(held), jnp.asarray(FIELDS), jnp.asarray(time)))[:, -1]
    axes[1].semilogx(time, data[:, -1] / data[0, -1], ".", label=f"533 kV/cm, {origin}")
    axes[1].semilogx(time, predicted / predicted[0], label="predicted from the three weaker fields")
    axes[1].set(
        title="A field that was not fitted", xlabel="time after poling [s]", ylabel="charge / first"
    )
    axes[1].legend()
    figures.save(figure, out / "nickelate_fit.png", dpi=120)


def main() -> None:
    """Fits, predicts the strongest field, and writes numbers and picture."""
    quick = "generated charges, few resamplings"
    parser = script.parser(__doc__, "results/nickelate_fit", quick=quick)
    default = Path(os.environ.get("JAXNN_DATA", ".")) / "nickelate" / "relaxation.csv"
    parser.add_argument("--data", type=Path, default=default, help="relaxation.csv")
    arguments = script.start(parser, float64=True)
    time, data = synthetic(0) if arguments.quick else load(arguments.data)
    origin = "generated" if arguments.quick else "measured"
    every = np.arange(FIELDS.size)
    whole = fit(time, data, every, START)
    count = 4 if arguments.quick else 100
    resampled = np.std(bootstrap(time, data, every, whole["x"], count), axis=0)
    held = fit(time, data, every[:-1], START)["x"]
    error, first = missed(time, data, held)
    others = [missed(time, data, x)[0] for x in bootstrap(time, data, every[:-1], held, count)]
    law = field_law(data)
    rows = {
        name: {"value": float(np.exp(x)), "relative error": float(e), "bootstrap": float(b)}
        for name, x, e, b in zip(NAMES, whole["x"], whole["error"], resampled, strict=True)
    }
    numbers = {
        "parameters": rows,
        "chi2 per freedom": whole["chi2"],
        "RMSE of the predicted 533 kV/cm trace": error,
        "the same, standard deviation over resampled fits": float(np.std(others)),
        f"first charge at 533 kV/cm, predicted / {origin}": first,
        "field law": law,
        "generated": arguments.quick,
    }
    for name, row in rows.items():
        print(f"{name:20s} {row['value']:10.4g}  +- {100 * row['relative error']:.0f} % (Jacobian), "
              f"{100 * row['bootstrap']:.0f} % (bootstrap)")  # fmt: skip
    for name, value in numbers.items():
        if isinstance(value, float):
            print(f"{name}: {value:.4g}")
    print("field law: " + ", ".join(f"{name} {value:.3g}" for name, value in law.items()))
    print(
        f"the device: {len(device_of(whole['x']).relaxation_times)} modes; all else was found for function"
    )
    plot(time, data, origin, whole["x"], held, arguments.out)
    script.finish(arguments.out / "nickelate_fit.json", numbers)


if __name__ == "__main__":
    main()
