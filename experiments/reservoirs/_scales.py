"""The laws of the table with the numbers of their papers, and the voltage and the time of each."""

import math
from typing import NamedTuple

import jaxnn
from jaxnn import parameters


class Scale(NamedTuple):
    """A law with its own voltage and time: where it begins to switch, and how long that takes."""

    law: jaxnn.AbstractJunction
    volts: float  # [V] of a junction
    seconds: float  # [s]
    said: str  # where both come from
    explicit: bool = False  # whether its steps are Euler's, and to be trusted up to a tenth of a state
    steps: int = 8  # of time in a sample
    networks: int | None = None  # at most so many seeds


def scales() -> dict[str, Scale]:
    """The laws; volts and seconds follow from the numbers of their papers alone."""
    return {
        "threshold flux, tunnelling": _threshold_flux(),
        "rate balance": _rate_balance(),
        "linear drift, Biolek's window": _linear_drift(),
        "decaying drift": _decaying_drift(),
        "voltage thresholds": _voltage_thresholds(),
        "generalised memristor": _generalised(),
        "metastable switches": _switches(),
        "dynamic memristor (assumed numbers)": _dynamic(),
    }


def _threshold_flux() -> Scale:
    law = parameters.hochstetter2021_ac()
    volts, flux = float(law.set_voltage), float(law.critical_flux)
    return Scale(law, volts, flux / volts, "set voltage; critical flux over it", True, 80)


def _rate_balance() -> Scale:
    law = parameters.milano2022_connectome()
    ratio = math.log(float(law.decay_rate / law.growth_rate))
    volts = ratio / float(law.growth_sensitivity + law.decay_sensitivity)
    return Scale(law, volts, 1 / float(law.decay_rate), "growth as fast as decay; decay at 0 V")


def _linear_drift() -> Scale:
    law = parameters.strukov2008(jaxnn.BiolekWindow(2))
    ratio = float(law.off_resistance / law.on_resistance)
    first = float(law.start) + ratio * (1 - float(law.start))  # resistance, in the smallest
    seconds = float(law.thickness**2 / law.mobility) * first
    return Scale(law, 1.0, seconds, "1 V; the way at first", True, 20)


def _decaying_drift() -> Scale:
    law = parameters.kasdorf2025()
    growth = float(law.mobility * law.on_resistance / law.thickness**2 / law.off_resistance)
    seconds = float(law.decay_time)
    return Scale(law, 1 / growth / seconds, seconds, "drift as fast as decay; decay", steps=32)


def _voltage_thresholds() -> Scale:
    law = parameters.kvatinsky2015()
    over = float(law.on_threshold / law.off_threshold) - 1
    seconds = float(law.thickness / law.off_speed) / over
    return Scale(law, float(law.on_threshold), seconds, "larger threshold; the way at it")


def _generalised() -> Scale:
    law = parameters.yakopcic2013()
    volts = float(law.positive_threshold)
    seconds = 1 / float(law.growth_rate) / (math.exp(2 * volts) - math.exp(volts))
    return Scale(law, volts, seconds, "threshold; the way at twice it", True, 4)


def _switches() -> Scale:
    law = parameters.nugent2014()
    return Scale(law, float(law.on_barrier), float(law.switching_time), "barrier; switching time")


def _dynamic() -> Scale:
    law = jaxnn.DynamicMemristorJunction()
    steep = 1 / float(law.growth_rate * law.decay_time)
    volts = math.asinh(steep) / float(law.growth_slope)
    # Its currents take Newton's method, which runs for all networks until the last has come to rest.
    return Scale(law, volts, float(law.decay_time), "growth as fast as decay; decay", networks=1)
