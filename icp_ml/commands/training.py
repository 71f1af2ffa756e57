"""Train, save, log; show what a model knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml.commands.hypothesis import believed_before
from icp_ml.commands.matching import ListOptions, find, looked_up, write_decidable
from icp_ml.commands.sources import about, check_csv, check_folder, load_model, read_all, write_text
from icp_ml.commands.tracked import logged_to_mlflow
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts
    from icp_ml.accounts.matching import FoundCustomers
    from icp_ml.commands.sources import Source
    from icp_ml.tracking.runs import LoggedRun
    from icp_ml.workflow import TrainingRun

NO_OPTIONS = ListOptions()


def train(
    context: Context,
    customers: Source,
    market: Source | None,
    out: Path,
    register: str | None,
    options: ListOptions = NO_OPTIONS,
    listed_customers: Path | None = None,
) -> Outcome:
    """Train, save, log."""
    from icp_ml.model_directory import check_target
    from icp_ml.report import terminal
    from icp_ml.report.context import growth_view
    from icp_ml.report.decided_terminal import decided_tables
    from icp_ml.report.decided_view import decided_view
    from icp_ml.report.matching_view import matching_view
    from icp_ml.report.segments_view import segments_view

    check_target(out)
    options.check(market)
    if listed_customers is not None:
        check_csv("--customers-out", listed_customers)
    run, accounts, listed, found = train_model(context, customers, market, options)
    run.model.save(out)
    written = write_decidable(found, options)
    after = write_customers(run, listed_customers)
    told = run.model.data_report
    tracked = track(context, run, out, {"customers": customers, "list": market}, None, register)
    view = terminal.spaced(
        terminal.reading_notes([a.report for a in (accounts, listed) if a]),
        terminal.noted([*run.labels.notes, *run.data_report.notes]),
        terminal.labels_line(run.labels),
        terminal.matching_lines(matching_view(told.get("matching") or {}, told.get("enrichment") or {})),
        terminal.profile_panel(run.profile),
        terminal.growth_lines(growth_view(run.profile.evidence)),
        decided_tables(decided_view(run.profile)),
        terminal.segments_lines(segments_view(run.model)),
        terminal.quality_table(run.evaluation),
        terminal.suspicious_table(run.evaluation.suspicious),
        terminal.customers_line(run.customers.counts if run.customers else {}),
        terminal.stages_line(run.seconds),
        terminal.files_table(
            {
                "Model": str(out),
                **written,
                **after,
                **tracked,
                "Next": f"icp-ml report {out} --html report.html;  icp-ml score {out} LIST --out scored.csv",
            }
        ),
    )
    data = training_data(run, out, tracked)
    data["written"] = {
        **({"review table": str(options.review)} if written else {}),
        **({"customers": str(listed_customers)} if after else {}),
    }
    return Outcome(data, view)


def write_customers(run: TrainingRun, path: Path | None) -> dict[str, str]:
    """Write the customers to look after, where that was asked for; return what is said of it."""
    if path is None or run.customers is None:
        return {}
    from icp_ml.engines.writing import write_review

    table = run.customers.frame().round({"grade": 1, "fit_score": 1})
    if table.empty:
        write_text(path, ",".join(table.columns) + "\n")
    else:
        write_review(path, table)
    return {"To look after": f"{path} ({len(table):,} of {len(run.customers.table):,} customers)"}


def report(
    context: Context,
    model: str,
    html: Path | None,
    markdown: Path | None,
    slide: Path | None = None,
    scored: Path | None = None,
) -> Outcome:
    """Show and write what a model knows."""
    from icp_ml.evaluation import Evaluation
    from icp_ml.report import terminal
    from icp_ml.report.decided_terminal import decided_tables
    from icp_ml.report.decided_view import decided_view
    from icp_ml.report.html import write_html
    from icp_ml.report.markdown import write_markdown
    from icp_ml.report.segments_view import segments_view
    from icp_ml.report.slide import check_slide_name, write_slide

    if slide is not None:
        check_slide_name(slide)
    loaded = load_model(context, model)
    listed = None
    if scored is not None:
        from icp_ml.engines.scored_file import read_scored
        from icp_ml.report.list_view import MAX_TOP

        listed = read_scored(scored, loaded.version, MAX_TOP, loaded.settings.tiers.capacity)
        if context.as_of is not None:
            listed["as_of"] = context.as_of.isoformat()
    written = {}
    if html is not None:
        check_folder(html)
        written["HTML report"] = str(write_html(loaded, html, listed))
    for name, path, write in (("Slide", slide, write_slide), ("Markdown", markdown, write_markdown)):
        if path is not None:
            check_folder(path)
            written[name] = str(write(loaded, path))
    evaluation = Evaluation.from_dict(loaded.evaluation)
    view = terminal.spaced(
        terminal.profile_panel(loaded.profile, 12),
        decided_tables(decided_view(loaded.profile)),
        terminal.segments_lines(segments_view(loaded)),
        terminal.quality_table(evaluation),
        terminal.files_table({"Model": f"{model} ({loaded.version})", **written}),
    )
    data = {
        "model_version": loaded.version,
        "profile": loaded.profile.to_dict(),
        "evaluation": dict(loaded.evaluation),
        "written": written,
    }
    return Outcome(data, view)


def train_model(
    context: Context, customers: Source, market: Source | None, options: ListOptions = NO_OPTIONS
) -> tuple[TrainingRun, Accounts, Accounts | None, FoundCustomers | None]:
    """Read, look customers up on the list, then train."""
    from icp_ml import workflow

    believed = believed_before(context)
    with context.progress("read") as bar:
        accounts, listed = read_all(context, customers, market, bar)
        accounts.check_unique_ids()
        found, listed = find(context, accounts, market, listed, options, bar)
        with about(customers):
            run = workflow.train(
                accounts,
                context.settings,
                listed,
                found=found,
                hypothesis=believed,
                n_jobs=context.jobs,
                progress=bar,
            )
    return run, accounts, listed, found


def track(
    context: Context,
    run: TrainingRun,
    model: Path,
    sources: Mapping[str, Source | None],
    page: Path | None,
    register: str | None,
) -> dict[str, str]:
    """Log to MLflow; see `logged_to_mlflow`."""

    def log(name: str | None) -> LoggedRun:
        from icp_ml.tracking.runs import log_training

        return log_training(run, model, settings=context.settings, sources=sources, report=page, registered_model=name)

    return logged_to_mlflow(context, model, register, log)


def training_data(run: TrainingRun, out: Path, tracked: Mapping[str, str]) -> dict[str, Any]:
    """Return what training answers to a program."""
    suspicious = run.evaluation.suspicious
    return {
        "model": str(out),
        "model_version": run.model.version,
        "labels": run.labels.to_dict(),
        "profile": run.profile.to_dict(),
        "evaluation": dict(run.model.evaluation),
        "suspicious_labels": suspicious.to_dict(customers=True) if suspicious else None,
        "columns": run.data_report.to_dict(),
        "customers": run.customers.to_dict() if run.customers else None,
        **looked_up(run.matches, run.plan.to_dict() if run.plan else None),
        "seconds": run.seconds,
        "tracking": dict(tracked),
    }
