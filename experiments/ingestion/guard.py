"""What the leak guard says of real tables and of planted leaks: python experiments/ingestion/guard.py

Writes guard.json beside this file. guard_truth.yaml says what it ought to say. Every table is judged without and with a
list, with its headers and with all headers hidden (col_01, ...; the outcomes stay mapped by settings).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
sys.path[:0] = [str(REPOSITORY), str(FOLDER)]

from icp_ml import OutcomeDefinition, Settings, read_accounts  # noqa: E402
from icp_ml.accounts.quality import DataReport, judge_columns  # noqa: E402
from icp_ml.datasets import World, make_world  # noqa: E402

HELD_OUT = 0.3  # of the rows, as the list of a table that has none of its own
SIZES, NOISES, FIRST_SEED = (400, 800, 1500, 2500), (0.7, 1.0, 1.0, 1.3), 10_000
LEAKS_PER_WORLD = 6
WITH = ("no list", "with list")
OUTCOMES = (
    "customer_since",
    "churn_date",
    "churned",
    "net_revenue_retention",
    "nps",
    "annual_revenue_from_customer_usd",
)
Column = Callable[["Drawn"], Any]
Answer = dict[str, Any]


def load(name: str, data: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return customers, and the list that belongs to them, as strings."""
    if name.startswith("olist"):
        return _olist(name, data / "olist_b2b_sellers")
    if name == "sba":
        frame = _read(data / "sba_small_business_loans" / "sba_california_case.csv")
        for header in ("ApprovalDate", "ChgOffDate", "DisbursementDate"):
            days = pd.to_timedelta(pd.to_numeric(frame[header]), unit="D")
            frame[header] = (pd.Timestamp("1960-01-01") + days).dt.strftime("%Y-%m-%d")
        return frame, None
    if name.startswith("telco"):
        return _read(data / "ibm_telco_extended" / "telco_extended_satisfaction_cltv.csv"), None
    if name == "bank":
        return _read(data / "uci_bank_marketing_b2c" / "bank_additional_full.csv.gz").iloc[::4], None
    if name == "salvirt":
        frame = _read(data / "salvirt_b2b_deals" / "b2b_dataset.csv")
        return frame.assign(Status=np.where(frame["Status"] == "Won", "yes", "no")), None
    if name == "crunchbase":
        frame = _read(data / "crunchbase_startup_acquired_closed" / "startup_data.csv").drop_duplicates("id")
        return frame.assign(status=np.where(frame["status"] == "acquired", "yes", "no")), None
    if name == "crunchbase_2014":
        frame = _read(data / "crunchbase_2014_us_companies" / "companies.csv.gz").drop_duplicates("permalink")
        operating = frame["status"] == "operating"
        customers = frame[~operating]
        kept = customers.assign(status=np.where(customers["status"] == "closed", "no", "yes"))
        return kept, frame[operating].drop(columns="status")
    frame = _read(data / "saas_vendor_pipeline" / "opportunities.csv")
    return frame.assign(Stage=np.where(frame["Stage"].str.startswith("Closed Won"), "yes", "no")), None


def _olist(name: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    sys.path.insert(0, str(FOLDER.parent / "real_olist"))
    import prepare

    joined = _read(folder / "funnel_joined.csv")
    leads = joined[prepare.LEAD]
    if name == "olist_joined":
        return joined[joined["won"] == "1"], leads
    _, sellers = prepare._tables(folder)
    recorded = [*prepare.ASKED, *prepare.RECORDED]
    if name == "olist_everything_on_list":
        leads = leads.merge(sellers[["mql_id", *recorded]], on="mql_id", how="left")
    return sellers[[*prepare.LEAD, *recorded, *prepare.OUTCOMES]].astype("str").replace("nan", pd.NA), leads


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False).replace("", pd.NA).reset_index(drop=True)


@dataclass(frozen=True)
class Judged:
    """What the guard said of a table: verdict and reasons by header."""

    said: dict[str, tuple[str, tuple[str, ...]]]
    report: DataReport
    seconds: float


