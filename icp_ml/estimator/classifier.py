"""ICPClassifier: the additive model as a scikit-learn classifier on raw mixed-type DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from icp_ml._optional import require
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables
from icp_ml.estimator.frames import as_frame, column_kind, delimiters_for, to_arrow
from icp_ml.estimator.pair_tables import MOST_PAIRS


class ICPClassifier(ClassifierMixin, BaseEstimator):
    """Additive LightGBM and a smooth ridge on frozen bins: accurate on small tables, and exactly readable.

    Every column becomes small integer codes; every tree uses one column, and so does every coefficient of the
    ridge; the fitted model is one table of contributions per term, and one per pair of the few that earn their
    place, of which half belongs to each of its terms: `contributions(X).sum(axis=1) + base_ == decision_function(X)`.

    Parameters
    ----------
    learning_rate : float, default=0.1
    max_rounds : int, default=400
        Most boosting rounds; the number used is cross-validated.
    bags : int, default=25
        Bootstrap refits that are averaged; their spread gives the intervals.
    folds : int, default=5
        Folds for choosing rounds, for calibration, and for category statistics.
    max_bins : int, default=24
        Most bins of a numeric column.
    min_count : int, default=5
        Rows a category or token needs to stand alone.
    max_tokens : int, default=200
        Most tokens one fit uses per token-set column; of a larger set each fold, bag and the whole fit take their own,
        by the rows they are fitted on, and the model keeps what the whole fit or half of the bags took.
    max_pairs : int, default=10
        Most pairs of columns (or tokens) that may say something together; only those that improve the log-loss of
        rows they did not see are kept, and 0 asks for none.
    token_delimiters : dict of str to str, optional
        Column -> what separates its tokens. Undeclared strings split only on ``;`` and ``|``.
    random_state : int, RandomState or None, default=None
    n_jobs : int or None, default=None
        Fits run at once; the result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    tables_ : ScoringTables
        The model.
    terms_ : list of str
        Columns of `contributions`: one per column of X, one per token of a token-set column.
    pairs_ : list of (str, str)
        The pairs of terms kept, if any.
    base_ : float
        Log-odds of the average training row.
    rounds_ : int
        Cross-validated number of rounds.
    calibration_ : Calibration
        Slope and intercept already folded into the tables.
    out_of_bag_ : ndarray of shape (n_samples,)
        Calibrated log-odds of the training rows by bags that did not draw them, mixed with the ridge out of fold.
    boosters_ : tuple of str
        LightGBM's text of each bag, for audit.
    ridge_ : str
        The ridge's tables before mixing, as JSON, for audit.
    ridge_share_ : float
        What the ridge counts for in the tables; the boosters count for the rest.

    Examples
    --------
    >>> import pandas as pd
    >>> from icp_ml import ICPClassifier
    >>> X = pd.DataFrame({"employees": [20, 300] * 40, "industry": ["retail", "software"] * 40})
    >>> model = ICPClassifier(random_state=0).fit(X, [0, 1] * 40)
    >>> bool(model.predict_proba(X)[1, 1] > 0.8)
    True
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        max_rounds: int = 400,
        bags: int = 25,
        folds: int = 5,
        max_bins: int = 24,
        min_count: int = 5,
        max_tokens: int = 200,
        max_pairs: int = 10,
        token_delimiters: Mapping[str, str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_rounds = max_rounds
        self.bags = bags
        self.folds = folds
        self.max_bins = max_bins
        self.min_count = min_count
        self.max_tokens = max_tokens
        self.max_pairs = max_pairs
        self.token_delimiters = token_delimiters
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        """Say what inputs are taken."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Numbers, booleans, strings or categoricals, token sets (lists, or delimited strings); missing
            values anywhere.
        y : array of shape (n_samples,)
            Two classes.
        sample_weight : array of shape (n_samples,), optional
        groups : array of shape (n_samples,), optional
            Rows of a group are kept together in every internal split, bag and statistic.

        Raises
        ------
        ValueError
            A parameter is out of range, y has not two classes, or lengths differ.
        TypeError
            A column holds values of a type that cannot be encoded.
        """
        params = self._params()
        frame = self._frame(X, reset=True)
        if y is None:
            msg = f"{type(self).__name__} requires y to be passed, but the target y is None"
            raise ValueError(msg)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        check_consistent_length(frame, y)
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            found = f"{len(self.classes_)} classes" if len(self.classes_) > 1 else f"1 class ({self.classes_[0]!r})"
            kind = type_of_target(y)
            msg = f"Only binary classification is supported; the target is of type {kind} and has {found}"
            raise ValueError(msg)
        weight = _check_sample_weight(sample_weight, frame, dtype=np.float64, ensure_non_negative=True)
        if len(np.unique(target[weight > 0])) < 2:
            msg = "y has one class left once rows of zero sample_weight are dropped; both classes are needed"
            raise ValueError(msg)
        group = None
        if groups is not None:
            check_consistent_length(frame, groups)
            if pd.isna(np.asarray(groups)).any():
                msg = "groups has missing values; give rows that belong to no group a name of their own"
                raise ValueError(msg)
            group = np.unique(np.asarray(groups), return_inverse=True)[1]
        delimiters = delimiters_for(list(frame.columns), self.token_delimiters)
        self._kinds = {c: column_kind(frame[c], delimiters[c]) for c in frame.columns}
        specs = [FieldSpec(c, kind) for c, kind in self._kinds.items()]
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31 - 1)
        fitted = fit_tables(
            self._columns(frame),
            specs,
            target.astype(np.float64),
            weight=weight,
            groups=group,
            params=params,
            seed=int(seed),
            n_jobs=self.n_jobs,
        )
        self.tables_ = fitted.tables
        self.terms_ = [term.name for term in fitted.tables.terms]
        self.pairs_ = [(self.terms_[pair.first], self.terms_[pair.second]) for pair in fitted.tables.pairs]
        self.base_ = fitted.tables.base
        self.rounds_ = fitted.rounds
        self.calibration_ = fitted.calibration
        self.out_of_bag_ = fitted.out_of_bag
        self.boosters_ = fitted.boosters
        self.ridge_ = fitted.ridge
        self.ridge_share_ = fitted.ridge_share
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """Return calibrated log-odds of `classes_[1]`, shape (n_samples,)."""
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        return self.tables_.log_odds(self.tables_.encode(self._columns(frame), len(frame)))

    def predict_proba(self, X: Any) -> FloatArray:
        """Return probabilities of shape (n_samples, 2): the sigmoid of `decision_function`."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the likelier class of each row."""
        log_odds = self.decision_function(X)
        likelier: npt.NDArray[Any] = np.asarray(self.classes_)[(log_odds > 0).astype(int)]
        return likelier

    def contributions(self, X: Any) -> pd.DataFrame:
        """Return what each term adds to the log-odds of each row, with half of each pair it is in.

        Returns
        -------
        DataFrame of shape (n_samples, len(terms_))
            Same index as X. Rows sum, with `base_`, to `decision_function(X)`.
        """
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        codes = self.tables_.encode(self._columns(frame), len(frame))
        return pd.DataFrame(self.tables_.contributions(codes), columns=self.terms_, index=frame.index)

    def explain(self, X: Any) -> Any:
        """Return the contributions as a `shap.Explanation`, for shap's own plots; needs the extra `shap`.

        Nothing is estimated: the contributions are the interventional SHAP values, on a background in which every
        column varies by itself as it does among the training rows.

        Raises
        ------
        MissingDependencyError
            shap is not installed.
        """
        shap = require("shap", extra="shap", purpose="a shap.Explanation")
        contributions = self.contributions(X)
        frame = self._frame(X, reset=False)
        data = np.empty(contributions.shape, dtype=object)
        for j, term in enumerate(self.tables_.terms):
            listed = term.encoding.kind == "tokens"  # shap's plots take no lists
            data[:, j] = frame[term.field].map(str) if listed else frame[term.field].to_numpy(dtype=object)
        base = np.full(len(contributions), self.base_)
        return shap.Explanation(contributions.to_numpy(), base, data=data, feature_names=self.terms_)

    def _params(self) -> FitParams:
        limits = {
            "max_rounds": (1, 10_000),
            "bags": (2, 1000),
            "folds": (2, 50),
            "max_bins": (2, 250),
            "min_count": (1, 10**9),
            "max_tokens": (1, 10_000),
            "max_pairs": (0, MOST_PAIRS),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or not least <= int(value) <= most:
                msg = f"{name} = {value!r}: must be an integer from {least} to {most}"
                raise ValueError(msg)
        if isinstance(self.random_state, Integral) and self.random_state < 0:
            msg = f"random_state = {self.random_state!r}: must not be negative"
            raise ValueError(msg)
        if not isinstance(self.learning_rate, (int, float)) or not 0 < self.learning_rate <= 1:
            msg = f"learning_rate = {self.learning_rate!r}: must be a number above 0 and at most 1"
            raise ValueError(msg)
        boosting = BoostingParams(
            learning_rate=self.learning_rate, max_rounds=self.max_rounds, bags=self.bags, folds=self.folds
        )
        return FitParams(
            boosting,
            max_bins=self.max_bins,
            min_count=self.min_count,
            max_tokens=self.max_tokens,
            max_pairs=self.max_pairs,
        )

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Check names and shape as scikit-learn does, without turning columns into one matrix."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if X.shape[0] < 1 or X.shape[1] < 1:
                what = "sample(s)" if X.shape[0] < 1 else "feature(s)"
                name = type(self).__name__
                msg = f"Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required by {name}."
                raise ValueError(msg)
        else:
            X = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
            validate_data(self, X, reset=reset, skip_check_array=True)
        if reset and len(X) < 2:
            msg = f"n_samples={len(X)}: at least 2 samples are needed, one of each class"
            raise ValueError(msg)
        return as_frame(X, None)

    def _columns(self, frame: pd.DataFrame) -> dict[str, pa.Array]:
        delimiters = self.token_delimiters or {}
        return {c: to_arrow(frame[c], kind, delimiters.get(c)) for c, kind in self._kinds.items()}
