"""A training run as MLflow wants it: flat parameters, metrics and tags. Nothing here imports mlflow."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from icp_ml import __version__
from icp_ml.evaluation.result import MODEL, LearnerResult
from icp_ml.model_directory import LIBRARIES

if TYPE_CHECKING:
    from icp_ml.settings import Settings
    from icp_ml.tracking.fingerprints import Fingerprint
    from icp_ml.workflow import TrainingRun

MAX_VALUE = 500  # characters of a parameter or tag that every MLflow server takes


def run_parameters(run: TrainingRun, settings: Settings, fingerprints: Iterable[Fingerprint]) -> dict[str, str]:
    """Return what went in: settings, seed, as-of date, versions, label counts, shapes of the files."""
    out: dict[str, Any] = _flat(settings.model_dump(mode="json", exclude={"tracking", "as_of"}))
    out["as_of"] = run.model.tables.as_of
    out["settings_hash"] = settings.hash
    out |= {f"version.{name}": found for name, found in library_versions().items()}
    out |= {f"labels.{name}": count for name, count in run.labels.counts.items()}
    out["labels.definition"] = run.labels.definition_text
    out["fields"] = ", ".join(run.model.fields)
    out["fields.count"] = len(run.model.fields)
    for entry in fingerprints:
        out[f"{entry.role}.sha256"] = entry.sha256
        out[f"{entry.role}.rows"] = entry.rows
        out[f"{entry.role}.columns"] = len(entry.columns)
        out[f"{entry.role}.headers"] = ", ".join(entry.columns)
    return {name: _short(value) for name, value in out.items()}


def run_tags(run: TrainingRun, fingerprints: Iterable[Fingerprint]) -> dict[str, str]:
    """Return what a run is found by."""
    out: dict[str, Any] = {
        "mlflow.source.name": "icp-ml",
        "icp_ml.model_version": run.model.version,
        "icp_ml.settings_hash": run.model.settings.hash,
        "icp_ml.profile_found": run.profile.found,
        "icp_ml.verdict": run.evaluation.verdict_code,
    }
    out |= {f"icp_ml.{entry.role}.sha256": entry.sha256 for entry in fingerprints}
    return {name: _short(value) for name, value in out.items()}


def run_description(run: TrainingRun) -> str:
    """Return what a reader of the run's page sees first."""
    from icp_ml.profile import escape_markdown

    lines = [run.evaluation.verdict, *run.evaluation.cautions, ""]
    lines += [f"- {escape_markdown(line)}" for line in run.profile.summary()]
    return "\n".join(lines)


def run_metrics(run: TrainingRun) -> dict[str, float]:
    """Return what came out, finite numbers only.

    `auc`, `auc_low`, `auc_high` (95 %) and so on are the model's, `ridge_logistic/auc` is a baseline's,
    `gain.ridge_logistic/auc` the model minus the baseline, `backtest/auc` the model's on the newest customers. Further
    groups: `gate`, `labels`, `tier_a` to `tier_d`, `profile`, `seconds`.
    """
    out: dict[str, float] = {}
    for learner in run.evaluation.learners:
        out |= _of_learner(learner, "" if learner.name == MODEL else f"{learner.name}/")
    for learner in run.evaluation.backtest.learners if run.evaluation.backtest else ():
        out |= _of_learner(learner, "backtest/" if learner.name == MODEL else f"backtest.{learner.name}/")
    out["gate/p_value"] = run.gate.p_value
    out |= {f"labels/{name}": float(count) for name, count in run.labels.counts.items()}
    for row in run.model.evaluation.get("tiers", ()):
        tier = f"tier_{row['tier'].lower()}"
        out |= {f"{tier}/{name}": math.nan if row[name] is None else float(row[name]) for name in row if name != "tier"}
    traits = {"filters": run.profile.filters, "signals": run.profile.signals, "anti_traits": run.profile.anti_traits}
    out |= {f"profile/{name}": float(len(group)) for name, group in traits.items()}
    out |= {f"seconds/{stage.replace(' ', '_')}": seconds for stage, seconds in run.seconds.items()}
    return {name: float(value) for name, value in out.items() if math.isfinite(value)}


def library_versions() -> dict[str, str]:
    """Return the versions that shape a result."""
    found = {"icp-ml": __version__, "python": platform.python_version()}
    for name in (*LIBRARIES, "mlflow", "pandas", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def requirements() -> list[str]:
    """Return what an environment that serves the model installs: the versions of the training."""
    skipped = {"python", "icp-ml"}
    pins = [f"{name}=={found}" for name, found in library_versions().items() if name not in skipped]
    return [f"icp-ml=={__version__}", *sorted(pins)]


def _of_learner(learner: LearnerResult, prefix: str) -> dict[str, float]:
    out: dict[str, float] = {}
    for name, value in learner.metrics.items():
        out |= {f"{prefix}{name}": value.value, f"{prefix}{name}_low": value.low, f"{prefix}{name}_high": value.high}
    for name, value in learner.gains.items():
        group = f"gain.{prefix}"
        out |= {f"{group}{name}": value.value, f"{group}{name}_low": value.low, f"{group}{name}_high": value.high}
    return out


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping) and name != "columns":
            out |= _flat(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = value
    return out


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."
