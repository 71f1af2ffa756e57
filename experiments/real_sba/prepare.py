"""SBA loans -> customers.csv, list.csv, held_out.csv and icp.yaml in four variants.

python experiments/real_sba/prepare.py SHARED/data OUT

A borrower that defaulted is a customer that churned. A fifth of the loans, drawn at random, is the list; their outcome
is kept aside (held_out.csv) to judge the scores by. What is left in which file makes the variants:

honest      both files have what is known before the loan
customers   what is only known afterwards is left in the customer file
both        it is left in the list too, so that nothing is refused for being absent there
confirmed   as "honest", and the famous leak: `Term` is in both files and a person vouches for it
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = "sba_small_business_loans"
AS_OF = "2014-08-01"  # the newest charge-off
HELD_OUT = 0.2
SEED = 20181

# BankState, GrAppv and the like describe the loan asked for, not the company: a purchased list has none of them.
BEFORE = ["City", "Zip", "NAICS", "NoEmp", "NewExist", "FranchiseCode", "UrbanRural"]
AFTER = ["Term", "ChgOffDate", "ChgOffPrinGr", "BalanceGross", "MIS_Status", "daysterm", "xx", "Selected", "Portion",
         "Recession"]  # fmt: skip
OUTCOMES = ["ApprovalDate", "Default"]
VARIANTS = ("honest", "customers", "both", "confirmed")

SETTINGS = """\
as_of: {as_of}
columns:
  LoanNr_ChkDgt: account_id
  ApprovalDate: customer_since
  Default: churned
  NoEmp: employees
fields:
  custom:
    - {{name: new_exist, kind: category}}
    - {{name: urban_rural, kind: category}}
    - {{name: franchise_code, kind: category}}
  confirm: {confirm}
tracking: {{enabled: false}}
"""


def prepare(data: Path, out: Path) -> dict[str, Path]:
    """Write one folder per variant; return them by name."""
    loans = pd.read_csv(data / FOLDER / "sba_california_case.csv", dtype="str")
    loans["ApprovalDate"] = _day(loans["ApprovalDate"])
    loans["ChgOffDate"] = _day(loans["ChgOffDate"])
    held_out = np.random.default_rng(SEED).random(len(loans)) < HELD_OUT
    folders = {}
    for variant in VARIANTS:
        folder = folders[variant] = out / variant
        folder.mkdir(parents=True, exist_ok=True)
        known = ["LoanNr_ChkDgt", *BEFORE]
        here = {"honest": known, "confirmed": [*known, "Term"]}.get(variant, [*known, *AFTER])
        there = known if variant == "customers" else here
        loans.loc[~held_out, [*here, *OUTCOMES]].to_csv(folder / "customers.csv", index=False)
        loans.loc[held_out, there].to_csv(folder / "list.csv", index=False)
        loans.loc[held_out, ["LoanNr_ChkDgt", "Default"]].to_csv(folder / "held_out.csv", index=False)
        confirm = "[term]" if variant == "confirmed" else "[]"
        (folder / "icp.yaml").write_text(SETTINGS.format(as_of=AS_OF, confirm=confirm), encoding="utf-8")
    return folders


def _day(numbers: pd.Series[str]) -> pd.Series[str]:
    """Days since 1960 (SAS) as ISO dates."""
    days = pd.to_timedelta(pd.to_numeric(numbers), unit="D")
    return (pd.Timestamp("1960-01-01") + days).dt.strftime("%Y-%m-%d")


if __name__ == "__main__":
    for name, folder in prepare(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(name, folder)
