"""All parts of a model made of a hypothesis alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from icp_ml.evaluation import Evaluation
from icp_ml.exceptions import SettingsError
from icp_ml.scoring.lookalikes import Reference
from icp_ml.settings import Settings
from icp_ml.strategy.hypothesis import Hypothesis, read_hypothesis
from icp_ml.strategy.hypothesis_tables import hypothesis_parts
from icp_ml.strategy.overrides import apply_overrides, override_meanings
from icp_ml.strategy.refining import refine

NOT_JUDGED = "hypothesis"
VERDICT = (
    "Written by a person: no customer's outcome was looked at, so nothing says how good it is. Train on customers as "
    "soon as there are 20 best and 20 worst ones."
)


def model_parts(source: str | Path | Mapping[str, Any] | Hypothesis, settings: Settings) -> dict[str, Any]:
    """Return the arguments of `ICPModel`.

    Raises
    ------
    InputError, SettingsError
        See `ICPModel.from_hypothesis`.
    """
    hypothesis = source if isinstance(source, Hypothesis) else read_hypothesis(source)
    name = str(source) if isinstance(source, (str, Path)) else "hypothesis"
    for setting in ("filters", "signals"):
        if getattr(settings.profile, setting):
            msg = f"profile.{setting}: a hypothesis says itself what is a filter; remove it from the settings"
            raise SettingsError(msg)
    if settings.profile.new_market is not None:
        msg = (
            "profile.new_market: a market is compared with the core by customers, and a hypothesis has none; remove it"
        )
        raise SettingsError(msg)
    own = {f.name for f in settings.fields.custom}
    custom = (*settings.fields.custom, *(f for f in hypothesis.fields if f.name not in own))
    fields = {**settings.fields.model_dump(mode="json"), "custom": [f.model_dump(mode="json") for f in custom]}
    as_of = settings.as_of or hypothesis.as_of
    settings = settings.override(fields=fields, as_of=as_of.isoformat() if as_of else None)
    parts = hypothesis_parts(hypothesis, settings, name)
    meanings = override_meanings(settings, as_of)
    nobody = np.zeros(0, dtype=bool)
    tables = refine(parts.tables, [meaning for _, meaning in meanings], {}, nobody)
    tables, decided = apply_overrides(tables, meanings, hypothesis.log_odds_per_point)
    terms = len(tables.terms)
    return {
        "tables": tables,
        "cutoffs": parts.cutoffs,
        "support_threshold": 1.0,
        "reference": Reference(np.zeros((0, terms), dtype=np.uint16), (), "hypothesis"),
        "profile": replace(parts.profile, overrides=decided),
        "evaluation": _not_judged().to_dict(),
        "data_report": {"labels": {}, "hypothesis": hypothesis.model_dump(mode="json")},
        "settings": settings,
        "fields": {**parts.fields, **{m.field.name: m.field for _, m in meanings if m.field.name not in parts.fields}},
    }


def _not_judged() -> Evaluation:
    reason = "there are no customers"
    return Evaluation(NOT_JUDGED, VERDICT, (), (), {}, (), None, reason, None, 0, 0, 0)
