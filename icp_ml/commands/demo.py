"""The whole job on the sample data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from icp_ml.commands.scoring import ScoreOptions, score_list
from icp_ml.commands.sources import write_text
from icp_ml.commands.training import track, train_model, training_data
from icp_ml.exceptions import MissingDependencyError
from icp_ml.session import Context, Outcome


def demo(context: Context, out: Path) -> Outcome:
    """Run the main job on the sample data."""
    from icp_ml.datasets.samples import sample_path
    from icp_ml.engines.writing import top_rows
    from icp_ml.report import terminal
    from icp_ml.report.html import write_html
    from icp_ml.report.list_view import MAX_TOP
    from icp_ml.report.slide import write_slide
    from icp_ml.report.value_view import steps_worth, value_view

    out.mkdir(parents=True, exist_ok=True)
    customers, market = sample_path("customers.csv"), sample_path("market.csv")
    store = f"sqlite:///{(out / 'mlflow.db').resolve()}"
    tracking = {**context.settings.tracking.model_dump(), "uri": store}
    context = replace(context, settings=context.settings.override(tracking=tracking))
    run, *_ = train_model(context, customers, market)
    model = run.model.save(out / "model")
    write_text(out / "profile.md", run.profile.to_markdown())
    summary, _ = score_list(context, str(model), market, out / "scored.csv", ScoreOptions(suppress=customers))
    shown = {**summary.to_dict(), "top_accounts": top_rows(summary.out, MAX_TOP)}
    said: dict[str, str] = {}
    page: Path | None = None
    try:
        page = write_html(run.model, out / "report.html", shown)
        said["Report"] = str(page)
        said["Slide"] = str(write_slide(run.model, out / "slide.pptx"))
    except MissingDependencyError as error:
        said["Slide" if page else "Report"] = f"left out: {error}"
    try:
        said |= track(context, run, model, {"customers": customers, "list": market}, page, "icp-demo")
        said["Look inside"] = f"mlflow ui --backend-store-uri {store}"
    except MissingDependencyError as error:
        said["MLflow"] = f"left out: {error}"
    view = terminal.spaced(
        terminal.labels_line(run.labels),
        terminal.profile_panel(run.profile),
        terminal.quality_table(run.evaluation),
        terminal.tiers_table(summary, run.model.evaluation["tiers"], value_view(run.model.evaluation)),
        terminal.score_lines(summary, steps_worth(summary.tiers, summary.obtainable, run.model.evaluation)),
        terminal.files_table(
            {
                "Profile": str(out / "profile.md"),
                "Scored list": str(summary.out),
                "Model": str(model),
                **said,
            }
        ),
    )
    data = {**training_data(run, model, said), "score": summary.to_dict(), "report": str(page) if page else None}
    return Outcome(data, view)
