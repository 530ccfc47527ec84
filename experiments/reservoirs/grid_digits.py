"""Digits through the grid graph of Milano et al., Nat. Mater. 21, 195 (2022), Fig. 5.

doi 10.1038/s41563-021-01099-9.

A film is a square grid of 29 x 29 nodes with a diagonal at random in each cell; its edges grow and decay
in balance (`jaxnn.RateBalanceJunction`). 196 pads are on every second node. An image, black and white at
a half, is cut into seven blocks of 28 rows and 4 columns: 196 rows of 4 pixels, a row for each pad, a
pixel for each of four slots. Every pad is held, through 82 ohm, at 5 V for 10 ms where its pixel is set
and at 0 V where not; one pad has 0.1 V more throughout. 0.5 ms before and after a pulse are without; 5.5
ms after the last slot the potentials of the other 195 pads, all held at 0 V through 82 ohm, are what one
dense softmax layer learns from (Adam, 800 epochs in batches of 1,500, features standardised).

The published step of 0.25 ms takes 197 solutions of Kirchhoff's laws for an image. Potentials change
little once an edge has switched: here they are solved for afresh after 1, 2, 3, 5, 8, 12, 18, 26 of the
40 steps of a pulse and once for each time without, and the steps between are taken at once, in closed
form, 42 solutions in all. `against_all_steps` measures what that changes, with `jaxnn.simulate` and every
published step.

    python experiments/reservoirs/grid_digits.py --folder /data   # or JAXNN_DATA
    python experiments/reservoirs/grid_digits.py --quick          # 8 x 8 digits of scikit-learn, 16 pads
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import time
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxnn
from experiments.reservoirs import _digits as digits
from experiments.shared import figures
from experiments.shared.figures import plt
from experiments.shared.pieces import Pieces


STEP = 2.5e-4  # [s]
PULSE, BIAS, RESISTANCE = 5.0, 0.1, 82.0  # [V], [V], [ohm]
SLOTS = 4
IDLE, WIDE, LATE = 2, 40, 22  # steps before and after a pulse, of a pulse, and after the last slot
MOMENTS = (0, 1, 2, 3, 5, 8, 12, 18, 26)  # steps of a pulse before which potentials are solved for
LAWS = {"as published": True, "exact step": False}


class Film:
    """The grid of an image of so many pixels a side, and how its pads are wired."""

    def __init__(self, side: int):
        self.pads_a_side = side // 2
        n = 2 * self.pads_a_side + 1
        self.network = jaxnn.grid_network(n, n, seed=2)
        rows, blocks = np.arange(self.pads_a_side), np.arange(self.pads_a_side)
        # Pad after pad down a column, the columns from right to left.
        self.pads = ((1 + 2 * rows) * n + (n - 2 - 2 * blocks[:, None])).reshape(-1)
        self.bias = 7 * self.pads_a_side + 7 if side == 28 else len(self.pads) // 2
        ground = self.network.n_nodes
        to_ground = np.stack([self.pads, np.full_like(self.pads, ground)], axis=1)
        edges = np.concatenate([self.network.edges, to_ground])
        self.plan = jaxnn.StarMesh().plan(ground + 1, edges, np.array([ground]))

    def rows(self, images: np.ndarray) -> np.ndarray:
        """Pixels that are set, `(samples, slots, pads)`."""
        samples, side, _ = images.shape
        blocks = (images > 128.5 / 255).reshape(samples, side, side // SLOTS, SLOTS)
        return blocks.transpose(0, 3, 2, 1).reshape(samples, SLOTS, -1)

    def voltage(self, on: Any) -> Any:
        """What the pads are held at [V]."""
        return PULSE * on + BIAS * (np.arange(len(self.pads)) == self.bias)

    def potential(self, law: Any, state: jax.Array, voltage: jax.Array) -> jax.Array:
        """The potentials of all nodes [V]: each source and its resistor as a current and a conductance."""
        held = jnp.full(len(self.pads), 1 / RESISTANCE, state.dtype)
        g = jnp.concatenate([law.conductance(state), held])
        fed = jnp.zeros(self.network.n_nodes + 1, state.dtype).at[self.pads].set(voltage / RESISTANCE)
        return jaxnn.kernels.solve_nodes(self.plan, g, jnp.zeros(1, state.dtype), fed).node_potential

    def read(self, law: Any, on: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Potentials of the pads but one [V] after the four slots, and the states of the edges."""
        a, b = self.network.edges.T
        dark = jnp.asarray(self.voltage(np.zeros(len(self.pads))), jnp.float32)

        def pass_by(state: jax.Array, voltage: jax.Array, steps: Any) -> jax.Array:
            phi = self.potential(law, state, voltage)
            return several(law, state, phi[a] - phi[b], steps)

        def slot(state: jax.Array, on: jax.Array) -> tuple[jax.Array, None]:
            state = pass_by(state, dark, IDLE)
            lit = jnp.asarray(self.voltage(on), jnp.float32)
            widths = jnp.diff(jnp.array([*MOMENTS, WIDE], jnp.float32))
            state, _ = jax.lax.scan(lambda x, steps: (pass_by(x, lit, steps), None), state, widths)
            return pass_by(state, dark, IDLE), None

        start = law.init_state(self.network.n_junctions).astype(jnp.float32)
        state, _ = jax.lax.scan(slot, start, on.astype(jnp.float32))
        state = pass_by(state, dark, LATE - 1)
        found = self.potential(law, state, dark)[self.pads]
        return jnp.delete(found, self.bias, assume_unique_indices=True), state


