"""`python -m jaxnn`."""

from ._command_line import entry


entry()
