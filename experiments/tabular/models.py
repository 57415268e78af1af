"""Every model that is compared, each tuned inside the rows that it is trained on.

What has settings chooses them by a validation share of the training rows (the networks' learning rate and best step;
the trees' depth of detail; the ridge's penalty by leaving rows out) and none sees a test row. Missing inputs are the
medians of the training rows for all of them.

Axes: R rows, I inputs, T targets.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:  # it takes a second, and only training needs it
    from nalu.sklearn import NALURegressor

VALIDATION = 0.15
STARTS = 2
RATES = (3e-3, 1e-2)
STEPS = 1200
OURS = "NALURegressor"
MLP = "MLP"
PLAIN = {"mean": "mean", "linear": "linear", "power law": "power_law"}
CELLS = {"NAC": "nac", "NALU": "nalu", "NPU": "npu"}
NAMES = (*PLAIN, "boosted trees", "extra trees", MLP, *CELLS, "NALU + trees", OURS)
FURTHER = ("quadratic", "Gaussian process")


def predict(
    name: str, x_RI: np.ndarray, y_RT: np.ndarray, test_RI: np.ndarray, *, seed: int, steps: int = STEPS
) -> np.ndarray:
    """Trains a model on rows and returns what it predicts for others, `[R, T]`.

    The models of scikit-learn run on one thread: more gain little on a few thousand rows, and on a busy machine the
    threads of the trees spend their time waiting for one another.

    Args:
      seed: of starts, draws and validation shares.
      steps: of a cell's training.
    """
    from sklearn.impute import SimpleImputer

    filled = SimpleImputer(strategy="median", keep_empty_features=True).fit(x_RI)
    x_RI, test_RI = filled.transform(x_RI), filled.transform(test_RI)
    with threadpool_limits(1):
        predicted = _fit(name, x_RI, y_RT, seed, steps)(test_RI)
    return np.reshape(predicted, (len(test_RI), y_RT.shape[1]))


def regressor(name: str, *, seed: int, steps: int = STEPS) -> "NALURegressor":
    """Returns the estimator behind a cell's column, or the default one."""
    from nalu.sklearn import NALURegressor

    settings: dict[str, Any] = {"steps": steps, "random_state": seed}
    if name == OURS:
        return NALURegressor(**settings)
    if name == "NALU + trees":
        return NALURegressor("nalu", trees=True, **settings)
    return NALURegressor(CELLS[name], trees=False, **settings)


def _fit(name: str, x_RI: np.ndarray, y_RT: np.ndarray, seed: int, steps: int) -> Any:
    """Returns the function from inputs to predictions."""
    match name:
        case "mean" | "linear" | "power law":
            return _plain(PLAIN[name], x_RI, y_RT)
        case "quadratic":
            return _quadratic().fit(x_RI, y_RT).predict
        case "boosted trees":
            return _boosted(x_RI, y_RT, seed)
        case "extra trees":
            return _extra(x_RI, y_RT, seed)
        case "MLP":
            return _mlp(x_RI, y_RT, seed)
        case "Gaussian process":
            return _gaussian_process(x_RI, y_RT, seed)
    fitted = regressor(name, seed=seed, steps=steps).fit(x_RI, y_RT if y_RT.shape[1] > 1 else y_RT[:, 0])

    from nalu.sklearn import ExtrapolationWarning

    def quietly(test_RI: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExtrapolationWarning)  # that it is outside is what is asked here
            return fitted.predict(test_RI)

    return quietly


def _quadratic() -> Any:
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    from nalu.sklearn.plain import PENALTIES

    ridge = RidgeCV(alphas=PENALTIES, alpha_per_target=True)
    return make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler(), ridge)


def _plain(name: str, x_RI: np.ndarray, y_RT: np.ndarray) -> Any:
    """A plain model of the library's; where a table has no power law, the linear model stands in."""
    from nalu.sklearn import plain
    from nalu.sklearn.rows import distinct

    rows = distinct(x_RI, y_RT, np.ones(len(x_RI)))
    return (getattr(plain, name)(rows) or plain.linear(rows)).predict


