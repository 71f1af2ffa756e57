"""The peers: every model a data scientist would reach for first, each with the preparation its own manual asks for.

A peer is a function (training frame, labels, test frame, seed) -> P(best) of the test rows. Frames hold numbers,
strings and token sets; all of a peer's preparation is fitted on the training rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

Peer = Callable[[pd.DataFrame, np.ndarray, pd.DataFrame, int], np.ndarray]
TOKEN_SHARE = 0.01
MISSING = "(missing)"


def expanded(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace token sets by a column of zeros and ones per token that at least five rows and 1 % hold."""
    out = []
    tokens = {c: _vocabulary(train[c]) for c in train if train[c].map(lambda v: isinstance(v, tuple)).any()}
    for frame in (train, test):
        plain = frame.drop(columns=list(tokens)).reset_index(drop=True)
        more = {f"{c}={t}": [np.nan if not isinstance(v, tuple) else float(t in v) for v in frame[c]]
                for c, names in tokens.items() for t in names}  # fmt: skip
        out.append(pd.concat([plain, pd.DataFrame(more, index=plain.index)], axis=1))
    return out[0], out[1]


def _vocabulary(column: pd.Series) -> list[str]:
    counts = Counter(token for cell in column if isinstance(cell, tuple) for token in set(cell))
    least = max(5, TOKEN_SHARE * len(column))
    return sorted(t for t, n in counts.items() if n >= least)


def _kinds(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    return numbers, [c for c in frame if c not in numbers]


def _categories(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, test = train.copy(), test.copy()
    for column in _kinds(train)[1]:
        levels = sorted({v for v in train[column] if v is not None and v == v})
        for frame in (train, test):
            frame[column] = pd.Categorical(frame[column], categories=levels)
    for frame in (train, test):
        frame.columns = [f"c{i}" for i in range(frame.shape[1])]
    return train, test


def lightgbm_defaults(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """LightGBM as it comes, categories native."""
    from lightgbm import LGBMClassifier

    A, B = _categories(*expanded(train, test))
    return LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1).fit(A, y).predict_proba(B)[:, 1]


def lightgbm_tuned(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int, trials: int = 50) -> np.ndarray:
    """LightGBM with 50 Optuna trials of five-fold log-loss, early stopping, categories native."""
    import lightgbm as lgb
    import optuna
    from sklearn.model_selection import StratifiedKFold

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    A, B = _categories(*expanded(train, test))
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(A, y))
    fixed = {"objective": "binary", "num_threads": 1, "verbose": -1, "seed": seed, "metric": "binary_logloss"}

    def objective(trial: optuna.Trial) -> float:
        chosen = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 2, 32, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 3, 60, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 30.0, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "bagging_freq": 1,
            "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 100.0, log=True),
            "cat_l2": trial.suggest_float("cat_l2", 1.0, 100.0, log=True),
            "min_data_per_group": trial.suggest_int("min_data_per_group", 5, 100, log=True),
        }
        data = lgb.Dataset(A, y, free_raw_data=False, params={**fixed, **chosen, "feature_pre_filter": False})
        run = lgb.cv({**fixed, **chosen}, data, 500, folds=folds, callbacks=[lgb.early_stopping(25, verbose=False)])
        losses = run["valid binary_logloss-mean"]
        trial.set_user_attr("rounds", len(losses))
        return float(min(losses))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=trials)
    best = {**fixed, **study.best_params, "bagging_freq": 1}
    rounds = study.best_trial.user_attrs["rounds"]
    return np.asarray(lgb.train(best, lgb.Dataset(A, y, params=best), rounds).predict(B))


def random_forest(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """500 trees on cross-fitted target encodings, medians for missing numbers."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import TargetEncoder

    A, B = expanded(train, test)
    numbers, strings = _kinds(A)
    A[strings], B[strings] = A[strings].fillna(MISSING), B[strings].fillna(MISSING)
    columns = make_column_transformer(
        (SimpleImputer(strategy="median", keep_empty_features=True), numbers),
        (TargetEncoder(random_state=seed), strings),
    )
    forest = RandomForestClassifier(500, min_samples_leaf=3, random_state=seed, n_jobs=1)
    return make_pipeline(columns, forest).fit(A, y).predict_proba(B)[:, 1]


def ridge_logistic(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Ridge logistic on quantile bins and one-hot values, penalty by five-fold log-loss."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    A, B = expanded(train, test)
    numbers, strings = _kinds(A)
    for column in numbers:
        known = A[column].dropna()
        edges = np.unique(known.quantile(np.linspace(0, 1, 9)[1:-1])) if len(known) else []
        for frame in (A, B):
            codes = np.searchsorted(edges, frame[column].to_numpy(), side="right").astype(str).astype(object)
            frame[column] = np.where(frame[column].isna(), MISSING, codes)
    A[strings], B[strings] = A[strings].fillna(MISSING), B[strings].fillna(MISSING)
    hot = OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist")
    model = LogisticRegressionCV(
        Cs=np.logspace(-3, 1, 9), cv=5, scoring="neg_log_loss", max_iter=2000, random_state=seed, l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )  # fmt: skip
    return make_pipeline(hot, model).fit(A, y).predict_proba(B)[:, 1]


def catboost_defaults(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """CatBoost as it comes, categories native."""
    from catboost import CatBoostClassifier

    A, B = expanded(train, test)
    strings = _kinds(A)[1]
    A[strings], B[strings] = A[strings].fillna(MISSING), B[strings].fillna(MISSING)
    model = CatBoostClassifier(random_seed=seed, thread_count=1, verbose=0, allow_writing_files=False)
    return model.fit(A, y, cat_features=strings).predict_proba(B)[:, 1]


def _ebm(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int, **more: object) -> np.ndarray:
    from interpret.glassbox import ExplainableBoostingClassifier

    A, B = expanded(train, test)
    strings = _kinds(A)[1]
    A[strings], B[strings] = A[strings].fillna(MISSING), B[strings].fillna(MISSING)
    return ExplainableBoostingClassifier(random_state=seed, n_jobs=1, **more).fit(A, y).predict_proba(B)[:, 1]


def ebm(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """EBM as it comes, with interactions."""
    return _ebm(train, y, test, seed)


def ebm_main(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """EBM without interactions."""
    return _ebm(train, y, test, seed, interactions=0)


def icp(train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, seed: int) -> np.ndarray:
    """ICPClassifier as it comes."""
    from icp_ml import ICPClassifier

    return ICPClassifier(random_state=seed, n_jobs=1).fit(train, y).predict_proba(test)[:, 1]


PEERS: Mapping[str, Peer] = {
    peer.__name__: peer
    for peer in (
        icp,
        lightgbm_defaults,
        random_forest,
        ridge_logistic,
        catboost_defaults,
        lightgbm_tuned,
        ebm_main,
        ebm,
    )
}
