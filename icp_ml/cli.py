"""The command line: parse, call, print."""

from __future__ import annotations

import codecs
import functools
import gc
import inspect
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from icp_ml import commands
from icp_ml.exceptions import IcpError, InputError
from icp_ml.session import Context, Outcome

PIPED_WIDTH = 140  # columns, where the output is no terminal
PLAIN = {"−": "-", "–": "-", "×": "x", "…": "~", "“": '"', "”": '"'}  # where the terminal lacks a character

app = typer.Typer(
    name="icp-ml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learn from your customers' outcomes who your ideal customer is, and score lists of companies by it.",
)

SOURCES = "CSV, Parquet, Excel, folder, glob or database address"
Customers = Annotated[str, typer.Argument(metavar="CUSTOMERS", help=f"customer file: {SOURCES}", show_default=False)]
List = Annotated[
    str | None,
    typer.Option("--list", metavar="LIST", help="a list that will be scored: fields it lacks are not used"),
]
Review = Annotated[
    Path | None,
    typer.Option("--review", metavar="FILE.csv", help="write the customers that may be on the list, for you to decide"),
]
Decided = Annotated[
    str | None,
    typer.Option("--matches", metavar="FILE.csv", help="the review table with your decisions: customer -> account"),
]
Out = Annotated[Path, typer.Option("--out", help="settings file to write")]
_COMMON: dict[str, Any] = {
    "settings": Annotated[Path | None, typer.Option("--settings", help="YAML settings; write them with  icp-ml init")],
    "as_of": Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="the day the data speaks of, YYYY-MM-DD")
    ],
    "jobs": Annotated[int | None, typer.Option("--jobs", min=1, help="cores to use; results do not depend on it")],
    "seed": Annotated[int | None, typer.Option("--seed", min=0, help="seed of everything random")],
    "json_": Annotated[bool, typer.Option("--json", help="print the result as one JSON object")],
    "quiet": Annotated[bool, typer.Option("--quiet", help="no progress, no summary")],
    "debug": Annotated[bool, typer.Option("--debug", help="show tracebacks and debug logs")],
}
_DEFAULTS: dict[str, Any] = {
    "settings": None,
    "as_of": None,
    "jobs": None,
    "seed": None,
    "json_": False,
    "quiet": False,
    "debug": False,
}


