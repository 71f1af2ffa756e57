"""Traits: readable, stable statements about fields, told from chance, from stand-ins, and from their own search."""

from typing import TYPE_CHECKING

from icp_ml._first_use import on_first_use

if TYPE_CHECKING:
    from icp_ml.traits.consequences import growth_lines
    from icp_ml.traits.finding import find_traits
    from icp_ml.traits.reasons import GivenReasons, given_reasons
    from icp_ml.traits.trait import Direction, Trait

__all__ = ["Direction", "GivenReasons", "Trait", "find_traits", "given_reasons", "growth_lines"]

_HOMES = {
    "Direction": "trait",
    "GivenReasons": "reasons",
    "Trait": "trait",
    "find_traits": "finding",
    "given_reasons": "reasons",
    "growth_lines": "consequences",
}


def __getattr__(name: str) -> object:
    return on_first_use(__name__, _HOMES)(name)
