"""Sweeps that are too large are refused with an estimate, before anything of their size is allocated."""

import functools as ft
import re
import tracemalloc

import numpy as np
import pytest

import jaxnn
from jaxnn import _command_line as _cli
from jaxnn._core import room as _room
from jaxnn._sweep.axes import axes_of


pytest.importorskip("zarr")

MILLION = np.linspace(0.0, 1.0, 10**6)


def sweep(out, over, network):
    return jaxnn.sweep(
        network,
        jaxnn.TunnelJunction(),
        jaxnn.Constant(0.1),
        over=over,
        terminals=jaxnn.farthest_pair,
        dt=1e-3,
        steps=10,
        out=out,
        progress=False,
    )


@pytest.fixture
def little():
    """Fails where more than 64 MiB are allocated."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**26


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            lambda: {"drive.voltage": MILLION, "junction.boost": MILLION},
            r"The sweep has 1,000,000,000,000 runs = 1,000,000 x 1,000,000, .*are 11.8 TiB or more.*Sample",
        ),
        (
            lambda: {"network.seed": range(10**12)},
            r"'network.seed' goes through 1,000,000,000,000 values, 7.2",
        ),
        (lambda: {"network.seed": range(10**300)}, r"10\^300 values, .*100,000,000 are possible"),
        (lambda: {"network.seed": range(0, -(10**12), -7)}, r"goes through 142,857,142,858 values"),
        (lambda: {"drive.voltage": np.broadcast_to(0.1, 10**9)}, r"1,000,000,000 values, 7.45 GiB"),
        (lambda: jaxnn.Table({"drive.voltage": range(10**9)}), r"1,000,000,000 values"),
        (lambda: jaxnn.Sample({"drive.voltage": (0, 1)}, 10**9), r"The Sample has 1,000,000,000 runs"),
        (
            lambda: [jaxnn.Sample({"drive.voltage": (0, 1)}, 2**10), {"network.seed": range(10**6)}],
            r"The sweep has 1,024,000,000 runs = 1,024 x 1,000,000",
        ),
    ],
)
def test_too_many_runs(little, over, message):
    with pytest.raises(ValueError, match=message):
        axes_of(over())


def test_too_many_networks(little, tmp_path, monkeypatch):
    """They are all built beforehand: what they take is estimated from the first."""
    monkeypatch.setattr(_room, "free_memory", lambda: 2**26)
    built = []

    def network(seed):
        built.append(seed)
        return jaxnn.nanowire_network(20, 14e-6, seed=seed)

    message = r"The 200,000 networks of the sweep, \S+ KiB each, would take .*more than the 32 MiB"
    with pytest.raises(ValueError, match=message):
        sweep(tmp_path / "out", {"network.seed": range(2 * 10**5)}, network)
    assert len(built) == 1
    assert not (tmp_path / "out").exists()


def test_draws_that_do_not_fit(monkeypatch):
    monkeypatch.setattr(_room, "free_memory", lambda: 2**20)
    sample = jaxnn.Sample({"drive.voltage": (0, 1)}, 2**20)
    with pytest.raises(ValueError, match="The 1,048,576 combinations of the Sample would take 16 MiB"):
        sample.axes()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (
            '"drive.voltage" = { from = 0.0, to = 1.0, count = 1_000_000_000 }',
            "line 11: the count of drive.v",
        ),
        (
            '"network.seed" = { from = 0, to = 1_000_000_000_000 }',
            "line 11: 'network.seed' goes through 1,000",
        ),
        (
            '"drive.voltage" = { from = 0.0, to = 1.0, count = 1_000_000 }\n'
            '"junction.boost" = { from = 1.0, to = 9.0, count = 1_000_000 }',
            "The sweep has 1,000,000,000,000 runs",
        ),
        ('"network.seed" = { from = 0, to = 1' + 400 * "0" + " }", "line 11: .*10\\^400 values"),
        ('"drive.voltage" = { from = 0, to = 1' + 400 * "0" + ", count = 3 }", "line 11: "),
        (
            '"drive.voltage" = { from = 0.0, to = inf, count = 3 }',
            "line 11: drive.voltage needs two numbers",
        ),
        (
            '"drive.voltage" = { from = 0.0, to = "x", count = 3 }',
            "line 11: drive.voltage needs two numbers",
        ),
        (
            '"drive.voltage" = { from = 0.0, to = 1.0, count = 2.5 }',
            "line 11: the count of drive.voltage must",
        ),
        ('"drive.voltage" = [1' + 400 * "0" + "]", "line 11: 'drive.voltage' must go through"),
        ('"drive.voltage" = [[0.1], [0.1, 0.2]]', "line 11: 'drive.voltage' must go through"),
    ],
)
def test_in_a_specification(little, tmp_path, capsys, grid, message):
    spec = tmp_path / "spec.toml"
    spec.write_text(
        "[network]\nn_wires = 9\nbox = 9e-6\n[drive]\nkind = 'Constant'\nvoltage = 1.0\n[simulation]\n"
        "dt = 1e-3\nsteps = 9\n[grid]\n" + grid
    )
    assert _cli.main(["sweep", str(spec), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"jaxnn: {spec}")
    assert re.search(message, printed), printed
    assert not (tmp_path / "out").exists()


def test_what_fits_is_not_refused(tmp_path):
    axes = axes_of({"network.seed": range(5, 0, -2), "drive.voltage": range(2**62, 2**62 + 2)})
    columns = [column.tolist() for axis in axes for column in axis.columns.values()]
    assert columns == [[5, 3, 1], [2**62, 2**62 + 1]]
    data = sweep(tmp_path, {"network.seed": range(2)}, ft.partial(jaxnn.nanowire_network, 20, 14e-6))
    assert (data.diagnosis == 0).all()
