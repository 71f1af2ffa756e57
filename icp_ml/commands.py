"""What each command does: read, call the library, write, and say what to print. No parsing here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from icp_ml.exceptions import IcpError, InputError, MissingDependencyError, TrainingRefused
from icp_ml.session import Bar, Context, Outcome
from icp_ml.settings import Settings

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts
    from icp_ml.engines.files import ScoreSummary
    from icp_ml.model import ICPModel
    from icp_ml.workflow import TrainingRun


TOP_ACCOUNTS = 25
LIST_ROWS = 200_000  # of a list, looked at in training: enough for coverage and shares of the market


@dataclass(frozen=True)
class ScoreOptions:
    """Options of `icp-ml score`."""

    resume: bool = False
    suppress: Path | None = None
    exclude: tuple[Path, ...] = ()
    capacity: int | None = None
    reasons: int | None = None
    lookalikes: int | None = None
    keep: tuple[str, ...] = ()
    mapping: Path | None = None


def check(context: Context, customers: Path, market: Path | None) -> Outcome:
    """Label the customers and judge every column, without training."""
    from icp_ml.accounts.quality import check_usable, judge_columns
    from icp_ml.outcomes import OutcomeDefinition, check_enough
    from icp_ml.report import terminal

    with context.progress("read") as bar:
        accounts, listed = _read_all(context, customers, market, bar)
        accounts.check_unique_ids()
        bar("judge", 0.7)
        as_of = context.settings.as_of or accounts.as_of
        data: dict[str, Any] = {
            "source": accounts.report.to_dict(),
            "list": listed.report.to_dict() if listed else None,
        }
        read = terminal.reading_notes([a.report for a in (accounts, listed) if a])
        try:
            with _about(customers):
                labels = OutcomeDefinition.from_settings(context.settings.outcomes).label(accounts.frame, as_of)
        except TrainingRefused as error:
            return Outcome({**data, "refused": [str(error)]}, terminal.spaced(read, terminal.refusal([str(error)])), 1)
        columns = judge_columns(
            accounts.table,
            accounts.fields,
            labels.status,
            market=listed.table if listed else None,
            settings=context.settings,
            as_of=as_of,
        )
    refusals = [f"{customers}: {why}" for why in (*_refusal(check_enough, labels), *_refusal(check_usable, columns))]
    fields = len(columns.accepted)
    ready = Text(f"Ready to train on {fields} field{'s' if fields != 1 else ''}.", style="green")
    view = terminal.spaced(
        terminal.columns_table(columns),
        terminal.labels_line(labels),
        Text(labels.definition_text),
        terminal.noted([*labels.notes, *columns.notes]),
        read,
        terminal.refusal(refusals) if refusals else ready,
    )
    data |= {"labels": labels.to_dict(), "columns": columns.to_dict(), "refused": refusals}
    return Outcome(data, view, 1 if refusals else 0)


def _refusal(test: Callable[[Any], None], subject: object) -> list[str]:
    try:
        test(subject)
    except TrainingRefused as error:
        return [str(error)]
    return []


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Name the file in errors of steps that know only the table."""
    try:
        yield
    except (InputError, TrainingRefused) as error:
        if str(path) in str(error):
            raise
        msg = f"{path}: {error}"
        raise type(error)(msg) from error


def init(context: Context, customers: Path, market: Path | None, out: Path) -> Outcome:
    """Write proposed settings."""
    from icp_ml.accounts.mapping import propose_settings

    if out.exists():
        msg = f"{out}: exists already; choose another --out, or remove it"
        raise InputError(msg)
    with context.progress("read") as bar:
        accounts, listed = _read_all(context, customers, market, bar)
    text = propose_settings(accounts, listed)
    Settings.parse(text, str(out))
    _write_text(out, text)
    beside = f" --list {market}" if market else ""
    return Outcome(
        {"settings": str(out)},
        Text(f"Wrote {out}: read it, correct it, then  icp-ml check {customers}{beside} --settings {out}"),
    )