def _boosted(x_RI: np.ndarray, y_RT: np.ndarray, seed: int) -> Any:
    """Boosted trees, a forest a target; detail and number of rounds by validation, then fitted to all rows."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    generator = np.random.default_rng((seed, 11))
    held = generator.permutation(len(x_RI))[: max(1, int(VALIDATION * len(x_RI)))]
    kept = np.setdiff1d(np.arange(len(x_RI)), held)
    forests = []
    for y_R in y_RT.T:
        best, least = None, np.inf
        for leaf in (4, 10, 25):
            options = {"learning_rate": 0.06, "min_samples_leaf": leaf, "random_state": seed, "early_stopping": False}
            tried = HistGradientBoostingRegressor(max_iter=300, **options).fit(x_RI[kept], y_R[kept])
            errors = [np.abs(each - y_R[held]).mean() for each in tried.staged_predict(x_RI[held])]
            if min(errors) < least:
                best, least = {**options, "max_iter": int(np.argmin(errors)) + 1}, min(errors)
        forests.append(HistGradientBoostingRegressor(**best).fit(x_RI, y_R))
    return lambda test_RI: np.column_stack([forest.predict(test_RI) for forest in forests])


def _extra(x_RI: np.ndarray, y_RT: np.ndarray, seed: int) -> Any:
    """Extra trees; the smallest leaf by the rows that each tree was not grown on."""
    from sklearn.ensemble import ExtraTreesRegressor

    best, most = None, -np.inf
    y = y_RT if y_RT.shape[1] > 1 else y_RT[:, 0]
    for leaf in (1, 2, 5):
        forest = ExtraTreesRegressor(200, min_samples_leaf=leaf, bootstrap=True, oob_score=True, random_state=seed)
        forest.fit(x_RI, y)
        if forest.oob_score_ > most:
            best, most = leaf, forest.oob_score_
    return ExtraTreesRegressor(200, min_samples_leaf=best, random_state=seed).fit(x_RI, y).predict


def _mlp(x_RI: np.ndarray, y_RT: np.ndarray, seed: int) -> Any:
    """Two hidden layers of 64, as many starts and rates as the cells have, stopped and chosen by validation."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    of_x, of_y = StandardScaler().fit(x_RI), StandardScaler().fit(y_RT)
    x, y = of_x.transform(x_RI), of_y.transform(y_RT)
    batch = min(128, len(x) - int(VALIDATION * len(x)) - 1)
    chosen = []
    for start in range(STARTS):
        tried = []
        for rate in RATES:
            network = MLPRegressor(
                hidden_layer_sizes=(64, 64), learning_rate_init=rate, batch_size=batch, max_iter=300,
                early_stopping=True, validation_fraction=VALIDATION, n_iter_no_change=30,
                random_state=(seed + start) % 2**32,
            )  # fmt: skip
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                tried.append(network.fit(x, y if y.shape[1] > 1 else y[:, 0]))
        chosen.append(max(tried, key=lambda network: network.best_validation_score_))

    def predicted(test_RI: np.ndarray) -> np.ndarray:
        each = [np.reshape(network.predict(of_x.transform(test_RI)), (len(test_RI), -1)) for network in chosen]
        return of_y.inverse_transform(np.mean(each, axis=0))

    return predicted


def _gaussian_process(x_RI: np.ndarray, y_RT: np.ndarray, seed: int) -> Any:
    """A Gaussian process with a length for each input and noise, by likelihood, on at most 300 rows."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.preprocessing import StandardScaler

    drawn = np.random.default_rng((seed, 13)).permutation(len(x_RI))[:300]
    of_x, of_y = StandardScaler().fit(x_RI), StandardScaler().fit(y_RT)
    kernel = ConstantKernel() * RBF(np.ones(x_RI.shape[1]), (1e-2, 1e4)) + WhiteKernel(1e-3, (1e-8, 1e1))
    process = GaussianProcessRegressor(kernel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(of_x.transform(x_RI[drawn]), of_y.transform(y_RT[drawn]))

    def predicted(test_RI: np.ndarray) -> np.ndarray:
        return of_y.inverse_transform(np.reshape(process.predict(of_x.transform(test_RI)), (len(test_RI), -1)))

    return predicted
