"""The `powerlaw` package's view of a sample, beside ours."""

import warnings
from typing import Any

import numpy as np

from .._core import Numbers, arguments


@arguments.checked(sample=arguments.real(known=True), minimum=arguments.count(), maximum=arguments.count())
def compare_with_powerlaw(sample: Numbers, minimum: int | None = None, maximum: int | None = None) -> dict:
    """Returns what the `powerlaw` package makes of whole numbers between two cut-offs.

    Without `minimum` it takes the one with the least Kolmogorov-Smirnov distance (Clauset et al.). The
    result holds "exponent", "error", "minimum", "maximum", "distance" and, for each other law,
    "exponential", "lognormal" and "stretched_exponential", the pair (R, p): the log-likelihood of the
    power law less that of the other in units of its own spread, and the chance of so large an |R|
    if neither were better. Positive R with a small p speaks for the power law.

    Raises an `ImportError` without the package, jaxnn's extra "analysis".

    Source: Alstott et al., PLoS ONE 9, e85777 (2014).

    ```python
    sample = jaxnn.analysis.power_law_sample(2.0, 1, 30, 300, seed=0)
    found = jaxnn.analysis.compare_with_powerlaw(sample, 1, 30)
    found["exponent"]  # 1.82
    ```
    """
    try:
        import powerlaw
    except ImportError as error:
        raise ImportError(
            "compare_with_powerlaw needs powerlaw, an optional dependency of jaxnn (its extra "
            '"analysis"): pip install "powerlaw>=2".'
        ) from error
    values = np.asarray(sample)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # it warns of every trial range that has few data
        fit: Any = powerlaw.Fit(
            values,
            discrete=True,
            xmin=minimum,
            xmax=int(values.max()) if maximum is None else maximum,
            parameter_ranges={"alpha": [0.5, 8.0]},
            verbose=0,
        )
        law: Any = fit.power_law
        found = {
            "exponent": float(law.alpha),
            "error": float(law.sigma),
            "minimum": int(fit.xmin),
            "maximum": int(fit.xmax),
            "distance": float(law.D),
        }
        for other in ("exponential", "lognormal", "stretched_exponential"):
            ratio, p = fit.distribution_compare("power_law", other, normalized_ratio=True)
            found[other] = float(ratio), float(p)
    return found
