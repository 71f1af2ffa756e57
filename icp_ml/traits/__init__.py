"""Traits: readable, stable statements about fields, told from chance, from stand-ins, and from their own search."""

from icp_ml.traits.consequences import growth_lines
from icp_ml.traits.finding import find_traits
from icp_ml.traits.reasons import GivenReasons, given_reasons
from icp_ml.traits.trait import Direction, Trait

__all__ = ["Direction", "GivenReasons", "Trait", "find_traits", "given_reasons", "growth_lines"]
