"""Write a model as SQL, and a list as the table the statement reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml.commands.sources import check_folder, load_model, write_text
from icp_ml.exceptions import InputError
from icp_ml.session import Context, Outcome

if TYPE_CHECKING:
    from icp_ml.commands.sources import Source


@dataclass(frozen=True)
class SqlOptions:
    """Options of `icp-ml export-sql`."""

    dialect: str
    table: str
    out: Path | None = None
    reasons: int = 3
    source: Source | None = None
    source_out: Path | None = None
    mapping: Path | None = None


def export_sql(context: Context, model: str, options: SqlOptions) -> Outcome:
    """Write a model as one SQL statement, with its table's definition beside it."""
    from icp_ml.accounts.mapping import read_mapping
    from icp_ml.engines.canonical import write_canonical
    from icp_ml.engines.sql import export_sql as exported
    from icp_ml.report import terminal

    if (options.source is None) != (options.source_out is None):
        msg = "--list names the accounts and --list-out the Parquet file they are written to; give both or neither"
        raise InputError(msg)
    if options.out is not None:
        check_folder(options.out)
    loaded = load_model(context, model)
    made = exported(loaded, options.dialect, options.table, reasons=options.reasons, as_of=context.as_of)
    data: dict[str, Any] = made.to_dict()
    files: dict[str, str] = {}
    if options.out is not None:
        table = options.out.with_name(f"{options.out.stem}.table.sql")
        write_text(options.out, made.statement)
        write_text(table, made.definition)
        files = {f"Statement ({data['bytes']:,} bytes)": str(options.out), "Its table": str(table)}
    notes = []
    if options.source is not None and options.source_out is not None:
        mapping = read_mapping(options.mapping) if options.mapping else {}
        with context.progress("write the list") as bar:
            summary = write_canonical(loaded, options.source, options.source_out, mapping=mapping, progress=bar.rows)
        data["list"] = summary.to_dict()
        files[f"The list ({summary.written:,} accounts)"] = str(options.source_out)
        if summary.rejected:
            notes.append(f"{options.source}: {summary.rejected:,} rows cannot be parsed and are left out")
        if summary.missing_fields:
            notes.append(f"{options.source}: has no {', '.join(summary.missing_fields)}, which the model reads")
    text = None if options.out is not None else f"{_commented(made.definition)}\n{made.statement}"
    return Outcome(data, terminal.spaced(terminal.noted(notes), terminal.files_table(files)), text=text)


def _commented(definition: str) -> str:
    """Return a definition as comments, so that what is printed is one statement."""
    return "".join(line if line.startswith("--") else f"-- {line}" for line in definition.splitlines(keepends=True))
