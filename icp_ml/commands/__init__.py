"""What each command does: read, call the library, write, and say what to print. No parsing here."""

from icp_ml.commands.audience import AudienceOptions, export_audience
from icp_ml.commands.data import check, init
from icp_ml.commands.demo import demo
from icp_ml.commands.exporting import SqlOptions, export_sql
from icp_ml.commands.hypothesis import hypothesis, with_market
from icp_ml.commands.matching import ListOptions
from icp_ml.commands.scoring import ScoreOptions, score
from icp_ml.commands.sources import source
from icp_ml.commands.training import report, train

__all__ = [
    "AudienceOptions",
    "ListOptions",
    "ScoreOptions",
    "SqlOptions",
    "check",
    "demo",
    "export_audience",
    "export_sql",
    "hypothesis",
    "init",
    "report",
    "score",
    "source",
    "train",
    "with_market",
]