def judge(
    customers: pd.DataFrame, lists: Sequence[pd.DataFrame | None], settings: dict[str, Any], *, hide: bool
) -> list[Judged]:
    """Judge customers beside each of the lists (None: without one), with the headers or with all of them hidden."""
    new = {header: f"col_{i + 1:02d}" for i, header in enumerate(customers.columns)} if hide else {}
    if hide:
        customers = customers.rename(columns=new)
        settings = _hidden(settings, new)
    chosen = Settings.build(settings)
    accounts = read_accounts(customers, chosen)
    as_of = chosen.as_of or accounts.as_of
    labels = OutcomeDefinition.from_settings(chosen.outcomes).label(accounts.frame, as_of)
    old = {hidden: header for header, hidden in new.items()}
    headers = {column.field: old.get(column.header, column.header) for column in accounts.report.columns}
    answers = []
    for listed in lists:
        market = None if listed is None else read_accounts(listed.rename(columns=new), chosen, like=accounts).table
        start = time.process_time()
        report = judge_columns(
            accounts.table, accounts.fields, labels.status, market=market, settings=chosen, as_of=as_of
        )
        seconds = time.process_time() - start
        said = {headers[c.field]: (c.verdict, c.reasons) for c in report.columns if c.field in headers}
        answers.append(Judged(said, report, seconds))
    return answers


def _hidden(settings: dict[str, Any], new: dict[str, str]) -> dict[str, Any]:
    """Return the same settings for hidden headers: outcomes stay mapped, fields of one's own keep their kind only."""
    customs = {c["name"]: c for c in settings.get("fields", {}).get("custom", ())}
    keys = {custom: header for header, custom in settings["columns"].items() if custom in customs}
    keys |= {name: header for header in new for name in customs if _key(header) == name}
    columns = {new[h]: field for h, field in settings["columns"].items() if field not in customs}
    columns |= {new[header]: f"own_{new[header]}" for header in keys.values()}
    fields = {"custom": [{**customs[name], "name": f"own_{new[header]}"} for name, header in keys.items()]}
    return {**settings, "columns": columns, "fields": fields}


def _key(header: str) -> str:
    from icp_ml.schema import header_key

    return header_key(header)


def real_tables(data: Path, only: str | None) -> Answer:
    """Judge every table in its four settings."""
    truths = yaml.safe_load((FOLDER / "guard_truth.yaml").read_text(encoding="utf-8"))
    result: Answer = {}
    for name, entry in truths.items():
        if only and only != name:
            continue
        same = truths.get(entry.get("same_as"), {})
        truth = {header: said[0] for header, said in {**same, **entry}["columns"].items()}
        truth |= {header: said[0] for header, said in entry.get("changed", {}).items()}
        settings = {**same, **entry}["settings"]
        customers, own = load(name, data)
        unlisted = [h for h in customers.columns if h not in truth]
        if unlisted:
            msg = f"guard_truth.yaml says nothing of {name}: {unlisted}"
            raise RuntimeError(msg)
        for hide in (False, True):
            for with_list in (False, True):
                held = np.random.default_rng(7).random(len(customers)) < HELD_OUT
                known, listed = customers, None
                if with_list and own is not None:
                    listed = own
                elif with_list:
                    columns = [h for h in customers.columns if truth[h] in ("must_accept", "either")]
                    ids = [h for h, f in settings["columns"].items() if f == "account_id"]
                    known, listed = customers[~held], customers.loc[held, [*ids, *columns]]
                absent = [] if listed is None else [h for h in truth if h not in listed.columns]
                [answer] = judge(known, [listed], settings, hide=hide)
                key = f"{'hidden' if hide else 'named'}, {'with list' if with_list else 'no list'}"
                result.setdefault(name, {})[key] = _compare(_beside(truth, absent), answer)
    return result


def _beside(truth: dict[str, str], absent: list[str]) -> dict[str, str]:
    """Return the truth beside a list: what the list lacks must be refused, however honest."""
    return truth | {header: "absent_from_list" for header in absent if truth[header] == "must_accept"}


