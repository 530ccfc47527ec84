"""The identification of hidden junction parameters works from the command line."""

import numpy as np

from scripts import quick_report


def test_quick_run(tmp_path):
    report, printed = quick_report("identification", tmp_path, seconds=60)
    for record in report["clean"]:
        errors = np.asarray(list(record["error"].values()))
        assert errors.shape == (6,)
        np.testing.assert_allclose(np.abs(errors).max(), record["largest_error"])
        # The draws it starts from are far off, and the estimate within 1 %.
        assert record["best_draw_largest_error"] > 0.05
        assert record["largest_error"] < 0.01
    (noisy,) = report["noise"]
    # The residual of a right fit is the noise, and errors are a few times the bound at most.
    assert 0.9 < min(noisy["rms_over_noise"]) <= max(noisy["rms_over_noise"]) < 1.1
    bound = np.asarray(list(noisy["bound"].values()))
    assert (np.abs(noisy["errors"]) < 5 * bound).all()
    assert "sets within 1 %" in printed
    for name in ("traces", "errors"):
        assert (tmp_path / f"identification_{name}.png").stat().st_size > 0
