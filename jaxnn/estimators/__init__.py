"""Reservoirs of networks as estimators of scikit-learn, for its pipelines, searches and scores.

Imported by itself, `import jaxnn.estimators`: scikit-learn is an optional dependency, the extra "data".
"""

try:
    import sklearn as _sklearn
except ImportError as error:
    raise ImportError(
        'jaxnn.estimators needs scikit-learn, an optional dependency of jaxnn (its extra "data"): '
        'pip install "scikit-learn>=1.6".'
    ) from error

from ._along import SeriesRegressor as SeriesRegressor
from ._features import SeriesFeatures as SeriesFeatures
from ._whole import SeriesClassifier as SeriesClassifier


del _sklearn
__all__ = ["SeriesClassifier", "SeriesFeatures", "SeriesRegressor"]
