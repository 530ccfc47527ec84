"""The loops of published junction laws, small."""

from scripts import quick_report


def test_published_laws(tmp_path):
    report, _ = quick_report("published_laws", tmp_path)
    loops = {name: found for name, found in report.items() if isinstance(found, dict)}
    assert len(loops) == 6
    for found in loops.values():
        # Pinched, and open.
        assert found["current at 0 V over the largest"] < 1e-12
        assert found["current falling over rising, at half the voltage"] > 1.005
    exact, published = (
        loops[f"rate balance, Milano 2022, connectome {x}"] for x in ("exact step", "as published")
    )
    assert published["largest state"] > 0.95 > 2 * exact["largest state"]
    assert (tmp_path / "published_laws.png").is_file()
