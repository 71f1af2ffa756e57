"""Finding customers on a list, by domain, name and place, and what follows from it."""

from __future__ import annotations

from icp_ml.accounts.matching.enrichment import Enrichment, enrich
from icp_ml.accounts.matching.finding import FoundCustomers, NothingInCommonError, find_customers
from icp_ml.accounts.matching.grouping import group_accounts
from icp_ml.accounts.matching.match import match_accounts
from icp_ml.accounts.matching.policy import EnrichmentPlan, plan_enrichment
from icp_ml.accounts.matching.result import Candidate, Matches

__all__ = [
    "Candidate",
    "Enrichment",
    "EnrichmentPlan",
    "FoundCustomers",
    "Matches",
    "NothingInCommonError",
    "enrich",
    "find_customers",
    "group_accounts",
    "match_accounts",
    "plan_enrichment",
]
