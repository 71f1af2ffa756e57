"""Score a list in a file: constant memory, both cores, input order, resumable, the result written once."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from icp_ml import __version__
from icp_ml.accounts.formats.addresses import Address, address_of
from icp_ml.accounts.formats.encodings import recoding_note
from icp_ml.accounts.formats.readers import Chunk, Reject, open_table
from icp_ml.engines.finishing import WholeList, write_scored
from icp_ml.engines.in_order import in_order
from icp_ml.engines.list_tiers import ListTiers, check_mode
from icp_ml.engines.rank_runs import RankRuns
from icp_ml.engines.ranking import Suppression
from icp_ml.engines.spool import Spool
from icp_ml.engines.writing import check_place, distinct, write_rejects, write_review
from icp_ml.estimator.threads import one_blas_thread
from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.scoring import compiled
from icp_ml.scoring.columns import LIST_COLUMNS, LIST_TIER
from icp_ml.scoring.kernel import IDENTITY, Scorer
from icp_ml.scoring.lookalikes import salted
from icp_ml.settings import TierSettings

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts

FORMATS = (".csv", ".parquet")
_SOUGHT = (*IDENTITY, "city", "state", "country")  # what accounts are suppressed by


@dataclass(frozen=True)
class ScoreRequest:
    """What to score, and how.

    Attributes
    ----------
    source : str or Path
        The list: a file, folder, glob or address, as `open_table` takes it.
    out : Path
        The scored file (Parquet or CSV by the name's ending).
    customers : Accounts, optional
        Existing customers: suppressed on the list, and named in lookalikes.
    exclude : sequence of (Accounts, reason)
        Further accounts to suppress (competitors, do-not-contact).
    keep : sequence of str or "all"
        Headers of the list carried into the result.
    mapping : mapping of header to field
        For this list, before the model's own settings.
    tiers : TierSettings
        Whether a tier of the whole list stands beside the frozen one.
    jobs : int
        Batches scored at once; the result does not depend on it.
    """

    source: str | Path | Address
    out: Path
    reasons: int | None = None
    lookalikes: int | None = None
    customers: Accounts | None = None
    exclude: Sequence[tuple[Accounts, str]] = ()
    keep: Sequence[str] | str = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    as_of: date | None = None
    capacity: int | None = None
    tiers: TierSettings = field(default_factory=TierSettings)
    jobs: int = 2
    resume: bool = False


@dataclass(frozen=True)
class ScoreSummary:
    """What became of the rows of a list: `scored + ineligible + suppressed + rejected = rows`."""

    rows: int
    scored: int
    ineligible: int
    suppressed: int
    rejected: int
    tiers: dict[str, int]
    out: Path
    rejects: Path | None
    missing_fields: tuple[str, ...]
    outside_support: int
    seconds: float
    serviceable: int | None = None
    obtainable: int | None = None
    list_tiers: dict[str, int] | None = None
    notes: tuple[str, ...] = ()
    review: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        data = dict(self.__dict__)
        return {
            **data,
            "out": str(self.out),
            "rejects": str(self.rejects) if self.rejects else None,
            "review": str(self.review) if self.review else None,
            "missing_fields": list(self.missing_fields),
            "notes": list(self.notes),
        }


def score_file(
    model: ICPModel, request: ScoreRequest, progress: Callable[[int, int | None], None] | None = None
) -> ScoreSummary:
    """Score a list file.

    Parameters
    ----------
    model : ICPModel
    request : ScoreRequest
    progress : callable, optional
        Called with rows done and rows in all (None where that is not known before the end).

    Raises
    ------
    InputError
        The list cannot be read, holds none of the model's fields, or was changed since the run to resume.
    """
    start = time.perf_counter()
    request = replace(request, source=address_of(request.source))  # prints without passwords
    check_out(request.out, request.source)
    check_mode(request.tiers, request.capacity)
    reader = open_table(request.source)
    name = reader.address.shown
    compiled.expect(reader.rows or 0)
    if request.resume and reader.format == "database":
        msg = f"{name}: --resume is for files, as nobody can tell whether a database changed; run again without it"
        raise InputError(msg)
    kept = _kept(request.keep, reader.columns, name)
    # A query is run once: it may take long, and answer otherwise the next time.
    again = None if reader.format == "database" else reader
    normaliser = model.normaliser(list(reader.columns), request.mapping, again)
    normaliser.check_usable(name)
    names = None
    if request.customers is not None:
        names = _names(request.customers, model.reference.salt)
    scorer = model.scorer(reasons=request.reasons, lookalikes=request.lookalikes, names=names)
    columns_of = {**model.settings.columns, **request.mapping}
    suppression = Suppression.of(
        [*([(request.customers, "existing customer")] if request.customers else []), *request.exclude],
        request.source,
        model.settings.override(columns=columns_of),
    )
    spool = Spool(request.out, _fingerprint(model, request, reader.sha256(), scorer, kept), resume=request.resume)
    tally, runs = _Tally(), RankRuns(spool.folder_for("ranks"), jobs=request.jobs)
    own = ListTiers(request.tiers, request.capacity) if request.tiers.mode != "cutoffs" else None

    def work(chunk: Chunk) -> Chunk:
        """Score a chunk; return of it what is counted, as whole ones waiting for their turn would take much room."""
        done = spool.read(chunk.index)
        if done is None:
            columns = normaliser.normalise(chunk.batch, first_row=chunk.first_row)
            scored = scorer.score(columns, chunk.batch.num_rows, request.as_of)
            done = _finish(scored, chunk.batch, kept, suppression)
            spool.write(chunk.index, done)
        runs.add(chunk.index, done.column("log_odds").to_numpy(zero_copy_only=False), done.column("account_id"))
        return replace(chunk, batch=done.select(["status", "tier", "in_support"]))

    chunks = reader.batches(columns=[c for c in reader.columns if c in {*normaliser.columns, *kept}])
    # Only lookalikes take matrix products: were each to want all cores, they would get in each other's way.
    one_core = one_blas_thread() if scorer.lookalikes else nullcontext()
    try:
        with one_core:
            for chunk in in_order(chunks if again else normaliser.surveying(chunks), work, request.jobs):
                tally.add(chunk)
                if own is not None:
                    own.add(chunk.index, chunk.batch.column("in_support"))
                if progress:
                    progress(tally.rows, reader.rows)
        runs.merge()
        if own is not None:
            own.settle(runs)
        write_scored(
            request.out, spool, WholeList(runs, own), _metadata(model, request, spool.fingerprint), request.jobs
        )
        rejects = write_rejects(_rejects_path(request.out), tally.rejects)
        review = write_review(_review_path(request.out), suppression.doubtful)
    except (InputError, MemoryError):
        spool.remove()
        raise
    spool.remove()
    notes = (*reader.notes, *normaliser.notes, *suppression.notes, *recoding_note(tally.recoded))
    summary = tally.summary(request, rejects, normaliser.missing, time.perf_counter() - start)
    if own is not None:
        summary = replace(summary, list_tiers=dict(own.counts))
    return replace(summary, review=review, notes=tuple(f"{name}: {note}" for note in notes))


def check_out(out: Path, source: str | Path | Address) -> None:
    """Refuse an output that cannot be written before any work is done.

    Raises
    ------
    InputError
        The ending is not known, the folder does not exist, or the output is or would be part of the input.
    """
    if out.suffix.lower() not in FORMATS:
        msg = f"{out}: the scored file must end in {' or '.join(FORMATS)}"
        raise InputError(msg)
    check_place(out)
    address = address_of(source)
    among = address.kind in ("folder", "glob") and address.covers(out)
    if among:
        msg = f"{out}: the scores would be one of the files of the list {address.shown}; write them to another folder"
        raise InputError(msg)
    read = [path for path in address.files() if path.exists()]
    for written in (out, _rejects_path(out), _review_path(out)):
        if written.exists() and any(written.samefile(path) for path in read):
            msg = f"{out}: {written.name} would be written over the list itself; write the scores to another file"
            raise InputError(msg)


def _rejects_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.rejects.csv")


def _review_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.review.csv")


def _kept(keep: Sequence[str] | str, columns: Sequence[str], source: str) -> list[str]:
    wanted = [keep] if isinstance(keep, str) else list(keep)
    if wanted == ["all"]:
        wanted = list(columns)
    absent = [name for name in wanted if name not in columns]
    if absent:
        there = ", ".join(map(repr, columns))
        msg = f"{source}: --keep names {absent[0]!r}, which is not a column; the columns are {there}"
        raise InputError(msg)
    return wanted


def _finish(
    scored: pa.RecordBatch, raw: pa.RecordBatch, kept: Sequence[str], suppression: Suppression
) -> pa.RecordBatch:
    """Suppress accounts, and add carried columns after the domain."""
    columns = suppression.apply(scored)
    taken = {*columns, *LIST_COLUMNS, LIST_TIER}
    carried = {
        (f"list_{name}" if name in taken else name): distinct(raw.column(raw.schema.get_field_index(name)))
        for name in kept
    }
    first = {name: columns.pop(name) for name in ("account_id", "name", "domain")}
    ordered = {**first, **carried, **columns}
    return pa.RecordBatch.from_arrays(list(ordered.values()), names=list(ordered))


def _names(customers: Accounts, salt: str) -> dict[str, str]:
    ids = customers.table.column("account_id").to_pylist()
    shown = customers.table.column("name").to_pylist() if "name" in customers.table.column_names else ids
    return {salted(str(i), salt): n or str(i) for i, n in zip(ids, shown, strict=True)}


@dataclass
class _Tally:
    """Counts."""

    rows: int = 0
    parsed: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    recoded: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """Count a chunk that was scored."""
        batch = chunk.batch
        self.rows += batch.num_rows + len(chunk.rejects)
        self.recoded += chunk.recoded
        self.rejects += chunk.rejects
        for name, counter in (("tier", self.tiers), ("status", self.statuses)):
            for entry in batch.column(name).value_counts().to_pylist():
                counter[entry["values"]] += entry["counts"]
        self.outside += int(pa.compute.sum(pa.compute.invert(batch.column("in_support"))).as_py() or 0)

    def summary(
        self, request: ScoreRequest, rejects: Path | None, missing: Sequence[str], seconds: float
    ) -> ScoreSummary:
        scored = self.statuses["scored"]
        return ScoreSummary(
            rows=self.rows,
            scored=scored,
            ineligible=self.statuses["ineligible"],
            suppressed=self.statuses["suppressed"],
            rejected=len(self.rejects),
            tiers={t: self.tiers[t] for t in ("A", "B", "C", "D", "none")},
            out=request.out,
            rejects=rejects,
            missing_fields=tuple(missing),
            outside_support=self.outside,
            seconds=seconds,
            serviceable=scored,
            obtainable=min(request.capacity, scored) if request.capacity else None,
        )


def _fingerprint(
    model: ICPModel, request: ScoreRequest, source: str, scorer: Scorer, kept: Sequence[str]
) -> dict[str, Any]:
    suppressed = [*([(request.customers, "")] if request.customers else []), *request.exclude]
    lists = ((why, c, a.table.column(c).to_pylist()) for a, why in suppressed for c in _SOUGHT if c in a.fields)
    others = hashlib.sha256("\n".join(map(repr, lists)).encode())
    return {
        "software": __version__,
        "model": model.version,
        "list": source[:16],
        "reasons": scorer.reasons,
        "lookalikes": scorer.lookalikes,
        "keep": list(kept),
        "mapping": dict(request.mapping),
        "as_of": str(request.as_of or model.tables.as_of or ""),
        "suppression": others.hexdigest()[:16],
    }


def _metadata(model: ICPModel, request: ScoreRequest, fingerprint: Mapping[str, Any]) -> dict[str, str]:
    return {
        "icp_ml.model_version": model.version,
        "icp_ml.settings_hash": model.settings.hash,
        "icp_ml.as_of": str(fingerprint["as_of"]),
        "icp_ml.list_fingerprint": str(fingerprint["list"]),
    }
