"""What a result has to say about itself: what was computed, with which versions, on what."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._networks import Network
from .._version import __version__
from .batch import probe
from .layout import Layout
from .study import Study


def versions() -> dict[str, str]:
    """Versions of everything that has a say in the numbers or the files."""
    names = ("jax", "jaxlib", "equinox", "numpy", "scipy", "zarr", "xarray")
    found = {"python": platform.python_version(), "jaxnn": __version__}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit() -> str:
    """The git commit of jaxnn's source, with a "+" if files have changed since; "none" without git."""
    # Two installations of one version are told apart by it; the program itself has a digest.
    revision = _git("rev-parse", "--short=12", "HEAD")
    return revision + ("+" if revision != "none" and _git("status", "--porcelain", "-uno") else "")


def device() -> str:
    """Platform and kind of the devices."""
    first = jax.local_devices()[0]
    return f"{first.platform} {first.device_kind}"


def specification(study: Study) -> dict[str, Any]:
    """All that decides the numbers, as plain data that two runs can compare."""
    base = {root: describe(getattr(study, root)) for root in ("network", "terminals", "junction", "drive")}
    reductions = {
        name: {"unit": r.unit, "description": r.description} for name, r in study.reductions.items()
    }
    axes = {
        axis.name: {path: _column(column) for path, column in axis.columns.items()} for axis in study.axes
    }
    known = versions()
    return {
        "axes": axes,
        "base": base,
        "settings": {name: describe(value) for name, value in study.settings.items()},
        "method": _name_of(study.method),
        "reductions": reductions,
        "networks": _digest_of(study),
        "program": probe(study).digest,
        "precision": "64" if jax.config.jax_enable_x64 else "32",  # pyright: ignore[reportAttributeAccessIssue]
        "device": jax.local_devices()[0].platform,
        "versions": {name: known[name] for name in ("jax", "jaxlib")},
    }


def attributes(specification: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """The attributes of the store. No dates and no hosts: the same sweep is the same bytes."""
    return {
        "title": "sweep of jaxnn",
        "specification": specification | {"layout": json.loads(json.dumps(layout._asdict()))},
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "commit": commit(),
        "device": device(),
    }


def differences(there: object, here: object, path: str = "") -> list[str]:
    """The places where two specifications differ, in words; how they are cut into chunks is no matter."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [key for key in {**there, **here} if path or key != "layout"]
        return [
            line
            for key in keys
            for line in differences(there.get(key), here.get(key), f"{path}.{key}" if path else key)
        ]
    if there == here or (isinstance(here, tuple) and there == list(here)):
        return []
    if path == "program":
        return ["a reduction, the law, the solver or the code of jaxnn is another"]
    return [f"{path} is {_short(there)} there and {_short(here)} here"]


def describe(value: object) -> Any:
    """Plain data for anything that a sweep is given: modules by their fields, functions by name."""
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            value = jax.random.key_data(value)
        array = np.asarray(value)
        # A float32 is written as 0.1, not as the nearest float64.
        one = float(str(array)) if array.dtype.kind == "f" and not array.ndim else None
        return one if one is not None else array.item() if array.ndim == 0 else _column(array)
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, Network):
        return {"kind": "Network", "wires": value.n_nodes, "junctions": value.n_junctions}
    if isinstance(value, eqx.Module):
        return {"kind": type(value).__name__} | {k: describe(v) for k, v in vars(value).items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, functools.partial):
        keywords = {str(k): describe(v) for k, v in value.keywords.items()}
        return {"kind": _name_of(value.func), "arguments": describe(list(value.args)), **keywords}
    return _name_of(value) if callable(value) else repr(value)


def _digest_of(study: Study) -> str:
    """One digest for all networks and where they are driven."""
    text = hashlib.sha256()
    for network, terminals, _ in study.places.reshape(-1):
        text.update(network.topology.digest)
        text.update(np.asarray(network.passive_conductance, float).tobytes())
        text.update(np.asarray(terminals, np.int64).tobytes())
    return text.hexdigest()[:16]


def _column(array: np.ndarray) -> dict[str, Any]:
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    flat = array.reshape(-1)
    ends = {"first": flat[0].item(), "last": flat[-1].item()} if flat.size else {}
    return {"shape": list(array.shape), "digest": digest} | ends


def _name_of(function: object) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 100 else text[:97] + "..."


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except OSError:
        return "none"
    return done.stdout.strip() if done.returncode == 0 else "none"
