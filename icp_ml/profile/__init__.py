"""The ideal customer profile: what it holds, how traits become filters and signals, and how two profiles differ."""

from typing import TYPE_CHECKING

from icp_ml._first_use import on_first_use
from icp_ml.profile.document import NOTHING_FOUND, PROFILE_VERSION, IdealCustomerProfile, is_named

if TYPE_CHECKING:
    from icp_ml.profile.differences import compare_profiles
    from icp_ml.profile.markdown import escape_markdown
    from icp_ml.profile.roles import (
        CUT_SHARE,
        EVIDENCE,
        MAX_AGAINST,
        MAX_FILTERS,
        MAX_SIGNALS,
        OBSERVED_SHARE,
        PASS_SHARE,
        ListAndCustomers,
        build_profile,
        check_names,
    )
    from icp_ml.profile.sales_reach import sold_so_far

__all__ = [
    "CUT_SHARE",
    "EVIDENCE",
    "MAX_AGAINST",
    "MAX_FILTERS",
    "MAX_SIGNALS",
    "NOTHING_FOUND",
    "OBSERVED_SHARE",
    "PASS_SHARE",
    "PROFILE_VERSION",
    "IdealCustomerProfile",
    "ListAndCustomers",
    "build_profile",
    "check_names",
    "compare_profiles",
    "escape_markdown",
    "is_named",
    "sold_so_far",
]

# Scoring needs the document alone; the other names come from what only training, comparing and showing need.
_HOMES = {
    **dict.fromkeys(__all__, "roles"),
    "compare_profiles": "differences",
    "escape_markdown": "markdown",
    "sold_so_far": "sales_reach",
}


def __getattr__(name: str) -> object:
    return on_first_use(__name__, _HOMES)(name)
