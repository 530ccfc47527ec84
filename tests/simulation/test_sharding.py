"""Batches that eight devices share: the numbers of one, and no loop that waits for another device."""

import re

import pytest

from helpers import ROOT, run_worker


# One process compiles each case four times.
QUICK = ("fields", "derivatives")
SLOW = (
    "windows",
    "dense",
    "ensemble",
    "arrays",
    "nested",
    "count",
    "drives",
    "exponents",
    "read_out",
    "noise",
    "circuit",
    "devices",
    "newton",
)


def test_a_batch_on_eight_devices():
    assert run_worker("sharding_worker.py", *QUICK).split() == list(QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW)
def test_every_run_on_eight_devices(case):
    assert run_worker("sharding_worker.py", case).split() == [case]


def test_the_recipe_on_eight_devices(tmp_path):
    page = (ROOT / "docs" / "scaling-out.md").read_text()
    recipe = "\n".join(re.findall(r"```python\n(.*?)```", page, re.S))
    count = "import jax\nassert len(jax.devices()) == 8\n"
    script = tmp_path / "recipe.py"
    script.write_text(f"{count}{recipe}\nprint(len(by_itself.sharding.device_set))\n")
    assert run_worker(script, devices=8).split() == ["8"]
