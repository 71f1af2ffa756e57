"""Results for a terminal: rich renderables, nothing computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from icp_ml.accounts import AccountsReport
    from icp_ml.engines.files import ScoreSummary
    from icp_ml.evaluation import Evaluation, SuspiciousLabels
    from icp_ml.outcomes import OutcomeLabels
    from icp_ml.profile import IdealCustomerProfile

LEFT_OUT = {
    "too_young": "too young to judge",
    "unjudged": "without outcomes",
    "lost_deal": "deals lost",
    "open_deal": "deals open",
    "not_customer": "no customers by their status",
    "before_window": "left before the fields' date",
}
TIER_STYLES = {"A": "bold green", "B": "green", "C": "yellow", "D": "dim", "none": "dim"}


def _grid(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        name, _, side = column.partition(">")
        table.add_column(name, justify="right" if side else "left", overflow="fold")
    return table


def profile_panel(profile: IdealCustomerProfile, lines: int = 5) -> RenderableType:
    """Return who the ideal customer is, in a few lines."""
    body = Text()
    for line in profile.summary(lines):
        against = line.startswith("against: ")
        body.append("- " if against else "+ " if profile.found else "", style="red" if against else "green")
        body.append(line.removeprefix("against: ") + "\n")
    body.rstrip()
    base = profile.evidence.get("base_rate")
    note = f"share of them who are best customers, against {base:.0%} of all" if profile.found and base else None
    if profile.kind == "hypothesis":
        note = f"a hypothesis: {profile.evidence['points_that_double']:g} points double the odds"
    return Panel(
        body,
        title="Ideal customer profile",
        title_align="left",
        subtitle=note,
        subtitle_align="right",
        border_style="cyan",
    )


def growth_lines(sentences: Sequence[str]) -> RenderableType:
    """Return who is easiest to upsell, and who stays but hardly grows."""
    return Group(*(Text(sentence) for sentence in sentences))


def segments_lines(view: Mapping[str, Any], most: int = 3) -> RenderableType:
    """Return each segment with what sets its best customers apart, or why there is one profile for all."""
    if not view["rows"]:
        return Group(*(Text(f"Segments: {why}.", style="dim") for why in view["why"][:1]))
    lines: list[Text] = []
    for row in view["rows"]:
        lines.append(Text(f"{row['name']}: {row['best']} of {row['customers']} are best ({row['rate']})", style="bold"))
        for trait in row["traits"][:most]:
            sign, style = ("+", "green") if trait["positive"] else ("-", "red")
            lines.append(
                Text.assemble((f"  {sign} ", style), f"{trait['sentence']}: {trait['rate']} best ({trait['lift']})")
            )
        if not row["traits"]:
            lines.append(Text("  no single trait of this segment holds up against chance", style="dim"))
    first = Text("Several profiles, each account scored by its own segment's tables:")
    return Group(first, *lines, *(Text(f"{why}.", style="dim") for why in view["why"][:1]))


def labels_line(labels: OutcomeLabels) -> RenderableType:
    """Return label counts in one line."""
    c = labels.counts
    left_out = [f"{c[key]:,} {words}" for key, words in LEFT_OUT.items() if c.get(key)]
    text = f"{c['best']:,} best, {c['worst']:,} worst" + ("" if labels.binary else f", {c['middle']:,} in the middle")
    return Text(f"Customers: {text}{'; left out: ' + ', '.join(left_out) if left_out else ''}")


def matching_lines(view: Mapping[str, Any] | None) -> RenderableType:
    """Return which customers were found on the list, and whether its values are trained on."""
    if view is None:
        return Group()
    lines = [Text(" ".join(part for part in (view["sentence"], view["enrichment"]) if part))]
    return Group(*lines, *(Text(f"! {warning}", style="yellow") for warning in view["warnings"]))


def quality_table(evaluation: Evaluation) -> RenderableType:
    """Return the model beside its baselines, and the verdict."""
    if not evaluation.learners:
        return Text(evaluation.verdict, style="yellow")
    ranked = "rank_agreement" in evaluation.learners[0].metrics
    names = ("On customers held out", "AUC>", "95 %", "lift, top 10 %>", *(("rank agreement>",) if ranked else ()))
    table = _grid(*names, "AUC gained over it")
    for learner in evaluation.learners:
        auc, lift, gain = learner.metrics["auc"], learner.metrics["lift_10"], learner.gains.get("auc")
        agreement = learner.metrics.get("rank_agreement")
        table.add_row(
            Text(learner.label, style="bold" if learner.name == "icp_ml" else ""),
            f"{auc.value:.3f}",
            f"{auc.low:.2f}-{auc.high:.2f}",
            f"{lift.value:.2f}x",
            *((f"{agreement.value:.2f} ({agreement.low:.2f}-{agreement.high:.2f})" if agreement else "",) * ranked),
            "" if gain is None else f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
        )
    verdict = Text(evaluation.verdict, style="green" if evaluation.better_than_simple else "yellow")
    cautions = [Text(c, style="yellow") for c in evaluation.cautions]
    backtest = []
    if evaluation.backtest is not None:
        auc = evaluation.backtest.auc
        backtest = [Text(f"Back-test on the newest customers: AUC {auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f}).")]
    notes = [Text(note, style="dim") for note in evaluation.notes]
    return Group(table, verdict, *cautions, *backtest, *(Text(line) for line in evaluation.findings), *notes)


def suspicious_table(found: SuspiciousLabels | None, most: int = 5) -> RenderableType:
    """Return the customers whose labels their fields contradict most; nothing where chance explains them."""
    if found is None or not found.customers or not found.beyond_chance:
        return Group()
    table = _grid("Labels to look at", "labelled", "fit>", "why")
    for customer in found.customers[:most]:
        table.add_row(Text(customer.account_id), customer.label, f"{customer.fit_score:.0f}", customer.reason)
    return table


def tiers_table(summary: ScoreSummary, tiers: Sequence[Mapping[str, Any]], value: Mapping[str, Any]) -> RenderableType:
    """Return tier counts of a scored list beside what each tier was worth among customers held out."""
    worth = {row["tier"]: row for row in tiers}
    own, dollars = summary.list_tiers, value["tiers"]
    counted = ["accounts on the list>", "share>", *(["of the list>"] if own else [])]
    valued = [f"revenue {value['unit']} per 100 won>"] if dollars else []
    table = _grid("Tier", *counted, "best customers per 100 won>", *valued, "lift>")
    for tier, count in summary.tiers.items():
        if tier == "none" and not count:
            continue
        row = worth.get(tier, {})
        rate, lift = row.get("rate"), row.get("lift")
        shown = (
            f"{100 * rate:.0f} ({100 * row['rate_low']:.0f}-{100 * row['rate_high']:.0f})" if rate is not None else "-"
        )
        table.add_row(
            Text(tier, style=TIER_STYLES[tier]),
            f"{count:,}",
            f"{count / max(summary.rows, 1):.1%}",
            *([f"{own.get(tier, 0):,}"] if own else []),
            shown if row else "",
            *([dollars[tier]["value"] if tier in dollars else ""] if dollars else []),
            f"{lift:.1f}x" if lift is not None else "-" if row else "",
        )
    return table


def score_lines(summary: ScoreSummary, steps: Sequence[Mapping[str, Any]] = ()) -> RenderableType:
    """Return what became of the rows of a list."""
    rate = summary.rows / summary.seconds if summary.seconds else 0.0
    parts = [f"{summary.scored:,} scored"]
    parts += [
        f"{n:,} {name}"
        for n, name in (
            (summary.ineligible, "ineligible"),
            (summary.suppressed, "suppressed"),
            (summary.rejected, "rejected"),
        )
        if n
    ]
    lines = [Text(f"{summary.rows:,} rows: {', '.join(parts)} ({summary.seconds:.1f} s, {rate:,.0f} accounts/s)")]
    if summary.rejects:
        lines.append(Text(f"Rows that do not parse, with line and reason: {summary.rejects}", style="yellow"))
    if summary.review:
        lines.append(
            Text(f"Accounts to suppress that may be on the list, for a person: {summary.review}", style="yellow")
        )
    if summary.missing_fields:
        lines.append(
            Text(
                f"The list lacks {', '.join(summary.missing_fields)}: coverage is lower for every account. A column "
                "that holds one under another header is used with  --mapping FILE  (lines such as  Sector: industry).",
                style="yellow",
            )
        )
    if summary.outside_support:
        one = summary.outside_support == 1
        outside = "1 account is" if one else f"{summary.outside_support:,} accounts are"
        lines.append(Text(f"{outside} unlike any customer: {'its' if one else 'their'} tier is held at C."))
    if summary.obtainable is not None:
        lines.append(
            Text(f"TAM {summary.rows:,} -> SAM {summary.serviceable:,} -> SOM {summary.obtainable:,} (capacity)")
        )
    worth = [f"{step['step']} ({step['accounts']:,}): {step['words']}" for step in steps if step["words"]]
    if worth:
        lines.append(Text(f"{'; '.join(worth)}."))
    return Group(*lines)


def customers_line(lists: Mapping[str, int]) -> RenderableType:
    """Return how many customers are worth a look by those who look after them."""
    told = [f"{count:,} {name.replace(':', ',')}" for name, count in lists.items() if count]
    return Text(f"Customers to look after: {'; '.join(told)}") if told else Group()


def files_table(paths: Mapping[str, str]) -> RenderableType:
    """Return names and places of what was written."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, place in paths.items():
        table.add_row(Text(name, style="dim"), Text(place, overflow="fold"))
    return table


def reading_notes(reports: Sequence[AccountsReport]) -> RenderableType:
    """Return what was noticed while reading, and which cells could not be used."""
    lines = [f"{report.source}: {note}" for report in reports for note in report.notes]
    for report in reports:
        for column in report.columns:
            lines += [f"{report.source}: '{column.header}': {note}" for note in column.notes]
            if column.dropped:
                example = next((f": {written!r} {result}" for written, result in column.examples if written), "")
                cells = f"{column.dropped:,} cell{'s' if column.dropped != 1 else ''} taken as missing"
                lines.append(f"{report.source}: '{column.header}': {cells}{example}")
    return noted(lines)


def noted(lines: Sequence[str]) -> RenderableType:
    """Return things a person should know, one per line."""
    return Group(*(Text(line, style="yellow") for line in lines))


def stages_line(seconds: Mapping[str, float]) -> RenderableType:
    """Return the time per stage."""
    return Text("Seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()), style="dim")


def spaced(*parts: RenderableType) -> RenderableType:
    """Return parts with a blank line between them."""
    return Group(
        *(Padding(part, (0, 0, 1, 0)) for part in parts if not (isinstance(part, Group) and not part.renderables))
    )