def command(run: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Register a command: add the options every command takes, print its result, turn errors into exit codes."""

    @functools.wraps(run)
    def wrapped(**given: Any) -> None:
        common = {name: given.pop(name) for name in _COMMON}
        code = _guarded(common["debug"], lambda: _run(run, common, given))
        raise typer.Exit(code)

    own = [p for p in inspect.signature(run, eval_str=True).parameters.values() if p.name != "context"]
    shared = [
        inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[n], annotation=a)
        for n, a in _COMMON.items()
    ]
    wrapped.__signature__ = inspect.Signature([p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    del wrapped.__wrapped__  # else typer would read the undecorated signature
    app.command(name=run.__name__.replace("_", "-"))(wrapped)
    return run


def _run(run: Callable[..., Outcome], common: dict[str, Any], given: dict[str, Any]) -> int:
    context = Context.build(
        common["settings"],
        common["as_of"],
        common["jobs"],
        common["seed"],
        quiet=common["quiet"] or common["json_"],
        debug=common["debug"],
    )
    outcome = run(context=context, **given)
    unicode = _prepare_stdout()
    if common["json_"]:
        sys.stdout.write(json.dumps(outcome.data, ensure_ascii=not unicode, allow_nan=False) + "\n")
    elif outcome.text is not None:
        sys.stdout.write(outcome.text)
    elif not common["quiet"]:
        Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH).print(outcome.view)
    return outcome.exit_code


def _prepare_stdout() -> bool:
    """Return whether stdout can print any character; where it can't, let plain ones stand for those it has not."""
    unicode = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    if not unicode and isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("icp_ml_plain", _plainly)
        sys.stdout.reconfigure(errors="icp_ml_plain")
    return unicode


def _plainly(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


def _guarded(debug: bool, run: Callable[[], int]) -> int:
    """Return an exit code; errors go to stderr as sentences, never as a traceback unless `--debug`."""
    try:
        return run()
    except IcpError as error:
        if debug:
            raise
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("stopped")
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the reader went away: nothing more to say
        return 0
    except (OSError, MemoryError) as error:
        if debug:
            raise
        _complain(f"{error}; see that the place can be written and read, and try again")
        return InputError.exit_code
    except Exception as error:
        if debug:
            raise
        _complain(f"internal error ({type(error).__name__}: {error}); run again with --debug and report what it prints")
        return 3


def _complain(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"icp-ml: {text}", style="red", markup=False, highlight=False)


@command
def demo(
    context: Context,
    out: Annotated[Path, typer.Option("--out", help="folder for everything it makes")] = Path("icp_demo"),
) -> Outcome:
    """Run the whole job on sample data, offline, MLflow included."""
    return commands.demo(context, out)


@command
def init(context: Context, customers: Customers, market: List = None, out: Out = Path("icp.yaml")) -> Outcome:
    """Propose settings from a customer file's headers and values, commented."""
    return commands.init(context, commands.source(customers), _source(market), out)


@command
def check(
    context: Context,
    customers: Customers,
    market: List = None,
    html: Annotated[Path | None, typer.Option("--html", help="write the data report as one HTML file")] = None,
    review: Review = None,
    matches: Decided = None,
) -> Outcome:
    """Report on the data; exit 1 when training would be refused."""
    options = commands.ListOptions(review, _source(matches))
    return commands.check(context, commands.source(customers), _source(market), html, options)


@command
def train(
    context: Context,
    customers: Customers,
    out: Annotated[Path, typer.Option("--out", help="model directory to write")],
    market: List = None,
    register: Annotated[
        str | None, typer.Option("--register", metavar="NAME", help="make a version of this registered model in MLflow")
    ] = None,
    review: Review = None,
    matches: Decided = None,
    new_market: Annotated[
        str | None,
        typer.Option("--new-market", metavar="RULE", help='a market being entered, such as "employees > 500"'),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--customers-out",
            metavar="F.csv",
            help="write customers outside the profile, or whose outcome is not what their fit says",
        ),
    ] = None,
) -> Outcome:
    """Label customers, train, derive the profile, save the model, log it to MLflow."""
    options = commands.ListOptions(review, _source(matches))
    context = commands.with_market(context, new_market)
    return commands.train(context, commands.source(customers), _source(market), out, register, options, listed)


@command
def hypothesis(
    context: Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="YAML: filters, signals and anti-traits", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="model directory to write")],
    register: Annotated[
        str | None, typer.Option("--register", metavar="NAME", help="make a version of this registered model in MLflow")
    ] = None,
) -> Outcome:
    """Make a model of a written ICP, without customers: it scores, and is reported and saved, as any other."""
    return commands.hypothesis(context, file, out, register)


@command
def report(
    context: Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="model directory, or models:/NAME/VERSION")],
    html: Annotated[Path | None, typer.Option("--html", help="write the report as one HTML file")] = None,
    slide: Annotated[
        Path | None,
        typer.Option("--slide", metavar="F.pptx|F.png", help="write the profile as one slide, or a picture of it"),
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="write the profile as Markdown")] = None,
    scored: Annotated[
        Path | None, typer.Option("--scored", metavar="FILE", help="a list scored with this model, shown in the HTML")
    ] = None,
) -> Outcome:
    """Show a model's profile and quality; write them as HTML, a slide or Markdown."""
    return commands.report(context, model, html, markdown, slide, scored)


