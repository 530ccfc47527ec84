"""What all scripts begin and end with."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.shared import figures, script


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What `script.start` makes of a command line."""

    def start(*given, **options):
        parser = script.parser("First line.\n\nMore.", str(tmp_path / "default"), **options)
        monkeypatch.setattr("sys.argv", ["script.py", *map(str, given)])
        return script.start(parser)

    yield start
    figures.this_run("")


def test_options_of_a_script(started, tmp_path):
    found = started(quick="few steps", minutes=3, reference=True)
    assert found.out == tmp_path / "default"
    assert found.out.is_dir()
    assert (found.quick, found.minutes, found.reference) == (False, 3, None)
    found = started("--out", tmp_path / "a" / "b", "--quick", "--minutes", "0.5", quick="few", minutes=3)
    assert (tmp_path / "a" / "b").is_dir()
    assert (found.quick, found.minutes) == (True, 0.5)


def test_a_quick_run_says_so_above_its_pictures(started, tmp_path):
    for given, above in (((), ""), (("--quick",), "quick mode: few steps")):
        started(*given, quick="few steps")
        figure, ax = figures.plt.subplots()
        ax.plot([1, 2])
        figures.save(figure, tmp_path / "one.png")
        assert figure.get_suptitle() == above


@pytest.mark.parametrize("given", [("--quick", "--full"), ("--minutes", "1")])
def test_what_a_script_does_not_have_is_refused(given, started, capsys):
    with pytest.raises(SystemExit):
        started(*given, quick="few steps", full="all")
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{}, {"quick": "few steps"}, {"quick": "few steps", "full": "all"}])
def test_help_has_the_first_line_of_the_script(options, started, capsys):
    with pytest.raises(SystemExit):
        started("--help", **options)
    text = capsys.readouterr().out
    assert "First line." in text
    assert all(words in text for words in options.values())


def test_reports_are_plain_json(tmp_path, capsys):
    report = {
        "a": np.array([1.0, np.nan]),
        "b": (jnp.inf, -np.inf, np.bool_(True)),
        3: [jnp.arange(2), "x"],
    }
    script.finish(tmp_path / "one.json", report)
    found = json.loads((tmp_path / "one.json").read_text())
    assert found == {"a": [1.0, None], "b": [None, "-inf", True], "3": [[0, 1], "x"]}
    assert capsys.readouterr().out == f"wrote {tmp_path / 'one.json'}\n"
