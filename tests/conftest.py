"""Settings that every test runs under: shapes checked, float64 on, no silent promotion."""

import gc
import importlib.util
import itertools
import os
import warnings
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The settings, in the processes that run tests: one that hands them to others waits for none of it."""
    if config.getoption("dist", "no") != "no":
        return
    if importlib.util.find_spec("beartype"):
        # Before anything imports jaxnn: the hook checks every annotated shape at run time.
        from jaxtyping import install_import_hook

        install_import_hook(["jaxnn", "jaxnn_kernels"], "beartype.beartype")

    import jax
    import matplotlib

    import jaxnn

    with warnings.catch_warnings(action="ignore"):
        if not jaxnn.kernels.is_compiled():
            # Installed without a C++ compiler: XLA solves, and need not say so in every process of tests.
            os.environ["JAXNN_SOLVE"] = "xla"
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    matplotlib.use("agg")
    jaxnn.keep_programs(10_000)  # tests share programs, in any order


@pytest.fixture
def getkey():
    """A fresh random key at every call, the same in every run."""
    import jax.random as jr

    counter = itertools.count()
    return lambda: jr.key(next(counter))


# A process may have 65,530 pieces of memory (Linux), of which a program takes some thirty: beyond, it ends.
MOST_PIECES = 40_000
PIECES = Path("/proc/self/maps")


@pytest.fixture(autouse=True, scope="module")
def room_for_programs():
    """Programs are given up after the file that fills a process with them."""
    yield
    import jax

    import jaxnn

    if PIECES.is_file() and PIECES.read_bytes().count(b"\n") > MOST_PIECES:
        jaxnn.keep_programs(1)
        jaxnn.keep_programs(10_000)
        jax.clear_caches()
        gc.collect()