@command
def score(
    context: Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="model directory, or models:/NAME/VERSION")],
    list_: Annotated[str, typer.Argument(metavar="LIST", help=f"accounts to score: {SOURCES}")],
    out: Annotated[Path, typer.Option("--out", help="scored file, .csv or .parquet")],
    resume: Annotated[bool, typer.Option("--resume", help="go on where an interrupted run stopped")] = False,
    suppress: Annotated[
        str | None,
        typer.Option("--suppress", metavar="CUSTOMERS", help="existing customers: not scored, but named in lookalikes"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="FILE", help="further files of accounts to leave out (competitors, do-not-contact)"
        ),
    ] = None,
    capacity: Annotated[int | None, typer.Option("--capacity", min=1, help="accounts that can be worked")] = None,
    reasons: Annotated[int | None, typer.Option("--reasons", min=0, max=20, help="reasons per account")] = None,
    lookalikes: Annotated[
        int | None, typer.Option("--lookalikes", min=0, max=3, help="most alike customers per account")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COLS|all", help="columns of the list to carry along, separated by commas"),
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="YAML: header of this list -> field")] = None,
) -> Outcome:
    """Score a list: fit, tier, reasons, most alike customers."""
    options = commands.ScoreOptions(
        resume,
        _source(suppress),
        tuple(map(commands.source, exclude or ())),
        capacity,
        reasons,
        lookalikes,
        tuple(keep or ()),
        mapping,
    )
    return commands.score(context, model, commands.source(list_), out, options)


@command
def export_audience(
    context: Context,
    scored: Annotated[Path, typer.Argument(metavar="SCORED", help="a file icp-ml score wrote", show_default=False)],
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="linkedin, google, meta, salesforce or hubspot")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV to write")],
    tiers: Annotated[
        str, typer.Option("--tiers", metavar="TIERS", help="tiers that go out, separated by commas")
    ] = "A,B",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="accounts at most, the best first")] = None,
    contacts: Annotated[
        str | None,
        typer.Option("--contacts", metavar="CONTACTS", help="people at the companies, for google and meta"),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="YAML: header of a carried column or of the contacts -> field")
    ] = None,
    no_hash: Annotated[bool, typer.Option("--no-hash", help="write people in clear, for the platform to hash")] = False,
) -> Outcome:
    """Write scored accounts as LinkedIn, Google, Meta, Salesforce or HubSpot take them."""
    options = commands.AudienceOptions(tiers, limit, _source(contacts), mapping, no_hash)
    return commands.export_audience(context, scored, format_, out, options)


@command
def export_sql(
    context: Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="model directory, or models:/NAME/VERSION")],
    dialect: Annotated[
        str,
        typer.Option("--dialect", help="duckdb, postgres, snowflake, bigquery, databricks, spark or redshift"),
    ],
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="the canonical table in the warehouse")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="F.sql", help="write it, and F.table.sql that makes the table")
    ] = None,
    reasons: Annotated[int, typer.Option("--reasons", min=0, max=20, help="reasons per account")] = 3,
    list_: Annotated[
        str | None, typer.Option("--list", metavar="LIST", help="accounts to write as the canonical table")
    ] = None,
    list_out: Annotated[
        Path | None, typer.Option("--list-out", metavar="F.parquet", help="where to write them")
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="YAML: header of this list -> field")] = None,
) -> Outcome:
    """Write a model as one SQL statement that scores a table in a warehouse: fit, tier, reasons."""
    options = commands.SqlOptions(dialect, table, out, reasons, _source(list_), list_out, mapping)
    return commands.export_sql(context, model, options)


def _source(given: str | None) -> Any:
    return None if given is None else commands.source(given)


def main() -> None:
    """Entry point of `icp-ml`."""
    # Arrow's other allocators keep much of what was freed; it reads this when it is imported, so not later.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(50_000, 20, 100)  # most of what a command makes at its start stays until its end
    try:
        app()
    finally:
        gc.freeze()  # it all goes with the process: to look through it before takes a tenth of a second


if __name__ == "__main__":
    main()
