"""What changed between two profiles, in sentences; a number that chance may have moved is no change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icp_ml.profile.document import IdealCustomerProfile
    from icp_ml.traits import Trait

ROLES = {
    "filter": "a filter",
    "signal": "a signal",
    "anti_trait": "an anti-trait",
    "further": "a further trait",
    "sold_so_far": "where you have sold so far",
}


def compare_profiles(before: IdealCustomerProfile, after: IdealCustomerProfile) -> list[str]:
    """Return in sentences how a profile changed.

    A trait is the same where its term and direction are, whatever its values. It got stronger or weaker only where the
    intervals of its lift do not overlap.

    Parameters
    ----------
    before, after : IdealCustomerProfile
    """
    if before == after:
        return ["The profiles are the same."]
    out = []
    if before.kind != after.kind:
        out.append(f"The profile was {_kind(before.kind)} and is now {_kind(after.kind)}.")
    if before.found != after.found:
        out.append("A profile was found." if after.found else f"There is no profile any more: {after.message}.")
    old, new = _by_key(before), _by_key(after)
    matched = _pairs(old, new)
    taken_old, taken_new = {i for i, _ in matched}, {j for _, j in matched}
    out += [f"Appeared: {_shown(t)} as {ROLES[role]}." for j, (role, t) in enumerate(new) if j not in taken_new]
    out += [f"Vanished: {_shown(t)}, which was {ROLES[role]}." for i, (role, t) in enumerate(old) if i not in taken_old]
    for i, j in matched:
        out += _changes(*old[i], *new[j])
    out += _of_overrides(before, after)
    return out or ["The same traits; only their numbers moved, by no more than chance would."]


def _by_key(profile: IdealCustomerProfile) -> list[tuple[str, Trait]]:
    return [(role, trait) for role, group in profile.groups() for trait in group]


def _pairs(old: Sequence[tuple[str, Trait]], new: Sequence[tuple[str, Trait]]) -> list[tuple[int, int]]:
    """Match traits of one term and direction: the same sentence first, then in order."""
    out: list[tuple[int, int]] = []
    for alike in (lambda a, b: a.sentence == b.sentence, lambda a, b: True):
        for i, (_, a) in enumerate(old):
            if any(i == k for k, _ in out):
                continue
            for j, (_, b) in enumerate(new):
                same = (a.term, a.direction) == (b.term, b.direction)
                if same and not any(j == k for _, k in out) and alike(a, b):
                    out.append((i, j))
                    break
    return sorted(out)


def _changes(role: str, a: Trait, now: str, b: Trait) -> list[str]:
    out = []
    if role != now:
        out.append(f"Moved: {_shown(b)} was {ROLES[role]} and is now {ROLES[now]}.")
    if a.sentence != b.sentence:
        out.append(f"Redrawn: {_shown(a)} became {_shown(b)}.")
    if a.customers and b.customers:
        stronger = b.lift_low > a.lift_high if a.direction == "positive" else b.lift_high < a.lift_low
        weaker = b.lift_high < a.lift_low if a.direction == "positive" else b.lift_low > a.lift_high
        if stronger or weaker:
            out.append(
                f"{'Strengthened' if stronger else 'Weakened'}: {_shown(b)}, lift {_lift(a)} before and {_lift(b)} now."
            )
    return out


def _of_overrides(before: IdealCustomerProfile, after: IdealCustomerProfile) -> list[str]:
    def told(profile: IdealCustomerProfile) -> dict[str, dict[str, Any]]:
        return {str(o.get("words")): o for o in profile.overrides}

    old, new = told(before), told(after)
    out = [f"Decided: {words} ({new[words].get('reason', '')})." for words in new if words not in old]
    return [*out, *(f"No longer decided: {words}." for words in old if words not in new)]


def _shown(trait: Trait) -> str:
    return f'"{trait.sentence}"'


def _lift(trait: Trait) -> str:
    return f"{trait.lift:.2f} ({trait.lift_low:.2f} to {trait.lift_high:.2f})"


def _kind(kind: str) -> str:
    return "a hypothesis" if kind == "hypothesis" else "derived from customers"
