"""What is warned of where numbers may be wrong."""


class NumericalWarning(UserWarning):
    """A run whose numbers should be looked at before they are believed."""
