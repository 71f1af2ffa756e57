"""One small training on a synthetic world, shared by the tests of scoring: every kind of field, a few seconds."""

from __future__ import annotations

from functools import cache

import pandas as pd

from icp_ml import ICPModel, Settings, TrainingRun, read_accounts, train
from icp_ml.datasets import World, make_world
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list

SETTINGS = Settings.build(
    {
        "as_of": "2026-10-01",
        "model": {"bags": 2},
        "evaluation": {"folds": 2, "repeats": 1},
        "tracking": {"enabled": False},
    }
)
HEADERS = [
    "Account ID",
    "Account Name",
    "Website",
    "Industry",
    "# Employees",
    "Annual Revenue",
    "Billing Country",
    "Billing City",
    "Year Founded",
    "Employee Growth",
    "Last Funding Date",
    "Tech Stack",
    "Hiring Roles",
    "Has Public API",
    "ESG Rating",
    "Cloud Regions",
    "Customer Since",
    "Churn Date",
    "Churned",
    "NRR (12m)",
    "NPS",
]


@cache
def small_world() -> World:
    """300 customers and a market of 400."""
    return make_world(300, 400, seed=3)


def customers() -> pd.DataFrame:
    """The customers as a CRM exports them, with some of its columns."""
    return as_crm_export(small_world().customers)[HEADERS]


def market() -> pd.DataFrame:
    """The market as a vendor writes it."""
    return as_purchased_list(small_world().market)


@cache
def small_run() -> TrainingRun:
    """What training on these customers makes."""
    return train(read_accounts(customers(), SETTINGS), SETTINGS, n_jobs=1)


def small_model() -> ICPModel:
    """The model of it."""
    return small_run().model
