"""Settings that every test runs under: shapes checked, float64 on, no silent promotion."""

import importlib.util


if importlib.util.find_spec("beartype"):
    # Before anything imports jaxnn: the hook checks every annotated shape at run time.
    from jaxtyping import install_import_hook

    install_import_hook(["jaxnn", "jaxnn_kernels"], "beartype.beartype")

import itertools
import os
import warnings

import jax
import jax.random as jr
import matplotlib
import pytest

import jaxnn


with warnings.catch_warnings(action="ignore"):
    if not jaxnn.kernels.is_compiled():
        # Installed without a C++ compiler: XLA solves, and need not say so in every process of the tests.
        os.environ["JAXNN_SOLVE"] = "xla"

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
matplotlib.use("agg")
jaxnn.keep_programs(10_000)  # tests share programs, in any order


@pytest.fixture
def getkey():
    """A fresh random key at every call, the same in every run."""
    counter = itertools.count()
    return lambda: jr.key(next(counter))
