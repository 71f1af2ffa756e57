"""Olist's tables -> customers.csv, list.csv and icp.yaml in three variants.

python experiments/real_olist/prepare.py SHARED/data OUT

Customers are the closed deals, joined with the lead each came from and with what the seller did afterwards. The list is
all leads. What is left in which file makes the variants:

honest      customers have what the list has (first contact, landing page, origin), and the outcomes
customers   what was asked of sellers or recorded about them is left in the customer file only
both        the same columns are in the list too, filled only for the leads that became sellers
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = "olist_b2b_sellers"
# Of the sellers won in 2018 before June about half activated in every month; of those won in August 6 %, later none.
# The orders end about the last day of August (they carry no dates here), and three months are enough to activate.
AS_OF = "2018-08-31"
HORIZON_DAYS = 90
MONTH = 365.25 / 12

LEAD = ["mql_id", "first_contact_date", "landing_page_id", "origin"]
ASKED = ["business_segment", "lead_type", "lead_behaviour_profile", "has_company", "has_gtin", "average_stock",
         "business_type", "declared_product_catalog_size", "declared_monthly_revenue"]  # fmt: skip
RECORDED = ["seller_id", "sdr_id", "sr_id", "seller_zip_code_prefix", "seller_city", "seller_state", "items_sold",
            "delivered_orders", "on_time_deliveries"]  # fmt: skip
OUTCOMES = ["won_date", "activated", "orders_per_month", "revenue_per_month", "avg_review_score"]
VARIANTS = ("honest", "customers", "both")

SETTINGS = """\
as_of: {as_of}
columns:
  mql_id: account_id
  won_date: customer_since
  activated: retained
  orders_per_month: renewals
  revenue_per_month: expansion_usd
  avg_review_score: csat
outcomes: {{horizon_days: {horizon}}}
tracking: {{enabled: false}}
"""


def prepare(data: Path, out: Path) -> dict[str, Path]:
    """Write one folder per variant; return them by name."""
    leads, sellers = _tables(data / FOLDER)
    folders = {}
    for variant in VARIANTS:
        folder = folders[variant] = out / variant
        folder.mkdir(parents=True, exist_ok=True)
        kept = LEAD if variant == "honest" else [*LEAD, *ASKED, *RECORDED]
        sellers[[*kept, *OUTCOMES]].to_csv(folder / "customers.csv", index=False)
        listed = leads[LEAD]
        if variant == "both":
            listed = listed.merge(sellers[["mql_id", *ASKED, *RECORDED]], on="mql_id", how="left")
        listed.to_csv(folder / "list.csv", index=False)
        text = SETTINGS.format(as_of=AS_OF, horizon=HORIZON_DAYS)
        (folder / "icp.yaml").write_text(text, encoding="utf-8")
    return folders


def _tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    leads, deals, performance, sellers = (
        pd.read_csv(folder / name, dtype="str")
        for name in ("olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv",
                     "seller_performance.csv", "olist_sellers_dataset.csv")
    )  # fmt: skip
    won = deals.merge(leads, on="mql_id", how="left", validate="one_to_one")
    won = won.merge(performance, on="seller_id", how="left").merge(sellers, on="seller_id", how="left")
    sold = won["orders_count"].notna()
    # The older a seller, the more it has sold: per month observed, or the oldest would be the best.
    won_on = pd.to_datetime(won["won_date"])
    months = ((pd.Timestamp(AS_OF) - won_on).dt.days / MONTH).clip(lower=1.0).to_numpy()
    for column, source in (("orders_per_month", "orders_count"), ("revenue_per_month", "gross_revenue")):
        won[column] = np.round(won[source].astype(float).fillna(0.0).to_numpy() / months, 4)
    return leads, won.assign(activated=np.where(sold, "yes", "no"), won_date=won_on.dt.strftime("%Y-%m-%d"))


if __name__ == "__main__":
    for name, folder in prepare(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(name, folder)