def _compare(truth: dict[str, str], answer: Judged) -> Answer:
    columns = {
        header: {"truth": truth[header], "verdict": verdict, "why": reasons[0] if reasons else ""}
        for header, (verdict, reasons) in answer.said.items()
    }
    counts: dict[str, Counter[str]] = {}
    for column in columns.values():
        counts.setdefault(column["truth"], Counter())[column["verdict"]] += 1
    return {
        "accepted_wrongly": [h for h, c in columns.items() if c["truth"].startswith("must_") and
                             c["truth"] != "must_accept" and c["verdict"] == "accept"],
        "asked_needlessly": [h for h, c in columns.items()
                             if c["truth"] == "must_accept" and c["verdict"] == "confirm"],
        "refused_wrongly": [h for h, c in columns.items()
                            if c["truth"] == "must_accept" and c["verdict"] == "refuse"],
        "counts": {kind: dict(counter) for kind, counter in sorted(counts.items())},
        "seconds": round(answer.seconds, 2),
        "rows": answer.report.customers,
        "list_rows": answer.report.market,
        "columns": columns,
    }  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """What leaks are made of, one entry per customer."""

    world: World
    rng: np.random.Generator

    def __getitem__(self, name: str) -> Any:
        return self.world.customers[name].to_numpy()

    @property
    def n(self) -> int:
        """Customers."""
        return len(self.world.customers)

    @property
    def churned(self) -> Any:
        """Who left."""
        return self.world.customers["churned"].to_numpy(dtype=bool)

    @property
    def days(self) -> Any:
        """Days as a customer."""
        end = self.world.customers["churn_date"].fillna(pd.Timestamp(self.world.as_of)).to_numpy()
        return (end - self["customer_since"]).astype("timedelta64[D]").astype(float)

    def flipped(self, share: float) -> Any:
        """Whether they stayed, wrong for `share` of them."""
        wrong = self.rng.random(self.n) < share
        return pd.Series(np.where(self.churned ^ wrong, "b", "a"))

    def blurred(self, name: str, noise: float) -> Any:
        """An outcome and noise, in standard deviations of it."""
        values = self[name].astype(float)
        return 10 + 3 * (values + noise * np.nanstd(values) * self.rng.standard_normal(self.n))

    def where(self, kept: Any) -> Any:
        """A category that says nothing, blank elsewhere."""
        return pd.Series(self.rng.choice(["north", "south", "east", "west"], self.n)).where(kept)

    def tokens(self, of_churned: float = 0.06) -> Any:
        """Sets of tools, with our own product on the sites of those that stay."""
        tools = np.array([f"tool {i}" for i in range(12)], dtype=object)
        own = self.rng.random(self.n) < np.where(self.churned, of_churned, 0.6)
        return pd.Series(
            [(*tools[self.rng.random(12) < 0.2], *(["acmeflow"] if has else [])) for has in own], dtype=object
        )


def _sum(d: Drawn) -> Any:
    return 5 * d["net_revenue_retention"] + 0.4 * d["nps"].astype(float) - 2.0 * d.churned


LEAKS: dict[str, tuple[str, Column]] = {
    **{f"copy of churned, {p:.0%} wrong": ("account_grade", lambda d, p=p: d.flipped(p))
       for p in (0, 0.02, 0.1, 0.2, 0.3)},
    **{f"net revenue retention, noise {k:g} sd": ("growth_index", lambda d, k=k: d.blurred("net_revenue_retention", k))
       for k in (0.1, 0.3, 0.6, 1, 2)},
    "sum of three outcomes": ("value_index", _sum),
    "date of the last activity": ("seen_at", lambda d: pd.Series(
        d["customer_since"] + (d.days * d.rng.uniform(0.9, 1, d.n)).astype("timedelta64[D]"))),
    "date of the next renewal": ("period_end", lambda d: pd.Series(
        d["customer_since"] + (365 * np.ceil((d.days + 1) / 365)).astype("timedelta64[D]"))),
    "usage since the sale": ("events", lambda d: np.round(
        d.days * np.exp(0.5 * d.rng.standard_normal(d.n) - 1))),
    "usage in the last month": ("events_30d", lambda d: np.round(
        np.exp(3 + 0.8 * d.rng.standard_normal(d.n)) * np.where(d.churned, 0.25, 1))),
    "filled where they stayed": ("region_code", lambda d: d.where(~d.churned)),
    "enriched where they stayed (92 % against 25 %)": (
        "segment_code", lambda d: d.where(d.rng.random(d.n) < np.where(d.churned, 0.25, 0.92))),
    "enriched where they stayed (85 % against 60 %)": (
        "vendor_segment", lambda d: d.where(d.rng.random(d.n) < np.where(d.churned, 0.6, 0.85))),
    "token of our own product": ("detected_tools", lambda d: d.tokens()),
    "number in the order of sign-up": ("crm_number", lambda d: (
        np.argsort(np.argsort(d["customer_since"] + d.rng.integers(0, 20, d.n).astype("timedelta64[D]"))) * 7 + 20_000
    ).astype(float)),
    "owner after the churn": ("relationship_lead", lambda d: pd.Series(np.where(
        d.churned & (d.rng.random(d.n) < 0.7), "desk", d.rng.choice(["ana", "ben", "cho", "dee", "eva"], d.n)))),
}  # fmt: skip
TRUE = {
    f"strong true field, noise {k:g}": ("automation_index", lambda d, k=k: d.world.truth.log_odds_customers
                                        + k * d.rng.standard_normal(d.n)) for k in (0.5, 1, 2)
}  # fmt: skip


def _on_market(make: Column) -> Column:
    """Draw a column anew for the list, where nobody is a customer."""

    def draw(d: Drawn) -> Any:
        market = d.world.market.assign(churned=True, customer_since=pd.Timestamp(d.world.as_of), churn_date=pd.NaT)
        truth = replace(d.world.truth, log_odds_customers=d.world.truth.log_odds_market)
        return make(Drawn(replace(d.world, customers=market, truth=truth), d.rng))

    return draw


