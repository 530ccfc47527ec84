"""Quick modes: networks so small and runs so short that compiling is most of their time."""

import os

import jax


def compile_quickly() -> None:
    """Compiles in half the time or less, to slower programs. Call it before JAX is first used."""
    jax.config.update("jax_disable_most_optimizations", True)
    # The older generator of fused loops compiles faster. XLA ends the process at a flag that it does not
    # know, so that only versions that have this one are given it.
    if jax.__version_info__[:2] == (0, 10):
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_use_fusion_emitters=false"
