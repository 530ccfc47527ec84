"""What is too large is refused with an estimate, in less than a second and before it is allocated."""

import gc
import resource
import time
import tracemalloc
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.sparse

import jaxnn
from helpers import line
from jaxnn import analysis, encoders, reservoirs
from jaxnn._core import room as _room


LITTLE = 2**26  # [B]
HUGE = 2**31
MANY = 10**9

PULSES = np.full((2, 3, 4), 0.5)
LABELS = np.array([0, 1, 0, 1])
FEATURES = np.random.default_rng(0).random((4, 2))
DEVICE = jaxnn.NickelateDevice()


class Remembering(jaxnn.AbstractObserver):
    """Remembers too much."""

    def start(self, run):
        return jnp.zeros((run.steps, HUGE))

    def follow(self, memory, step):
        return memory


def simulate(**changes):
    setup = {"terminals": (0, 1), "dt": 1e-3, "steps": HUGE - 2, "record": ()} | changes
    return jaxnn.simulate(line(3), jaxnn.TunnelJunction(), jaxnn.Constant(0.1), **setup)


def nodes(**changes):
    spread = jaxnn.NickelateSpread()
    return jaxnn.NickelateNodes.measure(DEVICE, jr.key(0), spread=spread, **changes)


def storage(capacity, inputs):
    level = jnp.zeros(5)
    return jaxnn.NickelateNodes(level, level, level, level, level, 1.0, 1.0, 1.0).storage(
        capacity, inputs, jr.key(0)
    )


def avalanches():
    return analysis.find_avalanches(np.random.default_rng(0).poisson(0.7, 3000))


def doubled(count) -> Any:
    return scipy.sparse.coo_array(([count, count], ([0, 1], [1, 0])), (2, 2))


def uneven():
    one = line(1)
    ensemble = object.__new__(jaxnn.Ensemble)
    offsets = (*range(10**5), 10**8)
    for name, value in (("network", one), ("node_offsets", offsets), ("junction_offsets", offsets)):
        object.__setattr__(ensemble, name, value)
    return jaxnn._networks.padded_ranges(offsets)


PULSE = jaxnn.Programme.pulse(1.0, 1e-6)

