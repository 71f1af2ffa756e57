"""MLflow: log a training run, register a model, load one by its address. Only this room imports mlflow, late."""

from icp_ml.tracking.addresses import resolve_model
from icp_ml.tracking.runs import LoggedRun, log_training
from icp_ml.tracking.stores import resolve_uri

__all__ = ["LoggedRun", "log_training", "resolve_model", "resolve_uri"]