def several(law: Any, state: jax.Array, voltage: jax.Array, steps: Any) -> jax.Array:
    """The state after so many steps at a voltage that stays.

    The published step is x -> m + a x with a = (1 - m) e; n of them are a^n x + m (1 - a^n) / (1 - a).
    """
    if not law.as_published:
        return law.update(state, voltage, steps * STEP)
    end = law.update(jnp.zeros_like(state), voltage, STEP)
    factor = law.update(jnp.ones_like(state), voltage, STEP) - end
    # A factor of 1e-30 in the place of 0: its logarithm has to be finite.
    logarithm = jnp.log(jnp.maximum(factor, 1e-30))
    return state * jnp.exp(steps * logarithm) + end * jnp.expm1(steps * logarithm) / jnp.expm1(logarithm)


def every_step(film: Film, law: Any, on: np.ndarray) -> np.ndarray:
    """The same by `jaxnn.simulate` in all published steps, one image, in float64 where JAX has it."""
    pulse = [0] * IDLE + [1] * WIDE + [0] * IDLE
    lit = np.concatenate([np.outer(pulse, slot) for slot in on] + [np.zeros((LATE, on.shape[1]))])
    terminals: Any = tuple(jaxnn.Electrode(int(pad), resistance=RESISTANCE) for pad in film.pads)
    setup = {"terminals": terminals, "dt": STEP, "steps": len(lit), "every": len(lit)}
    with warnings.catch_warnings():
        # The published step is what is asked for, however far a state moves in it.
        warnings.simplefilter("ignore", jaxnn.NumericalWarning)
        run = jaxnn.simulate(film.network, law, film.voltage(lit), record="node_potential", **setup)
    return np.delete(np.asarray(run.node_potential)[0, film.pads], film.bias)


