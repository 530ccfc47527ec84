"""The version, where it can be read without the rest."""

import importlib.metadata


try:
    # That of the installed distribution, which has it from the tag that it was built at.
    __version__ = importlib.metadata.version("jaxnn-neuromorphic")
except importlib.metadata.PackageNotFoundError:
    # A tree that runs by PYTHONPATH, with nothing installed.
    __version__ = "0+source"
