"""Reasons on the sample market: how often one is the first, and whether each says what the model adds.

    python experiments/trait_recovery/reasons.py [--samples data_samples]
    python experiments/trait_recovery/reasons.py --grades never|always --max-pairs 0    # tried: printed, not written

Trains on the sample's customers as `icp-ml train` does, scores its market and writes reasons.json. A reason's kind is
its field, value left out, and its direction. `truly first`: the share of accounts whose largest planted effect, less
that effect's mean over the list, is of the commonest first reason's field (gaps count as the mean). `told first`: the
same of a logistic regression on the planted indicators, fitted to the sample's customers, against their means: what
these customers tell whoever knows the right ranges and values. Ten reasons are printed, for a person to read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from icp_ml import Settings, read_accounts, train
from icp_ml.datasets.planted import ONE_ICP

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "model_quality"))
from figures import Check  # noqa: E402  (shared with the other benchmark)

FILE = HERE / "reasons.json"
MOST_FIRST = 0.40
REASONS = 5
SHOWN = 10
OWN_NUMBER = r"^[^(]*\("  # "76 employees (up to 100) lowers fit": what is in brackets is the band


def first_shares(scored: pd.DataFrame) -> pd.Series[float]:
    """Return how often each field and direction is the first reason, of all accounts that have one."""
    some = scored[scored["reason_1"].notna()]
    kind = some["reason_1_field"].astype(str) + np.where(some["reason_1_contribution"] > 0, " raises", " lowers")
    return kind.value_counts(normalize=True)


def commonest_sentence(scored: pd.DataFrame) -> tuple[str, float]:
    """Return the first reason that most accounts share word for word, their own numbers left out, and how many do."""
    said = scored["reason_1"].dropna().astype(str).str.replace(OWN_NUMBER, "(", regex=True)
    shares = said.value_counts(normalize=True)
    return str(shares.index[0]), float(shares.iloc[0])


def disagreements(scored: pd.DataFrame) -> tuple[int, int]:
    """Return how many reasons' words point another way than their contribution, and how many there are."""
    against = total = 0
    for i in range(1, REASONS + 1):
        some = scored[scored[f"reason_{i}"].notna()]
        text = some[f"reason_{i}"].astype(str)
        raises, lowers = text.str.contains(" raises fit"), text.str.contains(" lowers fit")
        up = some[f"reason_{i}_contribution"] > 0
        against += int((raises != up).sum() + (lowers == up).sum() - ((raises != up) & (lowers == up)).sum())
        total += len(some)
    return against, total


def indicators(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return which planted traits hold, NaN where the field is not known."""
    out = pd.DataFrame(index=range(len(accounts)))
    for trait in ONE_ICP:
        name = trait.field if trait.kind != "token" else f"{trait.field}={trait.values[0]}"
        holds = pd.Series(trait.holds(accounts), dtype="float64")
        out[name] = holds.where(accounts[trait.field].notna().to_numpy())
    return out


def by_field(effects: pd.DataFrame) -> dict[str, float]:
    """Return how often each field has the largest effect."""
    first = effects.fillna(0.0).abs().idxmax(axis=1).str.split("=").str[0]
    return {str(k): round(float(v), 4) for k, v in first.value_counts(normalize=True).items()}


def truly_first(listed: pd.DataFrame) -> dict[str, float]:
    """Return how often each field has the largest planted effect, less its mean."""
    holds = indicators(listed)
    return by_field((holds - holds.mean()) * [trait.effect for trait in ONE_ICP])


def told_first(customers: pd.DataFrame, best: pd.Series[bool], listed: pd.DataFrame) -> dict[str, Any]:
    """Return the same of effects fitted to customers by logistic regression, and these effects."""
    known = indicators(customers)
    centred = (known - known.mean()).fillna(0.0)
    effects = LogisticRegression(C=1e6, max_iter=2000).fit(centred, best).coef_[0]
    shares = by_field((indicators(listed) - known.mean()) * effects)
    return {"first_field": shares, "effects": dict(zip(known, effects.round(2).tolist(), strict=True))}


def measure(samples: Path, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Train, score and count."""
    settings = Settings.build({"as_of": "2026-10-01", **(given or {})})
    accounts = read_accounts(samples / "customers.csv", settings)
    listed = read_accounts(samples / "market.csv", settings, like=accounts)
    run = train(accounts, settings, listed, n_jobs=1)
    scored = run.model.score(pd.read_csv(samples / "market.csv", dtype=str), reasons=REASONS, lookalikes=0)
    shares = first_shares(scored)
    fields = scored["reason_1_field"].value_counts(normalize=True)
    against, total = disagreements(scored)
    top = str(fields.index[0])
    sentence, often = commonest_sentence(scored)
    some = scored[scored["reason_1"].notna()]
    shown = some.iloc[np.linspace(0, len(some) - 1, SHOWN).astype(int)]
    return {
        "accounts": len(scored),
        "with_a_reason": round(float(scored["reason_1"].notna().mean()), 4),
        "first": {str(k): round(float(v), 4) for k, v in shares.head(8).items()},
        "first_field": {str(k): round(float(v), 4) for k, v in fields.head(8).items()},
        "commonest_sentence": {sentence: round(often, 4)},
        "truly_first": {top: truly_first(listed.frame).get(top, 0.0)},
        "told_first": told_first(
            accounts.frame[run.labels.is_mature].reset_index(drop=True),
            run.labels.is_best[run.labels.is_mature],
            listed.frame,
        ),
        "reasons": total,
        "against_their_contribution": against,
        "shown": [
            {"fit_score": round(float(row["fit_score"]), 1), "reasons": [row[f"reason_{i}"] for i in (1, 2, 3)]}
            for _, row in shown.iterrows()
        ],
    }


def checks() -> list[Check]:
    """Return the checks, by what was measured last."""
    asked = "none over 40 % of accounts, unless it truly is"
    if not FILE.exists():
        return [Check("commonest first reason, sample market", asked, "", None)]
    found = json.loads(FILE.read_text("utf-8"))
    (kind, often), (field, by_field) = (next(iter(found[k].items())) for k in ("first", "first_field"))
    truly = found["truly_first"][field]
    same = next(iter(found["commonest_sentence"].values()))
    said = f"{kind}: {often:.0%}; {field} either way: {by_field:.0%}, truly {truly:.0%}; one sentence {same:.0%}"
    against = f"{found['against_their_contribution']:,} of {found['reasons']:,} say otherwise"
    agrees = found["against_their_contribution"] == 0
    return [
        Check("commonest first reason, sample market", asked, said, by_field <= max(MOST_FIRST, truly)),
        Check("a reason's direction and its contribution's sign", "always agree", against, agrees),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, print ten reasons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, default=HERE.parents[1] / "data_samples")
    parser.add_argument("--grades", choices=("auto", "always", "never"))
    parser.add_argument("--max-pairs", type=int)
    given = parser.parse_args(arguments)
    tried: dict[str, Any] = {"outcomes": {"grades": given.grades}} if given.grades else {}
    tried |= {"model": {"max_pairs": given.max_pairs}} if given.max_pairs is not None else {}
    found = measure(given.samples, tried)
    if tried:
        print(json.dumps({k: found[k] for k in ("first", "first_field")}, indent=1))
        return 0
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    for line in checks():
        print(f"{line.name}: {line.found} ({line.verdict})")
    for row in found["shown"]:
        print(row["fit_score"], *(text for text in row["reasons"] if isinstance(text, str)), sep="\n    ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
