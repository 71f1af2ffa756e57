"""How good the model is on customers it has not seen: folds, baselines, intervals, back-test, verdict."""

from icp_ml.evaluation.metrics import Interval
from icp_ml.evaluation.result import BackTest, Evaluation, FrozenThreshold, LearnerResult
from icp_ml.evaluation.run import evaluate
from icp_ml.evaluation.suspicious import SuspiciousLabels

__all__ = ["BackTest", "Evaluation", "FrozenThreshold", "Interval", "LearnerResult", "SuspiciousLabels", "evaluate"]