REFUSED = {
    "wires": (lambda: jaxnn.nanowire_network(2 * 10**5, 10e-6), "200,000 wires .* about 7.2e.9 junctions"),
    "density": (lambda: jaxnn.nanowire_network(density=1e18, box=1e-3), r"1.0e\+12 wires"),
    "most wires": (lambda: jaxnn.nanowire_network(1e300, 10e-6), "too large for a count"),
    "nodes": (lambda: jaxnn.Network(HUGE - 1, [(0, 1)]), "2,147,483,647 nodes would take 128 GiB"),
    "parallel junctions": (
        lambda: jaxnn.Network.from_adjacency(doubled(2**40)),
        "1,099,511,627,776 junctions",
    ),
    "ensemble": (
        lambda: jaxnn.Ensemble([jaxnn.Network(2**20, [(0, 1)])] * 2000),
        "union of 2,000 networks",
    ),
    "uneven ensemble": (uneven, "100,000 networks by .* of like sizes"),
    "steps": (simulate, "2,147,483,646 of them kept, .* every=10"),
    "record": (lambda: simulate(steps=HUGE // 2, record="state"), "1,073,741,824 of them kept"),
    "function": (
        lambda: simulate(steps=10**6, record={"much": lambda step: jnp.full((10**7,), step.time)}),
        "1,000,000 of them kept, .* of it 'much'",
    ),
    "observer": (
        lambda: simulate(steps=100, record=Remembering()),
        "observer 'Remembering' remembers of 100",
    ),
    "dense": (
        lambda: jaxnn.Dense().plan(10**6, np.array([[0, 1]]), np.array([0, 1])),
        "full matrix of 1,000,000 wires .*StarMesh",
    ),
    "train": (
        lambda: jaxnn.Programme.train(1.0, width=1e-6, period=2e-6, count=2**40),
        "segments would take",
    ),
    "repeat": (lambda: PULSE.repeat(2**40), "A Programme of 1,099,511,627,776 segments"),
    "steps of a segment": (lambda: PULSE.with_steps(2**40), "1,099,511,627,776 steps of a segment"),
    "devices": (
        lambda: jaxnn.simulate_devices(DEVICE, PULSE, shape=(10**6, 10**6)),
        r"devices of shape \(1000000, 1000000\)",
    ),
    "trace": (
        lambda: jaxnn.simulate_devices(
            DEVICE, PULSE.repeat(1000).with_steps(10**6), shape=(10**4,), trace=True
        ),
        "every step of it",
    ),
    "state of devices": (lambda: DEVICE.init_state(10**6, 10**6), "Devices of shape"),
    "spread": (lambda: jaxnn.NickelateSpread().draw(DEVICE, jr.key(0), 10**12), "Devices of shape"),
    "sheet": (lambda: jaxnn.CapacitiveSheet.grid(10**6, 10**6), "1,000,000 x 1,000,000 devices"),
    "couplings": (lambda: jaxnn.CapacitiveSheet.grid(700, 700).conductances(), "490,000 sites"),
    "cells": (lambda: jaxnn.ProtonTransport(cells=10**12), "1,000,000,000,000 cells"),
    "transport": (
        lambda: jaxnn.simulate_transport(
            jaxnn.ProtonTransport(cells=10**5), PULSE.with_steps(10**6).repeat(9)
        ),
        "100,000 cells after 9 x 1,000,000 steps",
    ),
    "capacity": (lambda: jaxnn.GrowWhenRequired(10**6).start([[0.0], [1.0]]), "1,000,000 nodes .*capacity"),
    "contexts": (lambda: jaxnn.GrowWhenRequired(8, context=10**11).start([[0.0], [1.0]]), "fewer contexts"),
    "classes": (lambda: jaxnn.GrowWhenRequired(8).start([[0.0], [1.0]], 10**11), "or classes"),
    "levels": (lambda: nodes(levels=10**6, devices=10**6), "1,000,000 devices at 1,000,000 levels"),
    "storage": (lambda: storage(10**6, 10**6), "1,000,000 nodes of 1,000,000 devices"),
    "starts": (
        lambda: jaxnn.spread(0.1, jr.key(0), 10**12, constraints=jaxnn.Box(0, 1)),
        "starts of 1 numbers",
    ),
    "mask": (lambda: encoders.random_mask(jr.key(0), 10**6, 10**6), "1,000,000 x 1,000,000 weights"),
    "mix": (lambda: encoders.random_mix(jr.key(0), 10**6, 10**6), "fewer devices"),
    "masked": (
        lambda: encoders.mask_pulses(np.zeros((300, 300, 30)), np.zeros((1000, 1000))),
        "fewer samples at a time",
    ),
    "slots": (lambda: encoders.rate_code(PULSES, 10**12), "24 values over 1,000,000,000,000 slots"),
    "bands": (
        lambda: encoders.audio_pulses([np.zeros(100)], 8000, channels=10**10, frames=10),
        "1 recordings in 10,000,000,000 bands",
    ),
    "reads": (
        lambda: reservoirs.LeakyIntegrator(1.0, reads=10**12).respond(jnp.asarray(PULSES)),
        "1,000,000,000,000 reads",
    ),
    "reads of oxide": (
        lambda: reservoirs.TungstenOxideReservoir(reads=10**12).respond(jnp.asarray(PULSES)),
        "1,000,000,000,000 reads",
    ),
    "echoes": (lambda: reservoirs.EchoState.drawn(10**6, 0), "reservoir of 1,000,000 nodes"),
    "nanowires": (
        lambda: reservoirs.NanowireReservoir.drawn(10**11, jr.key(0), wires=14),
        "networks of 39",
    ),
    "nickelates": (
        lambda: reservoirs.NickelateReservoir.prepared(10**12, "neuron", jr.key(0)),
        "Devices of shape",
    ),
    "named": (lambda: reservoirs.scores([0, 10**12], [0, 1], 2), "counted of 1,000,000,000,001 classes"),
    "read-out": (
        lambda: reservoirs.fit_ridge(FEATURES, LABELS, 10**12),
        "read-out of 1,000,000,000,000 classes",
    ),
    "bootstraps": (
        lambda: analysis.shape_collapse(avalanches(), bootstraps=MANY),
        "at most 1,000,000, got 1,000",
    ),
    "samples": (lambda: analysis.fit_power_law([1, 2, 3], samples=MANY), "at most 1,000,000"),
    "scanned samples": (lambda: analysis.scan_power_law([1, 2, 3], samples=MANY), "at most 1,000,000"),
    "ranges": (
        lambda: analysis.scan_power_law(np.arange(1, 10**6)),
        "ranges between 999,999 distinct data",
    ),
    "probabilities": (
        lambda: analysis.power_law_probabilities(2.0, 1, 10**12),
        "probabilities of 1,000,000,000,000",
    ),
    "drawn": (lambda: analysis.power_law_sample(2.0, 1, 9, 10**12), "sample of 1,000,000,000,000 whole"),
}


@pytest.fixture(scope="module")
def begun():
    """What JAX does once in a process is done, and what earlier tests left is not looked through again."""
    simulate(steps=2)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def little(begun, monkeypatch):
    """Fails where more than 64 MiB are allocated, or a second is taken."""
    monkeypatch.setattr(_room, "free_memory", lambda: 2**34)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    took = time.process_time() - begin
    # NumPy's arrays, and what JAX adds to what was taken before [KiB].
    assert peak < LITTLE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < LITTLE / 1024
    assert took < 1


@pytest.mark.parametrize("case", REFUSED)
def test_refused(little, case):
    ask, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        ask()


def test_differences(monkeypatch):
    """As many as there are junctions at the most: too many of a large network."""
    monkeypatch.setattr(_room, "free_room", lambda _=None: 2**21)
    network, law, drive = line(300), jaxnn.TunnelJunction(), jaxnn.Constant(0.1)
    setup = {"terminals": (0, 1), "dt": 1e-3, "steps": 10}
    with pytest.raises(ValueError, match=r"300 pairs of trajectories would take .*fewer `junctions`"):
        jaxnn.two_trajectory_exponents(network, law, drive, distance=1e-4, **setup)
    with pytest.raises(ValueError, match=r"300 differences over 10 steps would take .*smaller count"):
        jaxnn.lyapunov_exponents(network, law, drive, count=300, interval=10, **setup)


def test_a_datum_of_ten_million(little):
    """Wide ranges need no more than narrow ones."""
    fit = analysis.fit_power_law([1, 2, 3, 3, 10**7], samples=100)
    assert fit.maximum == 10**7
    assert fit.used == 5


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.7, 3.0])
def test_wide_ranges(exponent):
    """Integrals beyond the table are the sums that they stand for, and samples follow the law."""
    from jaxnn.analysis import _power_law_range as _range

    low, high = 3, 10**6
    sums, integrals = _range.Table(exponent, low, high), _range.Tail(exponent, low, high)
    x = np.unique(np.geomspace(low, high, 2000).astype(int))
    np.testing.assert_allclose(integrals.up_to(x), sums.up_to(x), rtol=0, atol=1e-9)
    mean = sums.law @ np.log(np.arange(low, high + 1.0))
    assert abs(_range.Range(low, high).exponents(np.array([mean]))[0] - exponent) < 2e-6
    drawn = analysis.power_law_sample(exponent, low, high, 20_000, seed=0)
    assert low <= drawn.min() <= drawn.max() <= high
    # Kolmogorov's distance is beyond this in one of a thousand samples.
    assert _range.distance(np.unique(drawn, return_counts=True), sums) < 1.95 / 20_000**0.5


def test_room_of_a_device(monkeypatch):
    class Device:
        def memory_stats(self):
            return {"bytes_limit": 2**40, "bytes_in_use": 2**39}

    monkeypatch.setattr(_room, "free_memory", lambda: 2**20)
    monkeypatch.setattr(jax, "local_devices", lambda: [Device(), Device()])
    _room.check_room("What lies on devices", 2**38, "", on_device=True)
    with pytest.raises(ValueError, match="would take 256 GiB, more than the 512 KiB"):
        _room.check_room("What lies on the host", 2**38, "")
