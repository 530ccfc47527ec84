"""Sheet resistances in quick mode: thresholds and limits; and one film by the solver of the library."""

import importlib
import json

import numpy as np
import pytest

import jaxnn
from scripts import run_script


def test_quick_mode(tmp_path):
    done = run_script("experiments/networks/sheet_resistance.py", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "sheet_resistance.json").read_text())
    over = np.array(report["over mean field"])
    # Below the mean field everywhere, nearer to it the denser; near the threshold next to nothing.
    assert np.all(over < 1)
    assert np.all(np.diff(over[-5:], axis=0) > 0)
    assert np.all(over[-1] > 0.75)
    assert np.all(over[0] < 0.3)
    # Two films of each density leave some 0.2 of the exponent open.
    assert all(0.8 < x < 1.7 for x in report["exponents"].values())
    assert (tmp_path / "sheet_resistance.png").is_file()


def test_simulate_agrees_with_the_sparse_solver():
    module = importlib.import_module("experiments.networks.sheet_resistance")
    network = module.film(9, 3, 1)
    cut = network.with_wire_resistance(module.RESISTIVITY, module.DIAMETER)
    for part in (network, cut):
        terminals = (part.n_nodes - 2, part.n_nodes - 1)
        law, drive = jaxnn.Resistor(1e-3), jaxnn.Constant(1.0)
        run = jaxnn.simulate(part, law, drive, terminals=terminals, dt=1.0, steps=1)
        assert float(run.conductance[0]) == pytest.approx(module.conductance(part, 1e-3), rel=1e-8)