def against_all_steps(film: Film, law: Any, rows: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """What fewer solutions change in the standardised features of some images."""
    whole = np.array([every_step(film, law, on) for on in rows])
    mean, deviation = found.mean(axis=0, dtype=float), found.std(axis=0, dtype=float)
    scaled, exact = (found[: len(rows)] - mean) / deviation, (whole - mean) / deviation
    error = scaled - exact
    return {
        "images": len(rows),
        "root mean square": np.sqrt((error**2).mean()),
        "largest": abs(error).max(),
    }


def picture(film: Film, example: np.ndarray, state: np.ndarray, found: dict[str, Any], path: Path) -> None:
    """An image, the film after it, how the read-outs learnt, and what is taken for what."""
    figure, axes = plt.subplots(1, 4, figsize=(17, 4.2), layout="constrained")
    axes[0].imshow(example, cmap="gray_r")
    axes[0].set(title="image", xticks=[], yticks=[])
    jaxnn.plot_network(film.network, state, ax=axes[1], log=False, limits=(0, 1), label=None)
    axes[1].set(title="state of the edges after it", xlabel="", ylabel="", xticks=[], yticks=[])
    for name, one in found.items():
        curve = {int(count): value for count, value in one["accuracy by images"].items()}
        axes[2].plot(list(curve), list(curve.values()), "o-", ms=3, lw=1, label=name)
    axes[2].set(xscale="log", xlabel="images learnt from", title="one softmax layer")
    axes[2].set_ylabel("accuracy of the test set")
    axes[2].legend(fontsize=8, loc="lower right")
    table = np.array(found["as published"]["confusion"])
    shown = axes[3].imshow(table / table.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    axes[3].set(title="as published", xlabel="named", ylabel="digit", xticks=range(10), yticks=range(10))
    figure.colorbar(shown, ax=axes[3], label="share of a digit")
    figures.save(figure, path)


def answers(
    film: Film, shown: Any, laws: dict[str, bool], out: Path, name: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the read-outs learn from, by law and without a network; and how it was found."""
    pieces, given, report = Pieces(out / "pieces", aloud=True), {}, {}
    train, test = film.rows(shown.train), film.rows(shown.test)
    count = len(train)
    for law_name, as_published in laws.items():
        law = jaxnn.parameters.milano2022_reservoir(as_published)
        features = lambda on, law=law: film.read(law, on)[0]
        make = lambda part, features=features: {"found": digits.in_batches(features, part)}
        label = f"{law_name.replace(' ', '-')}-{count}-{name}"
        learnt = pieces.keep(f"{label}-train", lambda make=make: make(train))["found"]
        tested = pieces.keep(f"{label}-test", lambda make=make: make(test))["found"]
        given[law_name] = learnt, tested
        compared = min(20, count // 300)
        report[f"42 solutions against all steps, {law_name}"] = against_all_steps(
            film, law, train[:compared], learnt
        )
    report["seconds of simulation"] = dict(pieces.took)
    if len(laws) < len(LAWS):
        return given, report
    flat = lambda images: (images > 128.5 / 255).reshape(len(images), -1).astype(np.float32)
    given["pixels alone"] = flat(shown.train), flat(shown.test)
    given["pixels of a row added up"] = tuple(x.sum(axis=1).astype(np.float32) for x in (train, test))
    return given, report


def learn(name: str, shown: Any, given: Any, parts: tuple[int, ...], epochs: int, batch: int) -> dict:
    """What a softmax layer makes of some of the images and of all that there are."""
    begin, curve, (x, u) = time.perf_counter(), {}, given
    train = lambda count: digits.train_softmax(
        x[:count], shown.train_labels[:count], u, shown.test_labels, epochs, min(batch, count)
    )
    for count in [n for n in parts if n < len(x)]:
        curve[count] = train(count).test_accuracy[-1]
        print(f"{name}, {count} images: {curve[count]:.4f}", flush=True)
    learnt = train(len(x))
    curve[len(x)] = learnt.test_accuracy[-1]
    print(f"{name}, {len(x)} images: {curve[len(x)]:.4f}", flush=True)
    return {
        "features": x.shape[1],
        "accuracy": learnt.test_accuracy[-1],
        "accuracy by images": curve,
        "accuracy of the training set": learnt.train_accuracy[-1],
        "loss": learnt.loss[-1],
        "seconds": time.perf_counter() - begin,
        "confusion": digits.confusion(shown.test_labels, learnt.named),
    }


def drawn(film: Film, image: np.ndarray, found: dict[str, Any], path: Path) -> None:
    """The picture, with the film after an image by the published step."""
    law = jaxnn.parameters.milano2022_reservoir(True)
    state = np.asarray(film.read(law, jnp.asarray(film.rows(image[None])[0]))[1])
    picture(film, image, state, found, path)


def main() -> None:
    """Simulates what is not on disk yet, trains, draws and reports."""
    parser = script.parser(__doc__, "results/grid_digits", quick="8 x 8 digits, 16 pads", redraw=True)
    parser.add_argument("--folder", type=Path, help="of the data sets; JAXNN_DATA by default")
    parser.add_argument("--images", type=int, default=60_000, help="to learn from")
    parser.add_argument("--only", choices=LAWS, help="one law, and no read-outs of pixels")
    arguments = script.start(parser)
    shown = digits.load(arguments.quick, arguments.folder, arguments.images)
    film, whole = Film(shown.train.shape[1]), len(shown.train)
    target = arguments.out / "grid_digits.png"
    if arguments.redraw:
        report = script.read_report(arguments.redraw)
        found = {k: v for k, v in report.items() if isinstance(v, dict) and "accuracy by images" in v}
        drawn(film, shown.train[0], found, target)
        return
    epochs, batch, parts = (40, 100, ()) if arguments.quick else (800, 1500, (1000, 5000, 20_000))
    laws = {k: v for k, v in LAWS.items() if arguments.only in (None, k)}
    name = "quick" if arguments.quick else "mnist"
    given, report = answers(film, shown, laws, arguments.out, name)
    report |= {"training images": whole, "test images": len(shown.test), "epochs": epochs, "batch": batch}
    kept, found = Pieces(arguments.out / "pieces"), {}
    for label, two in given.items():
        # Without a network an eighth of the epochs: what learns from pixels has come to rest by then.
        lasts, several = (epochs, parts) if label in LAWS else (epochs // 8, ())
        make = lambda label=label, two=two, n=lasts, p=several: learn(label, shown, two, p, n, batch)
        found[label] = kept.keep_json(
            f"{label.replace(' ', '-')}-{whole}-{name}", lambda make=make: script.plain(make())
        )
    script.finish(target.with_suffix(".json"), report | found)
    if arguments.only is None:
        drawn(film, shown.train[0], found, target)


if __name__ == "__main__":
    main()
