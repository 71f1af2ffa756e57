"""Everything the report says, as one plain dict of values ready to show; numbers are formatted here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from icp_ml.model import ICPModel
from icp_ml.profile import CUT_SHARE, EVIDENCE, NOTHING_FOUND, PASS_SHARE, is_named
from icp_ml.report import formats as f
from icp_ml.report.behind import behind_trait
from icp_ml.report.columns_view import column_view
from icp_ml.report.decided_view import decided_view
from icp_ml.report.evidence import quality_view
from icp_ml.report.label_view import label_view
from icp_ml.report.list_view import list_view
from icp_ml.report.matching_view import matching_view
from icp_ml.report.segments_view import segments_view
from icp_ml.report.value_view import value_view
from icp_ml.traits import Trait

MAX_VALUES = 40  # values of a set spelled out
CATEGORIES = {
    "firmographic": "Firmographic",
    "technographic": "Technographic",
    "psychographic": "Psychographic",
    "job_to_be_done": "Job to be done",
}
MAX_GROWTH = 400  # letters
LIST_NAMES = {"best": "best customers", "worst": "worst customers", "market": "accounts on the list"}


def report_context(model: ICPModel, scored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the report shows.

    Parameters
    ----------
    model : ICPModel
    scored : mapping, optional
        `ScoreSummary.to_dict()`; `top_accounts`, if given, holds rows of the scored file, best first.
    """
    quality = quality_view(model.evaluation)
    labels = label_view(model.data_report.get("labels") or {})
    return {
        "title": "Ideal customer profile",
        "profile": _profile(model),
        "decided": decided_view(model.profile),
        "tiles": _tiles(model, quality),
        "quality": quality,
        "traits": [_trait(t, model) for t in sorted(_traits(model), key=lambda t: (-t.lift, t.term, t.codes))]
        if model.profile.kind == "derived"
        else [],
        "growth": growth_view(model.profile.evidence),
        "segments": segments_view(model),
        "tiers": _tiers(model, scored),
        "list": list_view(scored, model.tables.as_of, model.evaluation) if scored else None,
        "labels": labels,
        "matching": matching_view(model.data_report.get("matching") or {}, model.data_report.get("enrichment") or {}),
        "columns": column_view(model.data_report),
        "facts": _facts(model),
        "version": model.version,
    }


def base_rate(model: ICPModel) -> float | None:
    """Return the share of best among all mature customers, or None where it is not recorded."""
    counts = model.evaluation.get("counts") or {}
    total = sum(counts.values())
    stated = model.profile.evidence.get("base_rate")
    if isinstance(stated, float):
        return stated
    return counts.get("best", 0) / total if total else None


def growth_view(evidence: Mapping[str, Any]) -> list[str]:
    """Return who is easiest to upsell, and who stays but hardly grows, a sentence each."""
    said = evidence.get("growth")
    return [f.clean(text, MAX_GROWTH) for text in said[:2] if isinstance(text, str)] if isinstance(said, list) else []


def _traits(model: ICPModel) -> tuple[Trait, ...]:
    profile = model.profile
    return (*profile.filters, *profile.signals, *profile.anti_traits, *profile.further)


def _profile(model: ICPModel) -> dict[str, Any]:
    profile, evidence = model.profile, model.profile.evidence
    best, mature = evidence.get("best"), evidence.get("mature")
    why = profile.message.removeprefix(f"{NOTHING_FOUND}:").strip()
    parts = [
        f.plural(len(group), name)
        for name, group in (
            ("filter", profile.filters),
            ("signal", profile.signals),
            ("anti-trait", profile.anti_traits),
        )
        if group
    ]
    return {
        "found": profile.found,
        "headline": "Who the ideal customer is" if profile.found else f.capital(NOTHING_FOUND),
        "lead": f.sentence(profile.message)
        if profile.kind == "hypothesis"
        else _lead(f.listed(parts), best, mature)
        if profile.found
        else f.sentence(why),
        "kind": profile.kind,
        "filters": [_trait(t, model) for t in profile.filters],
        "signals": [_trait(t, model) for t in profile.signals],
        "anti": [_trait(t, model) for t in profile.anti_traits],
        "average": f.percent(base_rate(model)),
        "no_filter": (
            f"None. A filter would have to let at least {PASS_SHARE:.0%} of best customers through, cut at least "
            f"{CUT_SHARE:.0%} of the list, and rest on {EVIDENCE} or more customers outside it who did worse. "
            "The list is ranked, not cut."
        ),
    }


