"""Numbers that can be right but are more likely a slip: of a unit, of a sign, of an order."""

import numpy as np

from .arrays import concrete
from .numerical_warning import warn_user


# Far beyond what junctions of wires have.
_LARGEST_CONDUCTANCE = 1e3  # [S]
# Times as large as all wires together, beyond which a pad is not meant.
_LARGEST_PAD = 1e3


class ImplausibleWarning(UserWarning):
    """A warning of a parameter that is most likely not what was meant; the figure is in the message.

    ```python
    import warnings

    warnings.simplefilter("error", jaxnn.ImplausibleWarning)
    ```
    """


def warn_implausible(message: str) -> None:
    """Warns where the user's code called the library."""
    warn_user(message, ImplausibleWarning)


def check_conductance(name: str, value: object) -> None:
    """Warns of a conductance that looks like a resistance."""
    array = concrete(value)
    if array is not None and array.size and np.max(array) > _LARGEST_CONDUCTANCE:
        largest = float(np.max(array))
        warn_implausible(
            f"{name} is {largest:g} S, a resistance of {1 / largest:.3g} ohm. If {largest:g} ohm is meant, "
            f"give its inverse, {1 / largest:.4g}."
        )


def check_deviation(name: str, value: object) -> None:
    """Warns of a relative deviation that looks like per cent."""
    array = concrete(value)
    if array is not None and array.size and np.max(array) > 1:
        largest = float(np.max(array))
        warn_implausible(
            f"{name} is {largest:g}, a deviation of {100 * largest:g} %. If {largest:g} % is meant, give "
            f"{largest / 100:g}."
        )


def check_on_above_off(on: object, off: object) -> None:
    """Warns of a junction that conducts less when it is on than when it is off."""
    high, low = concrete(on), concrete(off)
    if high is None or low is None:
        return
    swapped = np.broadcast_arrays(high, low)
    wrong = swapped[1] > swapped[0]
    if np.any(wrong):
        warn_implausible(
            f"off_conductance is {swapped[1][wrong][0]:g} S and on_conductance {swapped[0][wrong][0]:g} S: "
            "a junction that is switched on conducts less. Are the two swapped?"
        )


def check_wires_in_box(length: float, sides: tuple[float, float]) -> None:
    """Warns of wires far longer than the box that they lie in."""
    if length > 10 * max(sides):
        warn_implausible(
            f"wires of {length:g} m lie in a box of {sides[0]:g} x {sides[1]:g} m, "
            f"{length / max(sides):.3g} times its side: lengths are in metres, 10 um is 10e-6."
        )


def check_pad_size(size: float, reach: float, touched: int) -> None:
    """Warns of a pad that is far larger than the network that lies under it."""
    if touched > 1 and reach > 0 and size > _LARGEST_PAD * reach:
        warn_implausible(
            f"a pad of {size:g} m, in touch with {touched} wires, is {size / reach:.3g} times "
            f"as large as all wires together ({reach:g} m): rectangles are in metres, 10 um is 10e-6."
        )
