"""Where the data sets are, and what is said when they are not there."""

import os
from pathlib import Path


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


def find(folder: Path, names: tuple[str, ...], source: str) -> Path:
    """The first of several files that is there; else a `ValueError` that says where to get it."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{' or '.join(names)} is missing in {folder}: get it from {source}.")