def _decided(trait: Trait, model: ICPModel) -> str:
    if model.profile.kind == "hypothesis":
        return "Written in the hypothesis: accounts known not to meet it are ineligible."
    if is_named(trait, model.settings.profile.filters):
        return "Confirmed in the settings: accounts known to be outside it are ineligible."
    return "Proposed: it excludes no account until it is named in the settings (profile.filters)."


def _role(trait: Trait, model: ICPModel) -> tuple[str, str]:
    if trait in model.profile.filters:
        return "filter", "Filter"
    if trait in model.profile.further:
        return ("signal", "Further signal") if trait.direction == "positive" else ("anti", "Further anti-trait")
    return ("signal", "Signal") if trait in model.profile.signals else ("anti", "Anti-trait")


def _lead(parts: str, best: Any, mature: Any) -> str:
    if not (f.known(best) and f.known(mature)):
        return f"{parts} set the best customers apart."
    return f"{f.capital(parts)} set the {f.count(best)} best customers apart from the other {f.count(mature - best)}."


def _tiles(model: ICPModel, quality: Mapping[str, Any]) -> list[dict[str, str]]:
    counts = model.evaluation.get("counts") or {}
    mature = sum(counts.values())
    tiles = []
    if mature:
        young = (model.data_report.get("labels") or {}).get("counts", {}).get("too_young", 0)
        left_out = (
            f"{f.count(young)} too young left out" if young else f"{f.count(counts.get('worst', 0))} of them worst"
        )
        share = f"{f.percent(counts.get('best', 0) / mature)} of those judged"
        tiles.append({"value": f.count(mature), "label": "Customers judged", "note": left_out})
        tiles.append({"value": f.count(counts.get("best", 0)), "label": "Best customers", "note": share})
    if quality["auc"] != f.NONE:
        tiles.append(
            {
                "value": quality["auc"],
                "label": "AUC, best against worst",
                "note": f"{quality['auc_span']}; 0.5 is chance",
            }
        )
    if quality["lift_10"] != f.NONE:
        tiles.append(
            {
                "value": quality["lift_10"],
                "label": "Best customers in the top tenth",
                "note": f"{quality['lift_10_span']}× the average share",
            }
        )
    return tiles


def _trait(trait: Trait, model: ICPModel) -> dict[str, Any]:
    role, role_name = _role(trait, model)
    values = trait.values.get("in")
    points = model.profile.points(trait)  # of a hypothesis, which has no customers to count
    beliefs = model.profile.beliefs if points is not None else ()
    return {
        "role": role,
        "role_name": role_name,
        "points": None if points is None else points if trait.direction == "positive" else -points,
        "why": next((f.clean(b.get("why") or "", 300) for b in beliefs if b["statement"] == trait.sentence), ""),
        "positive": trait.direction == "positive",
        "sentence": f.capital(trait.sentence),
        "category": CATEGORIES.get(trait.category, f.capital(trait.category, 40)),
        "spelled": f.listed([f.clean(v, 60) for v in values], MAX_VALUES)
        if isinstance(values, list) and len(values) > 4
        else "",
        "lift": f.times(trait.lift),
        "lift_span": f.span(trait.lift_low, trait.lift_high, 1),
        "rate": f.percent(trait.rate),
        "customers": f.count(trait.customers),
        "best": f.count(trait.best),
        "best_support": f.percent(trait.best_support),
        "worst_support": f.percent(trait.worst_support),
        "stability": f.percent(trait.stability),
        "behind": behind_trait(trait.to_dict()),
        "market": f.percent(trait.market_share),
        "who": f.capital(trait.who),
        "passes": f.percent(1 - trait.best_support),
        "cuts": f.percent(trait.market_share) if trait.market_share is not None else "",
        "decided": _decided(trait, model),
    }


