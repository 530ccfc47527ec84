"""Compiled programs kept on disk, so that a script compiles the first time only.

Import this before JAX.
"""

import os
from pathlib import Path


# XLA reads this when it is loaded. Its CPU compiler notes two preferences of its own tuning beside each
# program ("prefer-no-gather"), and reports them as missing from the machine when it loads one. Errors
# that matter are raised.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax


def keep_compiled() -> Path:
    """Switch JAX's persistent compilation cache on; `JAX_COMPILATION_CACHE_DIR` names another folder.

    A program is found again if the network, the shapes, the code and JAX's version are the same.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", home / "jaxnn"))
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder
