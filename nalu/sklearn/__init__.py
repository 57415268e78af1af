"""A scikit-learn regressor for tables of numbers that is made to extrapolate, and says by which formula.

    model = NALURegressor(random_state=0).fit(X, y)          # a DataFrame or an array, one target or several
    y, spread = model.predict(X_new, return_std=True)        # warns of rows beyond the range of training
    print(model.formula())                                   # "F = 6.674e-11 * m1 * m2 / r^2", or None

It needs scikit-learn, scipy and optax, which come with the extra `sklearn`; `import nalu` needs none of them.
"""

from nalu.sklearn.ranges import ExtrapolationWarning
from nalu.sklearn.regressor import NALURegressor

__all__ = ["ExtrapolationWarning", "NALURegressor"]
