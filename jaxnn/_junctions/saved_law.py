"""Junction laws in a file: the library's own by name, another's numbers for a law that is given again."""

import dataclasses
import json
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import KeyPath
from jaxtyping import ArrayLike, PyTree

from .decaying_drift import DecayingDriftJunction
from .dynamic_memristor import DynamicMemristorJunction
from .linear_drift import LinearDriftJunction
from .metastable_switch import MetastableSwitchJunction
from .mixed import Assignment, MixedJunction
from .noise import WithLangevinNoise, WithReadNoise
from .ornstein_uhlenbeck import OrnsteinUhlenbeckJunction
from .rate_balance import RateBalanceJunction
from .resistor import Resistor
from .simmons import LaggedSimmonsJunction, SimmonsJunction
from .surrogate import SmoothJunction, StraightThrough
from .threshold import BinaryJunction, TunnelJunction
from .volatile_filament import VolatileFilamentJunction
from .vteam import VteamJunction
from .windows import BiolekWindow, JoglekarWindow, ProdromakisWindow
from .yakopcic import YakopcicJunction


# What a file may ask for by name, of runs or of sweeps. Nothing else is ever made from one.
OWN_LAWS = (
    TunnelJunction,
    BinaryJunction,
    Resistor,
    OrnsteinUhlenbeckJunction,
    RateBalanceJunction,
    LinearDriftJunction,
    DecayingDriftJunction,
    VteamJunction,
    YakopcicJunction,
    MetastableSwitchJunction,
    VolatileFilamentJunction,
    DynamicMemristorJunction,
)
_WRAPPERS = (SmoothJunction, StraightThrough, WithReadNoise, WithLangevinNoise, MixedJunction)
_WRAPPERS += (SimmonsJunction, LaggedSimmonsJunction)
LAWS: dict[str, type] = {law.__name__: law for law in (*OWN_LAWS, *_WRAPPERS)}
_WINDOWS = (JoglekarWindow, BiolekWindow, ProdromakisWindow)
_KNOWN = LAWS | {window.__name__: window for window in _WINDOWS}


class SavedLaw(eqx.Module):
    """A law of which a file keeps the name and the numbers, because its class is not the library's."""

    name: str = eqx.field(static=True)
    numbers: dict[str, Any]

    def message(self) -> str:
        """What is needed to have the law."""
        return (
            f"this run was saved with the law {self.name}, which is not jaxnn's own, so that the file has "
            f"its numbers alone ({', '.join(self.numbers) or 'none'}): give one as Solution.load(path, "
            f"junction={self.name.rpartition('.')[2]}(...)), and it takes them."
        )


def law_arrays(law: PyTree) -> dict[str, np.ndarray]:
    """The law as arrays: its numbers, and a description in JSON under the name ""."""
    if isinstance(law, SavedLaw):
        return {"": np.array(json.dumps({"other": law.name}))} | law.numbers
    arrays: dict[str, np.ndarray] = {}
    described = _describe(law, "", arrays)
    if described is None:
        arrays = {name: np.asarray(x) for name, x in _numbers(law)}
        described = {"other": f"{type(law).__module__}.{type(law).__qualname__}"}
    return {"": np.array(json.dumps(described))} | arrays


def law_from(arrays: dict[str, np.ndarray], junction: PyTree) -> Any:
    """The law of `law_arrays`: rebuilt, or `junction` with the saved numbers, or a `SavedLaw`.

    **Raises:** `ValueError` if the junction given is another law or has other numbers.
    """
    arrays = dict(arrays)
    described = json.loads(str(arrays.pop("")))
    name = described.get("other") or described["law"]
    if junction is None:
        return SavedLaw(name, arrays) if "other" in described else _rebuilt(described, "", arrays)
    ours = dict(_numbers(junction))
    if type(junction).__name__ != name.rpartition(".")[2] or ours.keys() != arrays.keys():
        raise ValueError(
            f"junction must be the law that the run was saved with, {name} with the numbers "
            f"{sorted(arrays)}, got {type(junction).__name__} with {sorted(ours)}."
        )
    fill = lambda path, x: _as_saved(arrays[_name(path)], x) if _name(path) in arrays else x
    return jax.tree_util.tree_map_with_path(fill, junction)


def _describe(value: Any, path: str, arrays: dict[str, np.ndarray]) -> dict[str, Any] | None:
    """What JSON can say of a value; its arrays go into `arrays`. None if there is more to it."""
    if value is None or isinstance(value, bool | int | str):
        return {"value": value}
    if isinstance(value, jax.Array | np.ndarray | np.generic | float):
        arrays[path] = np.asarray(value)
        return {"plain": not isinstance(value, jax.Array)}
    if isinstance(value, Assignment):
        arrays[path] = value.law_of_junction
        return {"laws": len(value.counts)}
    if isinstance(value, tuple):
        items = [_describe(x, _joined(path, str(i)), arrays) for i, x in enumerate(value)]
        return None if None in items else {"items": items}
    if _KNOWN.get(type(value).__name__) is not type(value):
        return None
    names = [field.name for field in dataclasses.fields(value)]
    fields = {name: _describe(getattr(value, name), _joined(path, name), arrays) for name in names}
    return None if None in fields.values() else {"law": type(value).__name__, "fields": fields}


def _rebuilt(described: dict[str, Any], path: str, arrays: dict[str, np.ndarray]) -> Any:
    if "value" in described:
        return described["value"]
    if "plain" in described:
        return arrays[path] if described["plain"] else jnp.asarray(arrays[path])
    if "laws" in described:
        return Assignment(arrays[path], described["laws"])
    if "items" in described:
        return tuple(_rebuilt(x, _joined(path, str(i)), arrays) for i, x in enumerate(described["items"]))
    law = object.__new__(_KNOWN[described["law"]])
    names = {field.name for field in dataclasses.fields(law)}
    if names != described["fields"].keys():
        raise ValueError(f"its {described['law']} has {sorted(described['fields'])}, not {sorted(names)}")
    for name, field in described["fields"].items():
        object.__setattr__(law, name, _rebuilt(field, _joined(path, name), arrays))
    return law


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _name(path: KeyPath) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _numbers(law: PyTree) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(law)
    kinds = jax.Array | np.ndarray | np.generic | float | complex
    return [(_name(path), leaf) for path, leaf in leaves if isinstance(leaf, kinds)]


def _as_saved(saved: np.ndarray, like: ArrayLike) -> Any:
    return saved.item() if isinstance(like, float | complex) and saved.ndim == 0 else jnp.asarray(saved)