# What a list can have as well: true fields; an enrichment, here for all; sites without our product; counts of zero.
ON_LIST: dict[str, Column] = {
    **{sort: _on_market(make) for sort, (_, make) in TRUE.items()},
    "token of our own product": _on_market(lambda d: d.tokens(0.001)),
    "enriched where they stayed (92 % against 25 %)": _on_market(lambda d: d.where(d.rng.random(d.n) < 0.6)),
    "enriched where they stayed (85 % against 60 %)": _on_market(lambda d: d.where(d.rng.random(d.n) < 0.6)),
    "usage since the sale": _on_market(lambda d: np.zeros(d.n)),
    "usage in the last month": _on_market(lambda d: np.zeros(d.n)),
}  # fmt: skip


def worlds(number: int) -> Answer:
    """Judge planted worlds with leaks of each sort added, with and without names."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    sorts = list(LEAKS)
    for w in range(number):
        rng = np.random.default_rng(FIRST_SEED + w)
        n, noise = int(rng.choice(SIZES)), float(rng.choice(NOISES))
        world = make_world(n, 1500, seed=FIRST_SEED + w, noise=noise)
        drawn = Drawn(world, rng)
        customers = world.customers.copy()
        planted: dict[str, str] = {}
        market = world.market.copy()
        chosen = [sorts[i] for i in rng.permutation(len(sorts))]
        for sort in [*chosen, list(TRUE)[w % len(TRUE)]]:
            name, make = {**LEAKS, **TRUE}[sort]
            if name not in customers and (sort in TRUE or len(planted) < LEAKS_PER_WORLD):
                customers[name] = make(drawn)
                if sort in ON_LIST:
                    market[name] = ON_LIST[sort](drawn)
                planted[name] = sort
        kinds = {trap.field: "traps of the worlds" for trap in world.truth.traps} | dict.fromkeys(OUTCOMES, "outcomes")
        kinds = {h: kinds.get(h, "honest") for h in world.customers.columns} | planted
        for key in ("account_id", "name", "domain", "description"):
            kinds.pop(key)
        settings = {"columns": {h: h for h in (*OUTCOMES, "account_id")}, "as_of": world.as_of}
        for hide in (False, True):
            for answer, with_list in zip(judge(customers, [None, market], settings, hide=hide), WITH, strict=True):
                tally = counts.setdefault(f"{'hidden' if hide else 'named'}, {with_list}", {})
                for header, kind in kinds.items():
                    for name in (kind, f"honest, noise {noise:g}") if kind == "honest" else (kind,):
                        tally.setdefault(name, Counter())[answer.said[header][0]] += 1
    return {
        where: {kind: {**dict(c), "accepted": round(c["accept"] / c.total(), 3)} for kind, c in sorted(kinds.items())}
        for where, kinds in counts.items()
    }


def totals(tables: Answer) -> Answer:
    """Add up the tables by setting."""
    result: Answer = {}
    for settings in tables.values():
        for key, answer in settings.items():
            total = result.setdefault(key, {kind: Counter() for kind in answer["counts"]})
            for kind, counts in answer["counts"].items():
                total.setdefault(kind, Counter()).update(counts)
    summary: Answer = {}
    for key, total in result.items():
        bad = total["must_refuse"] + total["must_not_accept"]
        good = total["must_accept"]
        summary[key] = {
            "must_refuse_or_not_accept": bad.total(),
            "of_these_accepted": bad["accept"],
            "must_accept": good.total(),
            "refused": good["refuse"],
            "asked_about": good["confirm"],
            "share_refused": round(good["refuse"] / good.total(), 4),
            "share_asked_about": round(good["confirm"] / good.total(), 4),
        }
    return summary


def main() -> None:
    """Run and write guard.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("ICP_ML_SHARED") or REPOSITORY.parent / "shared"
    parser.add_argument("--shared", type=Path, default=Path(default), help="folder that holds data/")
    parser.add_argument("--worlds", type=int, default=200, help="planted worlds to judge; 0: keep the file's")
    parser.add_argument("--table", help="one table only, printed, nothing written")
    given = parser.parse_args()
    tables = real_tables(given.shared / "data", given.table)
    if given.table:
        print(json.dumps(tables, indent=1, ensure_ascii=False))
        return
    out = FOLDER / "guard.json"
    kept = {} if given.worlds else json.loads(out.read_text(encoding="utf-8"))["worlds"]
    result = {"tables_in_all": totals(tables), "worlds": kept or worlds(given.worlds), "tables": tables}
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result["tables_in_all"], indent=1))


if __name__ == "__main__":
    main()
