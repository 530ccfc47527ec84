"""The reservoir of an estimator, drawn for its inputs where none is given."""

import jax
import numpy as np

from .._core import arguments
from ..reservoirs import NetworkReservoir, SeriesResponse


def reservoir_for(given: NetworkReservoir | None, inputs: int, seed: int) -> NetworkReservoir:
    """The reservoir that was given, or one that is drawn; a `ValueError` if it has other inputs."""
    if given is None:
        return NetworkReservoir.drawn(inputs, seed)
    arguments.one_of(NetworkReservoir)("reservoir", given)
    if given.inputs != inputs:
        raise ValueError(f"the reservoir has {given.inputs} inputs, and series have {inputs}.")
    return given


def respond(
    reservoir: NetworkReservoir, series: np.ndarray, seed: int, **onwards: object
) -> SeriesResponse:
    """What the reservoir answers, with the key of a seed for a law that draws."""
    return reservoir.run(series, key=jax.random.key(seed), **onwards)  # pyright: ignore[reportArgumentType]
