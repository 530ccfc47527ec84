"""The figures of circuits, small: what their pictures claim is in their reports."""

import numpy as np
import pytest

from scripts import quick_report, run_script


def test_charging(tmp_path):
    report, _ = quick_report("charging", tmp_path)
    np.testing.assert_allclose(report["order of potentials"], 2, atol=0.05)
    assert max(report["charge not accounted for / held"]) < 1e-12
    # The first rise takes some 10 ns: two and one steps.
    coarse, fine = report["energy not accounted for / supplied"]
    assert fine < 0.5 * coarse < 5e-3
    assert (tmp_path / "charging.png").is_file()


def test_current_laws(tmp_path):
    report, _ = quick_report("current_laws", tmp_path)
    for law in ("sinh", "diode"):
        assert report[law]["largest difference of the voltage [V]"] < 1e-12
    np.testing.assert_allclose(report["diode"]["current at the first voltage [A]"], -1e-6, rtol=1e-6)
    assert (tmp_path / "current_laws.png").is_file()


def test_closed_loop(tmp_path):
    """A network without memory cannot go on with a sum of sines; how well others do is in the full run."""
    report, _ = quick_report("closed_loop", tmp_path)
    for name in ("two sines", "Mackey-Glass"):
        with_memory, without = (report[name][kind] for kind in ("with capacitors", "without"))
        key = "error of one step, open loop"
        assert with_memory[key][0] < without[key][0]
        assert np.isfinite(with_memory["error over the horizon"]).all()
    assert (tmp_path / "closed_loop.png").is_file()


def test_adaptive_time(tmp_path):
    report, _ = quick_report("adaptive_time", tmp_path)
    dc = report["DC, V* = 1.5"]
    error = lambda name: dc[name][0]["largest error"]
    assert error("fourth order") < 0.1 * error("Euler")
    assert dc["reference"]["largest error"] < 1e-2 * error("Euler")
    assert (tmp_path / "adaptive_time.png").is_file()


@pytest.mark.slow
def test_adaptive_time_without_diffrax(tmp_path):
    (tmp_path / "diffrax.py").write_text("raise ImportError('none')\n")
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); "
        f"sys.argv = ['adaptive_time', '--quick', '--out', {str(tmp_path)!r}]; "
        "runpy.run_module('experiments.circuits.adaptive_time', run_name='__main__')"
    )
    done = run_script("-c", code)
    assert done.returncode == 0, done.stderr
    assert "adaptive steps are skipped" in done.stdout
