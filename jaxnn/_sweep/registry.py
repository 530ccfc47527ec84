"""What a specification may name: nothing else in it can be called."""

import functools as ft
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import parameters
from .._drives import Constant, OnThenOff, PulseTrain, Ramp, Samples, Sine, Square, Triangle
from .._junctions import OWN_LAWS
from .._networks import Network, farthest_pair, nanowire_network, pair_at, random_terminals
from .._observers import lyapunov_exponents
from .._simulation import simulate


def padded_network(fraction: float | int = 0.1, **settings: Any) -> Network:
    """A `nanowire_network` between two pads that cover `fraction` of its height each."""
    return nanowire_network(**settings).with_pads(fraction)


def pads(network: Network) -> tuple[int, int]:
    """The two pads of a `padded_network`."""
    return network.n_nodes - 2, network.n_nodes - 1


def saved_network(path: str) -> Network:
    """A network that `Network.save` wrote."""
    return Network.load(Path(path))


_WAVEFORMS = (Constant, OnThenOff, PulseTrain, Ramp, Samples, Sine, Square, Triangle)
_SETS = (
    "hochstetter2021_dc",
    "hochstetter2021_ac",
    "hochstetter2021_ac_deposited",
    "milano2022_connectome",
    "milano2022_pulses",
    "milano2022_reservoir",
    "strukov2008",
    "kasdorf2025",
    "kvatinsky2015",
    "yakopcic2013",
    "nugent2014",
)

REGISTRY: dict[str, dict[str, Callable[..., Any]]] = {
    "network": {
        "nanowire_network": nanowire_network,
        "padded_network": padded_network,
        "saved_network": saved_network,
    },
    "junction": {law.__name__: law for law in OWN_LAWS}
    | {name: getattr(parameters, name) for name in _SETS},
    "drive": {waveform.__name__: waveform for waveform in _WAVEFORMS},
    "terminals": {
        "farthest_pair": farthest_pair,
        "pair_at": pair_at,
        "random_terminals": random_terminals,
        "pads": pads,
    },
    "method": {"simulate": simulate, "lyapunov_exponents": lyapunov_exponents},
}


def registered(what: str, name: str, settings: dict[str, Any]) -> Any:
    """A registered junction or drive with its settings, or a network or terminals yet to be called."""
    made = REGISTRY[what][name]
    return made(**settings) if what in ("junction", "drive") else ft.partial(made, **settings)


def register_junction(name: str, make: Callable[..., Any]) -> None:
    """Lets specifications name a junction law: a class, or a function of numbers that returns one.

    ```python
    def slow_tunnel(boost=1.0):
        return jaxnn.TunnelJunction(boost=boost)

    jaxnn.register_junction("SlowTunnel", slow_tunnel)
    ```

    then stands in a module of yours, which `jaxnn sweep --import` names, and `kind = "SlowTunnel"` under
    `[junction]`. The parameters of `make` are the settings.

    Raises a `ValueError` for a name that another has, or that is no identifier.
    """
    _register("junction", name, make)


def register_drive(name: str, make: Callable[..., Any]) -> None:
    """Lets specifications name a drive: a class, or a function of numbers that returns one.

    As `jaxnn.register_junction`, for `kind` under `[drive]`; it raises the same.

    ```python
    jaxnn.register_drive("HalfSine", lambda amplitude: jaxnn.Sine(amplitude / 2, 1.0))
    ```
    """
    _register("drive", name, make)


def register_network(name: str, make: Callable[..., Any]) -> None:
    """Lets specifications name a network: a function of numbers, one of them `seed`, that returns one.

    As `jaxnn.register_junction`, for `kind` under `[network]`; it raises the same.

    ```python
    jaxnn.register_network("row", lambda n, seed=0: jaxnn.Network(n, [(i, i + 1) for i in range(n - 1)]))
    ```
    """
    _register("network", name, make)


def _register(what: str, name: str, make: Callable[..., Any]) -> None:
    if not isinstance(name, str) or not name.isidentifier() or not callable(make):
        raise ValueError(
            f"register_{what} takes a name, a Python identifier, and a class or function; got {name!r} and "
            f"{make!r}."
        )
    if REGISTRY[what].get(name, make) is not make:
        raise ValueError(f"There is a {what} {name!r} already; choose another name.")
    REGISTRY[what][name] = make
