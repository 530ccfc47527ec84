"""Networks of wires under eight junction laws on six tasks: memory, forecasts and waveforms.

Networks of 100 wires with four driven electrodes and a drain hear the series of all tasks under each
published law, with gains that are the same fractions of each law's own switching voltage, and samples that
last the same fractions of its own time. A linear read-out of all potentials, with read noise of a
thousandth of each one's deviation, is trained; validation chooses penalty, gain, offset and time for each
task, and never the test. Beside them: the same networks of plain resistors, and echo-state
networks with as many nodes. Each seed has a network, electrodes, series and noise of its own; what is
reported is the mean over seeds, and the standard deviation.

    python experiments/reservoirs/laws_and_tasks.py --out results/laws_and_tasks
"""

from experiments.shared import script  # isort: skip: before JAX, it sets what XLA logs

import time
from typing import Any

import numpy as np
from reservoirpy.nodes import Reservoir

import jaxnn
from experiments.reservoirs import _laws_on_tasks as runs, _more_tasks as more, _task_pictures as pictures
from experiments.reservoirs._scales import Scale, scales
from experiments.shared import figures
from experiments.shared.pieces import Pieces
from jaxnn import tasks


GAINS, TIMES = (1.0, 2.0, 4.0), (0.01, 0.05, 0.25)
QUICK_GAINS, QUICK_TIMES, QUICK_LAWS = (1.0, 2.0), (0.03,), ("rate balance",)
OFFSETS = (0.0, 1.0)  # of the electrodes, in units of their gain: of both signs, or of one
SERIES = {"memory capacity": 0, "NARMA-10": 0, "Mackey-Glass": 1, "Lorenz": 2, "waveforms": 3}
SHOWN = ("memory capacity", "Mackey-Glass", "Lorenz", "waveforms")  # a task of each series
RESISTORS, ECHO = "resistors", "echo-state network"
SEEDS = 5


def made(samples: int, seed: int) -> dict[str, tasks.Task]:
    """The tasks; the random input of the first two is the same."""
    length: dict[str, Any] = {"steps": samples, "seed": seed}
    found = {
        "memory capacity": tasks.memory_task(30, **length),
        "NARMA-10": tasks.narma_task(10, **length),
        "Mackey-Glass": tasks.mackey_glass_task(6, **length),
        "Lorenz": tasks.lorenz_task(5, shown="x", **length),
        "waveforms": tasks.waveform_task(40, steps=samples),
    }
    assert np.allclose(found["memory capacity"].inputs, found["NARMA-10"].inputs)
    return found


def echo_answers(series: np.ndarray, nodes: int, seed: int) -> tuple[np.ndarray, runs.Candidates]:
    """An echo-state network of reservoirpy with radii, input scales and leaks to choose from."""
    candidates = runs.Candidates.of((0.1, 0.3, 1.0), (0.3, 1.0), (0.7, 0.9, 1.0))
    found = []
    for gain, leak, radius in zip(*candidates, strict=True):
        numbers = {"lr": leak, "sr": radius, "input_scaling": gain, "seed": seed, "input_connectivity": 1.0}
        found.append([Reservoir(nodes, **numbers).run(x) for x in series])
    return np.asarray(found), candidates


def scored(
    features: np.ndarray,
    sound: np.ndarray,
    candidates: runs.Candidates,
    posed: dict[str, tasks.Task],
    seed: int,
) -> dict[str, Any]:
    """The scores of a law on all tasks, each with what validation chose, and what the pictures need."""
    chosen = lambda i: {
        "gain": candidates.gain[i],
        "time": candidates.time[i],
        "offset": candidates.offset[i],
    }
    report: dict[str, Any] = {}
    for name, task in posed.items():
        best, found = runs.judged(features[:, SERIES[name]], sound, task, seed)
        report[name] = {
            "score": found.score,
            "each": found.each,
            "validation": found.validation,
            "penalty": found.penalty,
            "chosen": chosen(best),
        }
        if name != "memory capacity":
            report[name]["said"] = found.predictions[:200]
    inputs = posed["memory capacity"].inputs[:, 0]
    best, found = runs.capacities(features[:, 0], sound, inputs, seed)
    report["processing capacity"] = {
        "score": found.total,
        "each": found.by_degree,
        "rank": found.rank,
        "chosen": chosen(best),
    }
    return report


def together(of_seed: list[dict[str, Any]]) -> dict[str, Any]:
    """Scores of all seeds with their mean and deviation; what the first seed said."""
    report = {}
    for name, first in of_seed[0].items():
        several = {key: [one[name][key] for one in of_seed] for key in first if key != "said"}
        scores = several.pop("score")
        report[name] = {
            "score": np.mean(scores),
            "deviation": np.std(scores, ddof=1) if len(scores) > 1 else None,
            "scores": scores,
            "each": np.mean(several.pop("each"), axis=0),
            **several,
        }
        if "said" in first:
            report[name]["said"] = first["said"]
    return report


