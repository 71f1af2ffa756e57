"""icp_ml: lookalike modelling of ideal customers, learned from their own outcomes.

The public names are imported on first use, so `import icp_ml` itself stays light.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts, read_accounts
    from icp_ml.engines.spark import score_spark
    from icp_ml.estimator.classifier import ICPClassifier
    from icp_ml.exceptions import IcpError
    from icp_ml.model import ICPModel
    from icp_ml.outcomes import OutcomeDefinition
    from icp_ml.profile import IdealCustomerProfile
    from icp_ml.settings import Settings
    from icp_ml.workflow import TrainingRun, train

__version__ = "0.1.0"

_HOMES = {
    "Accounts": "icp_ml.accounts",
    "ICPClassifier": "icp_ml.estimator.classifier",
    "ICPModel": "icp_ml.model",
    "IcpError": "icp_ml.exceptions",
    "IdealCustomerProfile": "icp_ml.profile",
    "OutcomeDefinition": "icp_ml.outcomes",
    "Settings": "icp_ml.settings",
    "TrainingRun": "icp_ml.workflow",
    "read_accounts": "icp_ml.accounts",
    "score_spark": "icp_ml.engines.spark",
    "train": "icp_ml.workflow",
}

__all__ = [
    "Accounts",
    "ICPClassifier",
    "ICPModel",
    "IcpError",
    "IdealCustomerProfile",
    "OutcomeDefinition",
    "Settings",
    "TrainingRun",
    "__version__",
    "read_accounts",
    "score_spark",
    "train",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'icp_ml' has no attribute '{name}'"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
