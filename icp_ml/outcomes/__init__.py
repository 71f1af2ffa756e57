"""Outcomes -> best, worst, middle: how customers are judged, and what the judgement rests on."""

from icp_ml.outcomes.audit import LabelAudit
from icp_ml.outcomes.deals import DealReport
from icp_ml.outcomes.definition import OutcomeDefinition
from icp_ml.outcomes.labels import MIN_CLASS, STATUSES, OutcomeLabels, SensitivityRow, check_enough
from icp_ml.outcomes.survival import RetentionCurve

__all__ = [
    "MIN_CLASS",
    "STATUSES",
    "DealReport",
    "LabelAudit",
    "OutcomeDefinition",
    "OutcomeLabels",
    "RetentionCurve",
    "SensitivityRow",
    "check_enough",
]
