"""Results of a sweep, read as they are needed."""

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import FilePath
from .store import STORE, Store


if TYPE_CHECKING:
    from xarray import DataArray as DataArray, Dataset as Dataset
else:
    # Annotations that are evaluated must not import xarray, which may be missing.
    DataArray = Dataset = Any


def require_store_libraries() -> None:
    """**Raises:** `ImportError` that says what to install, where xarray or zarr is missing."""
    for name in ("xarray", "zarr"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f"jaxnn.sweep keeps results with xarray and zarr, and {name} is not installed. They are "
                'optional dependencies of jaxnn (its extra "sweep"): '
                'pip install "xarray>=2024.7" "zarr>=3" "netcdf4>=1.7".',
                name=name,
            ) from error


def open_sweep(folder: FilePath) -> Dataset:
    """Opens the results in a folder as an `xarray.Dataset`, lazily; what is not computed yet is NaN or -1.

    `open_sweep(folder).to_netcdf(path)` writes them to one file. What is read is compared with the
    checksums that were written with it, a chunk when it is read.

    **Raises:** `FileNotFoundError` if there is no sweep; `ValueError` that names a file that is damaged or
    lost, for a chunk when it is read.

    ```python
    over = {"drive.amplitude": [0.1, 0.3]}
    jaxnn.sweep(network, law, drive, over=over, out="results", progress=False, **setup)
    jaxnn.open_sweep("results").final_conductance.shape  # (2,)
    ```
    """
    require_store_libraries()
    import xarray as xr

    from .checked import CheckedStore  # without zarr there is none

    store = Store(folder)
    attributes = store.attributes()
    if attributes is None:
        raise FileNotFoundError(f"There is no sweep in {folder}: it has no {STORE}.")
    is_whole = store.check_metadata()
    try:
        dataset = xr.open_zarr(CheckedStore(store.root), consolidated=False, chunks=None)
        # A folder lists its files in no order.
        first = list(attributes["specification"]["reductions"])
        return dataset[[*first, *sorted({str(name) for name in dataset.data_vars} - {*first})]]
    except Exception as error:
        # Of a store of an earlier version, which has no checksums, whatever a parser stumbles upon.
        if is_whole or isinstance(error, MemoryError):
            raise
        raise ValueError(
            f"{store.root} is damaged in one of its zarr.json: {error}. All chunks are kept: run the same "
            "sweep again, with the same arguments, and these files are written anew."
        ) from error


def summary_of(dataset: Dataset) -> dict[str, int]:
    """How many runs there are, are computed, and ended well, with too large a step, and in failure."""
    diagnosis = dataset["diagnosis"].values
    counts = {name: int(np.sum(diagnosis == code)) for name, code in _CODES.items()}
    return {"runs": diagnosis.size, "computed": int(np.sum(diagnosis >= 0)), **counts}


_CODES = {"successful": 0, "dt too large": 1, "failed": 2}
