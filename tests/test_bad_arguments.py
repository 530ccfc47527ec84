"""Whatever is given wrongly is refused by name, or in words of this library: no riddles, no numbers."""

import json

import pytest

from helpers import run_worker


WRONG = ("obscure", "silent", "hung")
LEFT = 0  # calls of the complete run that are answered so


def _found(*arguments):
    found = json.loads(run_worker("bad_arguments_worker.py", *arguments, quickly=True).splitlines()[-1])
    faults = [" | ".join(x) for x in found["faults"]]
    print(f"{found['tried']} calls: {found['counts']}", *faults, sep="\n")
    return found["tried"], found["counts"], "\n".join(faults)


def test_a_sample_of_bad_arguments():
    tried, counts, faults = _found("sample=300")
    assert tried == 300
    assert not any(counts.get(x) for x in WRONG), faults


@pytest.mark.slow
def test_every_argument_of_every_callable():
    """Its counts stand in docs/simulation.md: `pytest -m slow -s tests/test_bad_arguments.py`."""
    tried, counts, faults = _found()
    assert tried > 10_000
    assert sum(counts.get(x, 0) for x in WRONG) <= LEFT, faults
