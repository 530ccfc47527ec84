"""One network, eight junction laws, six tasks: memory, nonlinear memory, forecasts and waveforms.

A network of 100 wires with four driven electrodes and a drain hears the series of all tasks under each
published law, with gains that are the same fractions of each law's own switching voltage, and samples that
last the same fractions of its own time. A linear read-out of all potentials, with read noise of a
thousandth of each one's deviation, is trained; validation chooses penalty, gain, offset and time for each
task, and never the test. Beside them: the same network of plain resistors, and an echo-state
network with as many nodes.

    python experiments/reservoirs/laws_and_tasks.py --out results/laws_and_tasks
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import time
from typing import Any

import numpy as np
from reservoirpy.nodes import Reservoir

import jaxnn
from experiments.reservoirs import _laws_on_tasks as runs, _more_tasks as more, _task_pictures as pictures
from experiments.shared import figures
from experiments.shared.pieces import Pieces
from jaxnn import tasks


GAINS, TIMES = (1.0, 2.0, 4.0), (0.01, 0.05, 0.25)
QUICK_GAINS, QUICK_TIMES, QUICK_LAWS = (1.0, 2.0), (0.03,), ("rate balance",)
OFFSETS = (0.0, 1.0)  # of the electrodes, in units of their gain: of both signs, or of one
SERIES = {"memory capacity": 0, "NARMA-10": 0, "Mackey-Glass": 1, "Lorenz": 2, "waveforms": 3}
RESISTORS, ECHO = "resistors", "echo-state network"


def made(samples: int) -> dict[str, tasks.Task]:
    """The tasks; the random input of the first two is the same."""
    length = {"steps": samples}
    found = {
        "memory capacity": tasks.memory_task(30, **length),
        "NARMA-10": tasks.narma_task(10, **length),
        "Mackey-Glass": tasks.mackey_glass_task(6, **length),
        "Lorenz": tasks.lorenz_task(5, shown="x", **length),
        "waveforms": tasks.waveform_task(40, **length),
    }
    assert np.allclose(found["memory capacity"].inputs, found["NARMA-10"].inputs)
    return found


def echo_answers(series: np.ndarray, nodes: int) -> tuple[np.ndarray, runs.Candidates]:
    """An echo-state network of reservoirpy with radii, input scales and leaks to choose from."""
    candidates = runs.Candidates.of((0.1, 0.3, 1.0), (0.3, 1.0), (0.7, 0.9, 1.0))
    found = []
    for gain, leak, radius in zip(*candidates, strict=True):
        numbers = {"lr": leak, "sr": radius, "input_scaling": gain, "seed": 0, "input_connectivity": 1.0}
        found.append([Reservoir(nodes, **numbers).run(x) for x in series])
    return np.asarray(found), candidates


def scored(
    features: np.ndarray, sound: np.ndarray, candidates: runs.Candidates, todo: dict[str, tasks.Task]
) -> dict[str, Any]:
    """The scores of a law on all tasks, each with what validation chose, and what the pictures need."""
    chosen = lambda i: {
        "gain": candidates.gain[i],
        "time": candidates.time[i],
        "offset": candidates.offset[i],
    }
    report: dict[str, Any] = {"candidates that can be trusted": f"{sound.sum()} of {len(sound)}"}
    for name, task in todo.items():
        best, found = runs.judged(features[:, SERIES[name]], sound, task)
        report[name] = {
            "score": found.score,
            "each": found.each,
            "validation": found.validation,
            "penalty": found.penalty,
            "chosen": chosen(best),
        }
        if name != "memory capacity":
            report[name]["said"] = found.predictions[:200]
    best, found = runs.capacities(features[:, 0], sound, todo["memory capacity"].inputs[:, 0])
    report["processing capacity"] = {
        "score": found.total,
        "each": found.by_degree,
        "rank": found.rank,
        "chosen": chosen(best),
    }
    return report


def main() -> None:
    """Runs, judges, draws and reports."""
    quick = "one law, two gains and 600 samples"
    parser = script.parser(__doc__, "results/laws_and_tasks", quick=quick)
    finer = "times as many time steps in each sample (then --out another folder)"
    parser.add_argument("--finer", type=int, default=1, help=finer)
    arguments = script.start(parser, float64=True, keep_compiled=True)
    pieces = Pieces(arguments.out / "pieces")
    laws = {k: x._replace(steps=arguments.finer * x.steps) for k, x in runs.scales().items()}
    if arguments.quick:
        laws = {name: laws[name] for name in QUICK_LAWS}
    todo = made(600 if arguments.quick else 1500)
    series = np.stack([todo[x].inputs for x in ("memory capacity", "Mackey-Glass", "Lorenz", "waveforms")])
    gains, times = (QUICK_GAINS, QUICK_TIMES) if arguments.quick else (GAINS, TIMES)
    candidates = runs.Candidates.of(gains, times, OFFSETS)
    report: dict[str, Any] = {"samples": len(series[0]), "read noise": runs.NOISE, "laws": {}}
    scale = runs.Scale(jaxnn.Resistor(1e-6), 1.0, 1.0, "", False, 1)
    wires = 0
    for name, one in {**laws, RESISTORS: scale}.items():
        begin = time.perf_counter()
        some = candidates if name != RESISTORS else runs.Candidates.of((1.0,), (1.0,), OFFSETS[1:])
        found = pieces.keep(name, lambda one=one, some=some: _kept(one, some, series))
        report["laws"][name] = scored(found["features"], found["sound"], some, todo)
        wires = found["features"].shape[-1]
        known = {"volts": one.volts, "seconds": one.seconds, "from": one.said, "steps": one.steps}
        report["laws"][name] |= known
        print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)
    features, tried = echo_answers(series, wires)
    report["laws"][ECHO] = scored(features, np.ones(len(features), bool), tried, todo)
    report["wires that are read"] = wires
    if not arguments.quick:
        report["more"] = _more(pieces, laws["rate balance"], report, candidates, len(series[0]))
    pictures.draw(report, todo, arguments.out)
    script.finish(arguments.out / "laws_and_tasks.json", _without_samples(report))


def _kept(scale: runs.Scale, candidates: runs.Candidates, series: np.ndarray) -> dict[str, np.ndarray]:
    features, sound = runs.answers(scale, candidates, series)
    return {"features": features, "sound": sound}


def _more(
    pieces: Pieces, scale: runs.Scale, report: dict[str, Any], candidates: runs.Candidates, samples: int
) -> dict[str, Any]:
    """Tasks that only the rate balance does."""
    chosen = report["laws"]["rate balance"]["memory capacity"]["chosen"]
    numbers = zip(*candidates, strict=True)
    same = [(g, t, o) == (chosen["gain"], chosen["time"], chosen["offset"]) for g, t, o in numbers]
    found = pieces.find("rate balance")
    assert found is not None
    features = found["features"][int(np.argmax(same)), 0]
    return {
        "ranks": more.ranks(scale, 120),
        "nonlinear memory": more.nonlinear(features, samples),
        "sequence memory": more.sequences(scale, samples),
    }


def _without_samples(report: dict[str, Any]) -> dict[str, Any]:
    """What the page quotes."""
    plain = lambda x: {k: plain(v) for k, v in x.items() if k != "said"} if isinstance(x, dict) else x
    return plain(report)


if __name__ == "__main__":
    main()
    figures.plt.close("all")
