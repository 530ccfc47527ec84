"""What is warned of where numbers may be wrong, and where the warning points."""

import sys
import warnings
from types import FrameType


# What stands between the library and the script that uses it.
_PASSED = ("jaxnn", "jaxnn_kernels", "jax", "equinox", "jaxtyping", "beartype", "sklearn", "joblib")


class NumericalWarning(UserWarning):
    """A warning of a run whose numbers should be looked at before they are believed.

    ```python
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", jaxnn.NumericalWarning)
        jaxnn.simulate(network, law, jaxnn.Sine(5.0, 20.0), **setup)
    caught[0].category is jaxnn.NumericalWarning  # True
    ```
    """


def warn_user(message: str, category: type[Warning] = NumericalWarning) -> None:
    """Warns where the user's code called the library, however deep in it this is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_passed(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_passed(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in _PASSED
