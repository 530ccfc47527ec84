"""Where the data sets are, and what is said when they are not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .._core import arguments


@arguments.checked(folder=arguments.path)
def data_folder(folder: str | Path | None = None) -> Path:
    """Returns the folder of the data sets: the argument, or else the environment variable `JAXNN_DATA`.

    Raises a `ValueError` where neither names a folder that exists.

    ```python
    folder = jaxnn.data.data_folder(".")
    folder.is_dir()  # True
    ```
    """
    chosen = folder or os.environ.get("JAXNN_DATA")
    if not chosen:
        raise ValueError(
            "no data folder: give it as an argument, or set JAXNN_DATA to the folder of the data sets."
        )
    path = Path(chosen)
    if not path.is_dir():
        raise ValueError(f"the data folder {path} does not exist or is no folder.")
    return path


def set_folder(folder: str | Path | None, *names: str) -> Path:
    """The folder of one data set: the first of `names` in the data folder, or else that folder itself."""
    base = data_folder(folder)
    return next((base / name for name in names if (base / name).is_dir()), base)


@contextlib.contextmanager
def reading(path: Path, source: str, suffixes: str = "") -> Iterator[None]:
    """Around a parser of others, which says of a damaged file whatever it stumbles upon.

    **Raises:** `ValueError` that names the file; one that does so already passes as it is.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise
        what = str(error) or type(error).__name__
        raise ValueError(f"{path}{suffixes} is damaged: {what}. Get it again from {source}.") from error


def find(folder: Path, names: tuple[str, ...], source: str) -> Path:
    """The first of several files that is there; else a `ValueError` that says where to get it."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{' or '.join(names)} is missing in {folder}: get it from {source}.")
