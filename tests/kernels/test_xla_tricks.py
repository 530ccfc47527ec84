"""Each trick of `jaxnn_kernels._xla` must still pay for itself: what fails here may go.

The room's table says what each gained; the margins are at most half of that.
"""

import json

import pytest

from helpers import ROOT, run_worker


GONE = "{} gains nothing any more and may go ({}): tests/xla_worker.py has the plain code for it."
CUDA = ROOT / ".venv-gpu" / "bin" / "python"


def both(trick, case, **settings):
    """What the programs with the trick and without it hold and take."""
    found = json.loads(run_worker("xla_worker.py", trick, case, **settings).splitlines()[-1])
    assert found["calls"] > 0, "The worker replaced nothing."
    assert found["equal"] in (True, None), "The plain code gives other numbers."
    return found["ours"], found["plain"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trick", "least"), [("batch_last", 3.0), ("laid_out", 1.2), ("batch_inner", 1.08), ("desk", 1.05)]
)
def test_a_batch_would_take_longer_without(trick, least):
    ours, plain = both(trick, "batch")
    factor = plain["step_us"] / ours["step_us"]
    assert factor > least, GONE.format(trick, f"a step takes {factor:.2f} times as long without it")


@pytest.mark.slow
def test_starts_that_may_be_negative_would_be_more_to_compile():
    ours, plain = both("starts", "batch")
    counts = {kind: (ours[kind], plain[kind]) for kind in ("fusion", "instructions")}
    more = all(without > 1.03 * with_it for with_it, without in counts.values())
    assert more, GONE.format("allow_negative_indices=False", f"with it and without: {counts}")


@pytest.mark.slow
@pytest.mark.skipif(not CUDA.exists(), reason="needs the CUDA build of JAX: make .venv-gpu/ready")
def test_a_gpu_would_move_more_without_settled_rounds():
    ours, plain = both("settled", "h100", python=CUDA)
    factor = plain["bytes"] / ours["bytes"]
    assert factor > 1.1, GONE.format("settled", f"a step moves {factor:.2f} times the bytes without it")
