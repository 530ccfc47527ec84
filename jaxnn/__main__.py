"""`python -m jaxnn`."""

from ._sweep._cli import entry


entry()
