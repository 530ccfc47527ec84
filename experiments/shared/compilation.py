"""How quick modes compile: quickly."""

import os

import jax
from jax._src import xla_bridge  # pyright: ignore[reportPrivateImportUsage]


def compile_quickly(optimise: bool = False) -> None:
    """Compiles in half the time or less, to slower programs. Call it before JAX is first used.

    - `optimise`: a little, where running slow programs would take longer than compiling better ones.

    Raises a `RuntimeError` where JAX has been used, as an array among a module's constants does.
    """
    if xla_bridge.backends_are_initialized():
        raise RuntimeError("compile_quickly() comes too late: make no array before it is called.")
    flags = [os.environ.get("XLA_FLAGS", "")]
    if optimise:
        flags += ["--xla_backend_optimization_level=1", "--xla_llvm_disable_expensive_passes=true"]
    else:
        jax.config.update("jax_disable_most_optimizations", True)
    # The older generator of fused loops compiles faster. XLA ends the process at a flag that it does not
    # know, so that only versions that have this one are given it.
    if jax.__version_info__[:2] == (0, 10):
        flags.append("--xla_cpu_use_fusion_emitters=false")
    os.environ["XLA_FLAGS"] = " ".join(flags)