def under(
    scale: Scale, candidates: runs.Candidates, posed: list[dict[str, tasks.Task]], pieces: Pieces, name: str
) -> tuple[dict[str, Any], list[int]]:
    """A law on all tasks, and how many wires are read of each network."""
    begin, posed = time.perf_counter(), posed[: scale.networks]
    seeds = tuple(range(len(posed)))
    series = np.stack([[one[x].inputs[:, 0] for one in posed] for x in SHOWN]).transpose(0, 2, 1)

    def make() -> dict[str, np.ndarray]:
        features, sound = runs.answers(scale, candidates, series, seeds)
        return {"sound": sound, **{f"features {seed}": x for seed, x in zip(seeds, features, strict=True)}}

    kept = pieces.keep(f"{name}-{scale.steps}-{len(seeds)}", make)
    features, sound = [kept[f"features {seed}"] for seed in seeds], kept["sound"]
    found = together([scored(features[s], sound[s], candidates, posed[s], s) for s in seeds])
    found["candidates that can be trusted"] = [f"{x.sum()} of {x.size}" for x in sound]
    known = {"volts": scale.volts, "seconds": scale.seconds, "from": scale.said, "steps": scale.steps}
    print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)
    return found | known, [x.shape[-1] for x in features]


def echoes(posed: list[dict[str, tasks.Task]], nodes: list[int]) -> dict[str, Any]:
    """Echo-state networks with as many nodes as wires are read."""
    found = []
    for seed, (one, count) in enumerate(zip(posed, nodes, strict=True)):
        features, tried = echo_answers(np.stack([one[x].inputs for x in SHOWN]), count, seed)
        found.append(scored(features, np.ones(len(features), bool), tried, one, seed))
    return together(found)


def main() -> None:
    """Runs, judges, draws and reports."""
    quick = "one law, two gains, two seeds and 600 samples"
    parser = script.parser(__doc__, "results/laws_and_tasks", quick=quick)
    finer = "times as many time steps in each sample (then --out another folder)"
    parser.add_argument("--finer", type=int, default=1, help=finer)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="networks, electrodes, series and noises")
    parser.add_argument("--laws", nargs="+", choices=scales(), help="some alone")
    arguments = script.start(parser, float64=True, keep_compiled=True)
    pieces = Pieces(arguments.out / "pieces")
    names = QUICK_LAWS if arguments.quick else arguments.laws or tuple(scales())
    laws = {k: x._replace(steps=arguments.finer * x.steps) for k, x in scales().items() if k in names}
    samples, seeds = (600, 2) if arguments.quick else (1500, arguments.seeds)
    posed = [made(samples, seed) for seed in range(seeds)]
    gains, times = (QUICK_GAINS, QUICK_TIMES) if arguments.quick else (GAINS, TIMES)
    candidates = runs.Candidates.of(gains, times, OFFSETS)
    report: dict[str, Any] = {"samples": samples, "seeds": seeds, "read noise": runs.NOISE, "laws": {}}
    scale = Scale(jaxnn.Resistor(1e-6), 1.0, 1.0, "", False, 1)
    wires = []
    for name, one in {**laws, RESISTORS: scale}.items():
        some = candidates if name != RESISTORS else runs.Candidates.of((1.0,), (1.0,), OFFSETS[1:])
        report["laws"][name], wires = under(one, some, posed, pieces, name)
        script.write_report(arguments.out / "laws_and_tasks.json", _without_samples(report))
    report["laws"][ECHO] = echoes(posed, wires)
    report["wires that are read"] = wires
    if not (arguments.quick or arguments.laws):
        report["more"] = _more(pieces, laws["rate balance"], report, candidates, posed)
    pictures.draw(report, posed[0], arguments.out)
    script.finish(arguments.out / "laws_and_tasks.json", _without_samples(report))


def _more(
    pieces: Pieces,
    scale: Scale,
    report: dict[str, Any],
    candidates: runs.Candidates,
    posed: list[dict[str, tasks.Task]],
) -> dict[str, Any]:
    """Tasks that only the rate balance does, of the first seed."""
    chosen = report["laws"]["rate balance"]["memory capacity"]["chosen"][0]
    numbers = zip(*candidates, strict=True)
    same = [(g, t, o) == (chosen["gain"], chosen["time"], chosen["offset"]) for g, t, o in numbers]
    found = pieces.find(f"rate balance-{scale.steps}-{len(posed)}")
    assert found is not None
    features = found["features 0"][int(np.argmax(same)), 0]
    samples = len(features)
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