def _tiers(model: ICPModel, scored: Mapping[str, Any] | None) -> dict[str, Any]:
    cutoffs = model.cutoffs.to_dict()
    bounds = {
        "A": f"{cutoffs['A']:g} and over",
        "B": f"{cutoffs['B']:g} to {cutoffs['A']:g}",
        "C": f"{cutoffs['C']:g} to {cutoffs['B']:g}",
        "D": f"under {cutoffs['C']:g}",
    }
    on_list = (scored or {}).get("tiers") or {}
    value = value_view(model.evaluation)
    total = sum(int(on_list.get(letter, 0)) for letter in bounds)
    rows = []
    for row in model.evaluation.get("tiers") or ():
        letter = str(row["tier"])
        here = on_list.get(letter, 0)
        rows.append(
            {
                "tier": f.clean(letter, 8),
                "fit": bounds.get(letter, f.NONE),
                "customers": f.count(row["customers"]),
                "best": f.count(row["best"]),
                "per_100": f.number(None if row["rate"] is None else 100 * row["rate"], 0),
                "span": f.span(
                    None if row["rate_low"] is None else 100 * row["rate_low"],
                    None if row["rate_high"] is None else 100 * row["rate_high"],
                    0,
                ),
                "lift": f.times(row["lift"]),
                "worth": value["tiers"].get(letter),
                "of_best": f.percent(row.get("best_share")),
                "of_best_span": _percents(row.get("best_share_low"), row.get("best_share_high")),
                "listed": f.count(here) if scored else "",
                "share": f.percent(here / total) if total else "",
            }
        )
    average = base_rate(model)
    return {
        "rows": rows,
        "unit": value["unit"],
        "segments": value["segments"] if len(value["segments"]) > 1 else [],
        "listed": bool(scored),
        "lists": _lists(model.evaluation),
        "average": f.number(None if average is None else 100 * average, 0),
    }


def _percents(low: Any, high: Any) -> str:
    return f"{100 * low:.0f}–{100 * high:.0f}%" if f.known(low) and f.known(high) else ""


def _lists(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return where best customers, worst ones and the list land."""
    rows = []
    for entry in evaluation.get("lists") or ():
        value, low, high = f.triple(entry, "a_or_b")
        shares = [f.percent((entry.get("shares") or {}).get(letter)) for letter in "ABCD"]
        name = f.capital(LIST_NAMES.get(str(entry.get("name")), str(entry.get("name"))), 40)
        rows.append({"name": name, "accounts": f.count(entry.get("accounts")), "shares": shares,
                     "a_or_b": f.percent(value), "span": _percents(low, high)})  # fmt: skip
    return {"rows": rows, "sentence": f.clean(evaluation.get("lists_sentence") or "", 600)}


def _facts(model: ICPModel) -> list[dict[str, str]]:
    calibration = model.evaluation.get("calibration") or {}
    source = (model.data_report.get("source") or {}).get("source")
    slope, intercept = f.number(calibration.get("slope")), f.signed(calibration.get("intercept"), 2)
    rounds, terms = f.count(model.evaluation.get("rounds")), len(model.tables.terms)
    libraries = json.loads(model.manifest)["libraries"]
    pairs = [
        ("Model version", model.version),
        ("Settings", model.settings.hash),
        ("Customers from", f.clean(PurePath(str(source)).name, 80) if source else f.NONE),
        ("Ages measured to", model.tables.as_of.isoformat() if model.tables.as_of else f.NONE),
        ("Fields", f"{f.plural(len(model.fields), 'field')} as {f.plural(terms, 'table')}"),
        ("Rounds and bags", f"{rounds} rounds, {f.plural(model.settings.model.bags, 'bag')}"),
        ("Calibration", f"slope {slope}, intercept {intercept}, folded into the tables"),
        ("Random state", str(model.settings.random_state)),
        ("Made with", ", ".join(f"{f.clean(name, 30)} {f.clean(version, 30)}" for name, version in libraries.items())),
    ]
    learned = {"Customers from", "Rounds and bags", "Calibration", "Random state"}
    shown = [pair for pair in pairs if model.profile.kind == "derived" or pair[0] not in learned]
    return [{"name": name, "value": value} for name, value in shown]
