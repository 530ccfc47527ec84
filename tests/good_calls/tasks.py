"""Good calls of tasks, of what judges them, and of reservoirs that hear series."""

import numpy as np

import jaxnn
from good_calls.examples import Call, network


def of_tasks() -> dict[str, Call]:
    tasks, reservoirs = jaxnn.tasks, jaxnn.reservoirs
    short = {"steps": 60, "seed": 0, "washout": 10}
    task = tasks.memory_task(2, steps=60, washout=10)
    features = np.random.default_rng(0).random((60, 3))
    given = {"gain": [[0.2]], "electrodes": (0,), "drains": (3,), "dt": 1e-3, "offset": 0.0, "steps": 1}
    first = {"network": network(), "junction": jaxnn.TunnelJunction()}
    reservoir = reservoirs.NetworkReservoir(**first, **given)
    learner = reservoirs.RecursiveLeastSquares()
    return {
        "tasks.memory_task": (tasks.memory_task, {"delays": 2} | short),
        "tasks.nonlinear_memory_task": (
            tasks.nonlinear_memory_task,
            {"delays": 2, "strengths": (0.5, 1.0)} | short,
        ),
        "tasks.sequence_memory_task": (
            tasks.sequence_memory_task,
            {"back": 1, "symbols": 3, "length": 4, "novelty": 0.3} | short,
        ),
        "tasks.narma_task": (tasks.narma_task, {"order": 2} | short),
        "tasks.mackey_glass_series": (
            tasks.mackey_glass_series,
            {"steps": 5, "tau": 3, "start": 1.1, "before": 2, "substeps": 4},
        ),
        "tasks.mackey_glass_task": (tasks.mackey_glass_task, {"horizon": 2, "tau": 17} | short),
        "tasks.lorenz_task": (
            tasks.lorenz_task,
            {"horizon": 2, "interval": 0.05, "shown": "x"} | short,
        ),
        "tasks.waveform_task": (tasks.waveform_task, {"period": 8, "steps": 60, "washout": 10}),
        "tasks.judge": (
            tasks.judge,
            {"task": task, "features": features, "penalties": (1e-6, 1e-3), "noise": 0.0, "seed": 0},
        ),
        "tasks.processing_capacity": (
            tasks.processing_capacity,
            {
                "inputs": task.inputs[:, 0],
                "features": features,
                "delays": (3, 2),
                "washout": 5,
                "chance": 1e-4,
            },
        ),
        "tasks.rank_series": (tasks.rank_series, {"streams": 3, "steps": 6, "shared": 2, "seed": 0}),
        "tasks.effective_rank": (
            tasks.effective_rank,
            {"states": features, "tolerance": 1e-3, "like": None},
        ),
        "reservoirs.NetworkReservoir": (
            reservoirs.NetworkReservoir,
            first | given | {"read": (1, 2), "currents": False},
        ),
        "reservoirs.NetworkReservoir.drawn": (
            reservoirs.NetworkReservoir.drawn,
            {"inputs": 1, "seed": 0, "wires": 14, "volts": 0.2, "electrodes": 1, "drains": 1},
        ),
        "reservoirs.NetworkReservoir.run": (
            reservoir.run,
            {"series": np.zeros((4, 1)), "state": None, "start_step": 0, "key": None},
        ),
        "reservoirs.reservoirpy_node": (
            reservoirs.reservoirpy_node,
            {"reservoir": reservoir, "seed": 0},
        ),
        "reservoirs.RecursiveLeastSquares": (
            reservoirs.RecursiveLeastSquares,
            {"forgetting": 0.9, "penalty": 0.1},
        ),
        "reservoirs.RecursiveLeastSquares.start": (learner.start, {"features": 3, "targets": 1}),
        "reservoirs.RecursiveLeastSquares.follow": (
            learner.follow,
            {"features": features, "targets": features[:, :1], "memory": None, "together": 3},
        ),
    }


CHEAP = (of_tasks,)
ALL = CHEAP
