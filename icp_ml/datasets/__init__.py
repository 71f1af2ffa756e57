"""Synthetic companies with a planted ideal customer profile, and the sample data made of them.

Examples
--------
>>> world = make_world(300, 500, seed=1)
>>> len(world.customers), len(world.market), len(world.truth.traits)
(300, 500, 9)
"""

from icp_ml.datasets.companies import World, make_world
from icp_ml.datasets.planted import Decoy, PlantedTrait, Trap, Truth

__all__ = ["Decoy", "PlantedTrait", "Trap", "Truth", "World", "make_world"]
