"""A model whose tables are written by hand: every score can be checked with a pencil, and nothing is trained."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.model import ICPModel
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import BY_NAME
from icp_ml.scoring.lookalikes import make_reference
from icp_ml.settings import Settings
from icp_ml.tiers import TierCutoffs
from icp_ml.traits import Trait

ENCODING = Encoding(
    (
        FieldEncoding("employees", "numeric", "count", "employees", edges=np.array([-1e-9, 100, 500, 5000])),
        FieldEncoding(
            "industry", "category", "category", "industry", values=("retail", "software"), spellings=("Retail", "SaaS")
        ),
        FieldEncoding("last_funding_date", "numeric", "date", "last raised", edges=np.array([-1e-9, 365, 4000])),
        FieldEncoding(
            "technologies", "tokens", "token_set", "technologies", "technographic", np.empty(0), ("aws", "sap"),
            ("AWS", "SAP"),
        ),
    )
)  # fmt: skip
VALUES = (
    np.array([0, -1, -1, 0.5, 1.0, 1.0]),
    np.array([0, 0, 0.1, -0.75, 1.25]),
    np.array([0, 0.25, 0.25, -0.25, -0.25]),
    np.array([0, -0.125, 0.5]),
    np.array([0, 0.0625, -0.5]),
)
CUSTOMERS = (
    np.array([20, 0, 60, 60, 60, 0]), np.array([20, 0, 0, 80, 100]), np.array([100, 0, 60, 40, 0]),
    np.array([0, 100, 100]), np.array([0, 150, 50]),
)  # fmt: skip
SHOWN = np.array([[4, 4, 2, 2, 1], [3, 4, 2, 2, 1], [3, 3, 0, 1, 1]], dtype=np.uint16)
IDS = ("C-1", "C-2", "C-3")
NOT_RETAIL = Trait(
    "industry: Retail", "industry", "industry", "firmographic", "negative", (3,), {"in": ["Retail"]}, 80, 4, 0.04, 0.5,
    0.05, 0.2, 0.1, 0.4, 0.95, 0.002, -2.0,
)  # fmt: skip


def hand_model(settings: dict[str, Any] | None = None, threshold: float = 0.1) -> ICPModel:
    """Base log-odds -1; tiers from 50, 30 and 15; three best customers to look like."""
    tables = ScoringTables(
        ENCODING, VALUES, tuple(np.full(len(v), 0.01) for v in VALUES), -1.0, 0.05,
        tuple(c.astype(float) for c in CUSTOMERS), tuple(c / 4.0 for c in CUSTOMERS), date(2026, 10, 1),
    )  # fmt: skip
    return ICPModel(
        tables,
        TierCutoffs(50, 30, 15),
        threshold,
        make_reference(SHOWN, IDS, "salt"),
        IdealCustomerProfile(True, "1 trait", filters=(NOT_RETAIL,)),
        {"tiers": []},
        {"labels": {}},
        Settings.build(settings or {}),
        {enc.field: BY_NAME[enc.field] for enc in ENCODING.fields},
        ("tree\n", "another tree\n"),
    )


def hand_list(n: int, seed: int = 0) -> pd.DataFrame:
    """A list with gaps in every field, as a vendor writes it."""
    rng = np.random.default_rng(seed)

    def gaps(values: list[Any], share: float) -> list[Any]:
        return [None if gone else v for v, gone in zip(values, rng.random(n) < share, strict=True)]

    return pd.DataFrame(
        {
            "Account ID": [f"L-{i:05d}" for i in range(n)],
            "Account Name": [f"Company {i}" for i in range(n)],
            "Website": [f"www.company{i}.example" for i in range(n)],
            "# Employees": gaps([str(v) for v in rng.integers(1, 900, n)], 0.2),
            "Industry": gaps(rng.choice(["SOFTWARE", "Retail"], n).tolist(), 0.2),
            "Last Funding Date": gaps([f"{y}-03-01" for y in rng.integers(2019, 2027, n)], 0.3),
            "Tech Stack": gaps(
                ["; ".join(["AWS"] * a + ["SAP"] * b + ["Excel"]) for a, b in rng.integers(0, 2, (n, 2))], 0.2
            ),
            "Note": gaps(["=SUM(A1)", "plain", "-5"] * (n // 3) + ["x"] * (n % 3), 0.1),
        }
    )
