"""Compiled programs kept on disk, so that a program compiles the first time only."""

import os
from pathlib import Path

import jax


# XLA reads this when it is loaded. Its CPU compiler notes two preferences of its own tuning beside each
# program ("prefer-no-gather"), and reports them as missing from the machine when it loads one. Errors
# that matter are raised.
QUIET = ("TF_CPP_MIN_LOG_LEVEL", "3")


def cache_folder() -> Path:
    """`JAX_COMPILATION_CACHE_DIR`, or `jaxnn` in the user's folder of caches."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", home / "jaxnn"))


def keep_compiled() -> Path:
    """Switches JAX's persistent compilation cache on.

    A program is found again if the network, the shapes, the code and JAX's version are the same.

    ```python
    folder = jaxnn.keep_compiled()  # before the first simulation
    folder.is_dir()
    ```
    """
    folder = cache_folder()
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder
