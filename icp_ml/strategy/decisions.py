"""All that people say beside the data, as training needs it: read first, in codes before traits, applied last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from scipy.special import expit

from icp_ml.accounts.quality import DataReport
from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.estimator.fitting import FittedTables
from icp_ml.estimator.labels import statement as trait_words
from icp_ml.evaluation import Evaluation
from icp_ml.evaluation.metrics import Judged
from icp_ml.evaluation.tier_evidence import judge_tiers
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import Field
from icp_ml.settings import Settings
from icp_ml.statements import Override, Statement
from icp_ml.strategy.beliefs import beliefs_sentence, holds, side_by_side
from icp_ml.strategy.hypothesis import Hypothesis
from icp_ml.strategy.hypothesis_tables import believed_in, meanings_in
from icp_ml.strategy.meanings import Meaning, codes_of, field_named, meaning_of
from icp_ml.strategy.new_market import compare_market
from icp_ml.strategy.overrides import apply_overrides, override_meanings, with_costs
from icp_ml.strategy.prior import centred_beliefs, fit_prior, hypothesis_log_odds, judge_prior, mix_tables
from icp_ml.strategy.refining import encoding_of, refine
from icp_ml.tiers import TierCutoffs
from icp_ml.training_data import TrainingData

RESAMPLES = 500
DEFAULT_WORTH = 50.0  # customers
LEFT_OUT = {
    "refuse": "left out of training, as the data report explains",
    "confirm": "left out of training until it is confirmed, as the data report explains",
    "adjust": "adjusted for, so the model has it at its average",
}


@dataclass(frozen=True)
class Decisions:
    """What people said, in the meaning of the data's fields.

    Attributes
    ----------
    hypothesis : Hypothesis or None
    believed : list of (role, Statement, Meaning)
    overrides : list of (Override, Meaning)
    new_market : Meaning or None
    fields : mapping of str to Field
        Of overrides, where the customers have no such column.
    """

    settings: Settings
    hypothesis: Hypothesis | None = None
    believed: list[tuple[str, Statement, Meaning]] = field(default_factory=list)
    overrides: list[tuple[Override, Meaning]] = field(default_factory=list)
    new_market: Meaning | None = None

    @classmethod
    def read(
        cls, settings: Settings, hypothesis: Hypothesis | None, fields: Mapping[str, Field], as_of: date | None
    ) -> Decisions:
        """Return what the settings and a hypothesis say.

        Raises
        ------
        SettingsError
            A field or a value is not known; the message names where it stands.
        """
        own = {name: known for name, known in fields.items() if known.role == "feature"}
        market = None
        if settings.profile.new_market is not None:
            place = f"profile.new_market ({settings.profile.new_market.text}): "
            named = field_named(settings.profile.new_market.field, settings, own, place)
            market = meaning_of(settings.profile.new_market, named, as_of, place)
        believed = []
        if hypothesis is not None:
            custom = {c.name: Field(c.name, c.kind, c.category, label=c.label) for c in hypothesis.fields}
            believed = meanings_in(hypothesis, settings, as_of, "model.hypothesis", {**custom, **own})
        return cls(settings, hypothesis, believed, override_meanings(settings, as_of, own), market)

    @property
    def none(self) -> bool:
        """Whether nobody said anything."""
        return not (self.believed or self.overrides or self.new_market)

    def in_codes(self, fitted: FittedTables, data: TrainingData) -> FittedTables:
        """Return tables that score alike and have codes for what was said: before traits are looked for."""
        used = {spec.name for spec in data.specs if not spec.adjust}
        wanted = [meaning for _, _, meaning in self.believed if meaning.field.name in used]
        wanted += [meaning for _, meaning in self.overrides]
        if not wanted:
            return fitted
        names = [m.field.name for m in wanted if m.field.name in data.table.column_names]
        columns = {**{name: data.table.column(name).combine_chunks() for name in names}, **data.columns}
        return replace(fitted, tables=refine(fitted.tables, wanted, columns, data.status == "best"))

    def own_fields(self, fields: Mapping[str, Field]) -> dict[str, Field]:
        """Return the fields that overrides need and the customers do not have."""
        return {m.field.name: m.field for _, m in self.overrides if m.field.name not in fields}

    def applied(
        self,
        fitted: FittedTables,
        codes: Codes,
        data: TrainingData,
        report: DataReport,
        evaluation: Evaluation,
        profile: IdealCustomerProfile,
    ) -> Decided:
        """Mix the hypothesis in, apply the overrides and measure them, and compare the new market with the core."""
        if self.none:
            return Decided(fitted, evaluation, profile)
        best = np.asarray(data.status == "best")
        one_fold = np.zeros((1, len(best)), dtype=np.int64)
        grade = data.grade if np.isfinite(data.grade).any() else None
        judged = Judged(best, np.asarray(data.status == "worst"), one_fold, data.groups, grade)
        decided = Decided(fitted, evaluation, profile, evaluation.out_of_fold)
        if self.hypothesis is not None:
            decided = self._with_hypothesis(decided, codes, data, report, judged)
        if self.overrides:
            decided = self._with_overrides(decided, codes, data, judged)
        if self.new_market is not None:
            decided = self._with_market(decided, codes, data, judged)
        return decided

    def _with_hypothesis(
        self, decided: Decided, codes: Codes, data: TrainingData, report: DataReport, judged: Judged
    ) -> Decided:
        assert self.hypothesis is not None
        fitted, tables, seed = decided.fitted, decided.fitted.tables, self.settings.random_state
        worth = self.settings.model.hypothesis.customers if self.settings.model.hypothesis else DEFAULT_WORTH
        used = {spec.name for spec in data.specs if not spec.adjust}
        inside = [one for one in self.believed if one[2].field.name in used]
        believed = [b for b in believed_in(tables.encoding, inside, self.hypothesis) if b.role != "filter"]
        values, variances = centred_beliefs(tables.encoding, believed, tables.customers)
        said = hypothesis_log_odds(values, codes)
        weights = fit_prior(fitted.out_of_bag, said, judged.best, worth)
        evidence = judge_prior(weights, decided.held_out, said, judged, worth, seed)
        whole = encoding_of([meaning for _, _, meaning in self.believed])
        unused = {c.field: LEFT_OUT[c.verdict] for c in report.columns if c.field not in used and c.verdict in LEFT_OUT}
        beliefs = side_by_side(
            believed_in(whole, self.believed, self.hypothesis),
            decided.profile,
            data.table,
            judged.best,
            data.as_of,
            unused,
        )
        cutoffs = TierCutoffs.from_base_rate(float(np.average(judged.best, weights=data.weight)))
        tiers = judge_tiers(
            100 * expit(evidence.held_out), judged.best, judged.worst, data.groups, cutoffs, RESAMPLES, seed
        )
        notes = (*decided.evaluation.notes, evidence.sentence, *filter(None, [beliefs_sentence(beliefs)]))
        return Decided(
            replace(
                fitted,
                tables=mix_tables(tables, values, variances, weights),
                out_of_bag=weights.mixed(fitted.out_of_bag, said),
            ),
            replace(decided.evaluation, notes=notes, tiers=tiers),
            replace(decided.profile, beliefs=beliefs),
            evidence.held_out,
            {"hypothesis": evidence.to_dict()},
            {"hypothesis": self.hypothesis.model_dump(mode="json")},
        )

    def _with_overrides(self, decided: Decided, codes: Codes, data: TrainingData, judged: Judged) -> Decided:
        tables, records = apply_overrides(decided.fitted.tables, self.overrides)
        cutoffs = TierCutoffs.from_base_rate(float(np.average(judged.best, weights=data.weight)))
        costed, together = with_costs(
            records, tables, codes, decided.held_out, judged.best, data.groups, cutoffs, self.settings.random_state
        )
        moved = decided.held_out.copy()
        places = {term.name: j for j, term in enumerate(tables.terms)}
        for record in records:
            moved += record["log_odds"] * np.isin(codes[:, places[record["term"]]], record["codes"])
        note = f"Strategy overrides, held out: {together['words']}."
        return replace(
            decided,
            fitted=replace(decided.fitted, tables=tables),
            evaluation=replace(decided.evaluation, notes=(*decided.evaluation.notes, note)),
            profile=replace(decided.profile, overrides=costed),
            held_out=moved,
            told={**decided.told, "overrides": together},
        )

    def _with_market(self, decided: Decided, codes: Codes, data: TrainingData, judged: Judged) -> Decided:
        assert self.new_market is not None
        true = holds(self.new_market, data.table, data.as_of)
        own = encoding_of([self.new_market])
        place = codes_of(own, self.new_market)
        assert place is not None
        terms = tuple(term.name for term in decided.fitted.tables.terms)
        found = compare_market(
            trait_words(own.terms[place[0]], place[1]), true == 1.0, np.isfinite(true), decided.profile, terms, codes,
            decided.held_out, judged, self.settings.random_state,
        )  # fmt: skip
        return replace(decided, profile=replace(decided.profile, new_market=found))


@dataclass(frozen=True)
class Decided:
    """What training made, with what people said applied; `held_out` is log-odds by fits that did not see the customer.

    `told` goes into the evaluation's document, `reported` into the data report's.
    """

    fitted: FittedTables
    evaluation: Evaluation
    profile: IdealCustomerProfile
    held_out: FloatArray = field(default_factory=lambda: np.empty(0))
    told: dict[str, Any] = field(default_factory=dict)
    reported: dict[str, Any] = field(default_factory=dict)