def train(context: Context, customers: Path, market: Path | None, out: Path, register: str | None) -> Outcome:
    """Train, save, log."""
    from icp_ml.model_directory import check_target
    from icp_ml.report import terminal

    check_target(out)
    run, accounts, listed = _train(context, customers, market)
    run.model.save(out)
    tracked = _track(context, run, out, {"customers": customers, "list": market}, None, register)
    view = terminal.spaced(
        terminal.reading_notes([a.report for a in (accounts, listed) if a]),
        terminal.noted([*run.labels.notes, *run.data_report.notes]),
        terminal.labels_line(run.labels),
        terminal.profile_panel(run.profile),
        terminal.quality_table(run.evaluation),
        terminal.stages_line(run.seconds),
        terminal.files_table(
            {
                "Model": str(out),
                **tracked,
                "Next": f"icp-ml report {out} --html report.html;  icp-ml score {out} LIST --out scored.csv",
            }
        ),
    )
    return Outcome(_training_data(run, out, tracked), view)


def report(context: Context, model: str, html: Path | None, markdown: Path | None) -> Outcome:
    """Show and write what a model knows."""
    from icp_ml.evaluation import Evaluation
    from icp_ml.report import terminal
    from icp_ml.report.html import write_html
    from icp_ml.report.markdown import write_markdown

    loaded = _load(context, model)
    written = {}
    for name, path, write in (("HTML report", html, write_html), ("Markdown", markdown, write_markdown)):
        if path is not None:
            _check_folder(path)
            written[name] = str(write(loaded, path))
    evaluation = Evaluation.from_dict(loaded.evaluation)
    view = terminal.spaced(
        terminal.profile_panel(loaded.profile, 12),
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


def score(context: Context, model: str, source: Path, out: Path, options: ScoreOptions) -> Outcome:
    """Score a list file."""
    from icp_ml.report import terminal

    summary, loaded = _score(context, model, source, out, options)
    view = terminal.spaced(
        terminal.tiers_table(summary, loaded.evaluation["tiers"]),
        terminal.score_lines(summary),
        terminal.files_table({"Scored": str(out)}),
    )
    return Outcome({**summary.to_dict(), "model_version": loaded.version}, view)


def demo(context: Context, out: Path) -> Outcome:
    """Run the main job on the sample data."""
    from icp_ml.datasets.samples import sample_path
    from icp_ml.engines.writing import top_rows
    from icp_ml.report import terminal
    from icp_ml.report.html import write_html

    out.mkdir(parents=True, exist_ok=True)
    customers, market = sample_path("customers.csv"), sample_path("market.csv")
    store = f"sqlite:///{(out / 'mlflow.db').resolve()}"
    tracking = {**context.settings.tracking.model_dump(), "uri": store}
    context = replace(context, settings=context.settings.override(tracking=tracking))
    run, _, _ = _train(context, customers, market)
    model = run.model.save(out / "model")
    _write_text(out / "profile.md", run.profile.to_markdown())
    summary, _ = _score(context, str(model), market, out / "scored.csv", ScoreOptions(suppress=customers))
    shown = {**summary.to_dict(), "top_accounts": top_rows(summary.out, TOP_ACCOUNTS)}
    said: dict[str, str] = {}
    page: Path | None = None
    try:
        page = write_html(run.model, out / "report.html", shown)
        said["Report"] = str(page)
    except MissingDependencyError as error:
        said["Report"] = f"left out: {error}"
    try:
        said |= _track(context, run, model, {"customers": customers, "list": market}, page, "icp-demo")
        said["Look inside"] = f"mlflow ui --backend-store-uri {store}"
    except MissingDependencyError as error:
        said["MLflow"] = f"left out: {error}"
    view = terminal.spaced(
        terminal.labels_line(run.labels),
        terminal.profile_panel(run.profile),
        terminal.quality_table(run.evaluation),
        terminal.tiers_table(summary, run.model.evaluation["tiers"]),
        terminal.score_lines(summary),
        terminal.files_table(
            {
                "Profile": str(out / "profile.md"),
                "Scored list": str(summary.out),
                "Model": str(model),
                **said,
            }
        ),
    )
    data = {**_training_data(run, model, said), "score": summary.to_dict(), "report": str(page) if page else None}
    return Outcome(data, view)


def _read_all(context: Context, customers: Path, market: Path | None, bar: Bar) -> tuple[Accounts, Accounts | None]:
    from icp_ml.accounts import read_accounts

    bar("read customers", 0.0)
    accounts = read_accounts(customers, context.settings)
    if market is None:
        return accounts, None
    bar("read list", 0.0)
    return accounts, read_accounts(market, context.settings, like=accounts, at_most=LIST_ROWS)


def _train(context: Context, customers: Path, market: Path | None) -> tuple[TrainingRun, Accounts, Accounts | None]:
    from icp_ml import workflow

    with context.progress("read") as bar:
        accounts, listed = _read_all(context, customers, market, bar)
        with _about(customers):
            run = workflow.train(accounts, context.settings, listed, n_jobs=context.jobs, progress=bar)
    return run, accounts, listed


def _score(
    context: Context, model: str, source: Path, out: Path, options: ScoreOptions
) -> tuple[ScoreSummary, ICPModel]:
    from icp_ml.accounts import read_accounts
    from icp_ml.accounts.mapping import read_mapping
    from icp_ml.engines.files import ScoreRequest, check_out, score_file

    check_out(out, source)
    loaded = _load(context, model)
    settings = context.settings if context.settings_given else loaded.settings
    customers = read_accounts(options.suppress, settings) if options.suppress else None
    exclude = [(read_accounts(path, settings), f"on {path.name}") for path in options.exclude]
    keep = [name for given in options.keep for name in given.split(",") if name]
    request = ScoreRequest(
        source,
        out,
        options.reasons,
        options.lookalikes,
        customers,
        exclude,
        "all" if keep == ["all"] else keep,
        read_mapping(options.mapping) if options.mapping else {},
        context.as_of,
        options.capacity or settings.tiers.capacity,
        context.jobs,
        options.resume,
    )
    with context.progress("score") as bar:
        return score_file(loaded, request, bar.rows), loaded


def _load(context: Context, address: str) -> ICPModel:
    from icp_ml.model import ICPModel

    if ":/" in address:
        from icp_ml.tracking.addresses import resolve_model

        return ICPModel.load(resolve_model(address, context.settings))
    return ICPModel.load(address)


def _track(
    context: Context,
    run: TrainingRun,
    model: Path,
    sources: Mapping[str, Path | None],
    page: Path | None,
    register: str | None,
) -> dict[str, str]:
    """Log to MLflow; without it installed say so once, unless a version was asked for."""
    name = register or context.settings.tracking.registered_model
    if not context.settings.tracking.enabled and not name:
        return {}
    try:
        from icp_ml.tracking.runs import log_training

        with context.progress("log to MLflow"):
            logged = log_training(
                run, model, settings=context.settings, sources=sources, report=page, registered_model=name
            )
    except MissingDependencyError:
        if name:
            raise
        return {"MLflow": "not logged (pip install 'icp-ml[mlflow]' to track runs)"}
    except IcpError as error:
        msg = f"the model is saved in {model}, but it was not logged: {error}"
        raise InputError(msg) from error
    shown = {"MLflow run": f"{logged.run_id} in {logged.to_dict()['tracking_uri']}"}
    if logged.registered_version:
        shown["MLflow model"] = f"models:/{name}/{logged.registered_version}"
    return shown


def _training_data(run: TrainingRun, out: Path, tracked: Mapping[str, str]) -> dict[str, Any]:
    return {
        "model": str(out),
        "model_version": run.model.version,
        "labels": run.labels.to_dict(),
        "profile": run.profile.to_dict(),
        "evaluation": dict(run.model.evaluation),
        "columns": run.data_report.to_dict(),
        "seconds": run.seconds,
        "tracking": dict(tracked),
    }


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        msg = f"{path}: the folder {path.parent} does not exist; name a file in an existing folder"
        raise InputError(msg)


def _write_text(path: Path, text: str) -> None:
    """Write whole or not at all."""
    _check_folder(path)
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_text(text, encoding="utf-8")
    shutil.move(fresh, path)
