"""Outcomes -> best, worst, middle: how customers are judged, and what the judgement rests on."""

from icp_ml.outcomes.definition import OutcomeDefinition
from icp_ml.outcomes.labels import MIN_CLASS, STATUSES, OutcomeLabels, SensitivityRow, check_enough

__all__ = ["MIN_CLASS", "STATUSES", "OutcomeDefinition", "OutcomeLabels", "SensitivityRow", "check_enough"]
