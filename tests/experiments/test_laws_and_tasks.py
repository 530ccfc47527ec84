"""One law and the resistors on the six tasks, small."""

import pytest

from scripts import quick_report


pytest.importorskip("reservoirpy")


@pytest.mark.slow
def test_laws_and_tasks(tmp_path):
    report, _ = quick_report("laws_and_tasks", tmp_path)
    laws = report["laws"]
    assert set(laws) == {"rate balance", "resistors", "echo-state network"}
    # Resistors remember nothing, and give the sum of their inputs alone.
    assert laws["resistors"]["memory capacity"]["score"] == 0
    assert laws["resistors"]["waveforms"]["each"][2:] == pytest.approx([0, 0], abs=0.02)
    assert laws["echo-state network"]["memory capacity"]["score"] > 5
    assert laws["rate balance"]["waveforms"]["score"] > laws["resistors"]["waveforms"]["score"]
    assert (tmp_path / "laws_and_tasks.png").is_file()
