"""One law and the resistors on the six tasks, small."""

import json

import pytest

from helpers import ROOT
from scripts import quick_report


@pytest.mark.slow
def test_laws_and_tasks(tmp_path):
    pytest.importorskip("reservoirpy")
    report, _ = quick_report("laws_and_tasks", tmp_path)
    laws = report["laws"]
    assert set(laws) == {"rate balance", "resistors", "echo-state network"}
    # Resistors remember nothing, and give the sum of their inputs alone.
    assert laws["resistors"]["memory capacity"]["score"] == 0
    assert laws["resistors"]["waveforms"]["each"][2:] == pytest.approx([0, 0], abs=0.02)
    assert len(laws["resistors"]["waveforms"]["scores"]) == 2
    assert laws["echo-state network"]["memory capacity"]["score"] > 5
    assert laws["rate balance"]["waveforms"]["score"] > laws["resistors"]["waveforms"]["score"]
    assert (tmp_path / "laws_and_tasks.png").is_file()


def test_the_page_has_the_measured_numbers():
    """Row by row, to the digits that it shows."""
    laws = json.loads((ROOT / "docs" / "measured" / "laws_and_tasks.json").read_text())["laws"]
    rows = [line.split("|")[1:-1] for line in (ROOT / "docs" / "tasks.md").read_text().splitlines()]
    shown = {row[0].strip(): [x.strip() for x in row[3:]] for row in rows if len(row) == 9}
    (columns,) = [names for law, names in shown.items() if law == "law"]
    assert laws.keys() == shown.keys() - {"law", "---"}
    for law, scores in laws.items():
        given = [(scores[task]["score"], scores[task]["deviation"]) for task in columns]
        written = [f"{mean:.2f}" + (f" ± {by:.2f}" if by is not None else "") for mean, by in given]
        assert shown[law] == written, law
