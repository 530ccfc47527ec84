"""Compiled programs kept on disk, as the command line does.

Import this before JAX: it sets what XLA logs.
"""

import os


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from jaxnn._sweep._cache import keep_compiled as keep_compiled
