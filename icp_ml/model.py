"""ICPModel: what is saved, loaded and versioned, and scores accounts. A directory of JSON and arrays, no pickle."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from icp_ml import __version__
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import read_rules
from icp_ml.exceptions import ModelFormatError
from icp_ml.model_directory import (
    FORMAT_VERSION,
    LIBRARIES,
    REQUIRED,
    json_bytes,
    library_version,
    npz_bytes,
    read_arrays,
    read_bytes,
    read_checked,
    read_manifest,
    write_directory,
)
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import BY_NAME, CATEGORIES, KINDS, Field
from icp_ml.scoring.columns import FEW_ROWS, long_strings, plain_strings
from icp_ml.scoring.gaps import Gaps
from icp_ml.scoring.kernel import CHUNK_ROWS, Scorer
from icp_ml.scoring.lookalikes import Reference, Support
from icp_ml.scoring.supports import read_reference_file, reference_arrays, references
from icp_ml.settings import Settings
from icp_ml.strategy.wording import exclusions, stated_words
from icp_ml.tiers import TierCutoffs

if TYPE_CHECKING:
    from icp_ml.accounts import ListNormaliser
    from icp_ml.accounts.formats.readers import TableReader
    from icp_ml.accounts.values.conventions import Convention
    from icp_ml.strategy.hypothesis import Hypothesis

Frame = TypeVar("Frame")
Ready = TypeVar("Ready")
MAX_READY = 8  # kernels, and layouts of lists, held ready for `score`
RIDGE_FILE = "boosters/ridge.json"


@dataclass(frozen=True)
class ICPModel:
    """A trained model with its profile and evidence.

    Attributes
    ----------
    profile : IdealCustomerProfile
    evaluation, data_report : dict
        Plain JSON documents, as saved; the latter holds the label audit under `labels`.
    settings : Settings
    fields : mapping of str to Field
        The model's fields, with the kind frozen at training.
    """

    tables: ScoringTables
    cutoffs: TierCutoffs
    support_threshold: float
    reference: Reference
    profile: IdealCustomerProfile
    evaluation: Mapping[str, Any]
    data_report: Mapping[str, Any]
    settings: Settings
    fields: Mapping[str, Field]
    boosters: tuple[str, ...] = ()
    conventions: Mapping[str, Convention] = field(default_factory=dict)  # how the customers' columns were written
    ridge: str = ""  # the ridge's part of the tables, for audit as the boosters
    segment_supports: tuple[float, ...] = ()  # as `support_threshold`, one per segment of the tables
    gaps: tuple[Gaps, ...] = ()  # where no customer was: of all customers, then of each segment; before format 4 none
    churned: Reference | None = None
    # Of a loaded model: neither its version nor its bytes may change with this machine's libraries.
    stored_manifest: bytes | None = None
    stored_files: Mapping[str, bytes] | None = field(default=None, repr=False)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Name -> content of every file of the saved model but the manifest; the same bytes for the same training."""
        if self.stored_files is not None:
            return dict(self.stored_files)
        encoding: dict[str, Any] = {
            "fields": [enc.to_dict() for enc in self.tables.encoding.fields],
            "kinds": {n: f.kind for n, f in self.fields.items()},
            "conventions": {name: convention.to_dict() for name, convention in self.conventions.items()},
            "as_of": self.tables.as_of.isoformat() if self.tables.as_of else None,
        }
        tiers: dict[str, Any] = {"cutoffs": self.cutoffs.to_dict(), "support_threshold": self.support_threshold}
        if self.tables.segments:
            encoding["segments"] = [rule.to_dict(self.tables.terms) for rule in self.tables.rules]
            tiers["segment_support_thresholds"] = list(self.segment_supports)
        files = {
            "settings.yaml": self.settings.to_yaml(tracking=False).encode(),
            "encoding.json": json_bytes(encoding),
            "tables.npz": npz_bytes(self.tables.to_arrays()),
            "tiers.json": json_bytes(tiers),
            "reference.npz": npz_bytes(reference_arrays(self.reference, self.churned, self.gaps)),
            "profile.json": json_bytes(self.profile.to_dict()),
            "evaluation.json": json_bytes(self.evaluation),
            "data_report.json": json_bytes(self.data_report),
        }
        files |= {f"boosters/bag_{b:02d}.txt": text.encode() for b, text in enumerate(self.boosters)}
        return files | ({RIDGE_FILE: self.ridge.encode()} if self.ridge else {})

    @cached_property
    def manifest(self) -> bytes:
        """The manifest: format version, content hashes, library versions, settings hash."""
        if self.stored_manifest is not None:
            return self.stored_manifest
        return json_bytes(
            {
                "format_version": FORMAT_VERSION,
                "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(self.files.items())},
                "settings_hash": self.settings.hash,
                "libraries": {"icp-ml": __version__} | {name: library_version(name) for name in LIBRARIES},
            }
        )

    @cached_property
    def version(self) -> str:
        """Twelve hex digits of the manifest's hash: the model version written on every scored row."""
        return hashlib.sha256(self.manifest).hexdigest()[:12]

    def save(self, path: str | Path) -> Path:
        """Write the model directory, whole or not at all.

        An older model at `path` is replaced; other files that someone put beside it stay.

        Raises
        ------
        ModelFormatError
            `path` exists and is not a model directory.
        """
        path = Path(path)
        write_directory(path, {**self.files, "manifest.json": self.manifest})
        return path

    @classmethod
    def load(cls, path: str | Path) -> ICPModel:
        """Read a model directory; runs no code from it, checks every hash.

        Raises
        ------
        ModelFormatError
            The directory is missing, incomplete, altered, or of a newer format.
        """
        path = Path(path)
        manifest = read_manifest(path)
        data = {name: read_checked(path, name, manifest["files"]) for name in REQUIRED}
        boosters = [
            n for n in sorted(manifest["files"]) if n.startswith("boosters/bag_") and "/" not in n[9:] and ".." not in n
        ]
        audit = {name: read_checked(path, name, manifest["files"]) for name in boosters}
        ridge = [RIDGE_FILE] if RIDGE_FILE in manifest["files"] else []  # older models have none
        mixed = {name: read_checked(path, name, manifest["files"]) for name in ridge}
        try:
            model = cls._build(data, tuple(text.decode(errors="replace") for text in audit.values()))
            return replace(
                model,
                ridge="".join(text.decode(errors="replace") for text in mixed.values()),
                stored_manifest=read_bytes(path / "manifest.json"),
                stored_files={**data, **audit, **mixed},
            )
        except ModelFormatError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            msg = f"{path}: the model's files contradict each other ({error}); train it again"
            raise ModelFormatError(msg) from error

    @classmethod
    def from_hypothesis(
        cls, source: str | Path | Mapping[str, Any] | Hypothesis, settings: Settings | None = None
    ) -> ICPModel:
        """Make a model of a written ICP, without customers; it is saved, loaded and scored with as any other.

        Parameters
        ----------
        source : path, mapping or Hypothesis
            YAML with filters, signals and anti-traits.
        settings : Settings, optional
            Custom fields, overrides, how many reasons.

        Raises
        ------
        InputError, SettingsError
            The file cannot be read, or a statement is wrong; the message names the line and what is allowed.
        """
        from icp_ml.strategy.hypothesis_model import model_parts

        return cls(**model_parts(source, settings or Settings()))

    @classmethod
    def _build(cls, data: Mapping[str, bytes], boosters: tuple[str, ...]) -> ICPModel:
        stored = json.loads(data["encoding.json"])
        encoding = Encoding(tuple(FieldEncoding.from_dict(f) for f in stored["fields"]))
        as_of = date.fromisoformat(stored["as_of"]) if stored["as_of"] else None
        rules = read_rules(stored.get("segments", []), encoding.terms)
        arrays = read_arrays(data["tables.npz"], "tables.npz")
        tables = ScoringTables.from_arrays(encoding, arrays, as_of, rules)
        tiers = json.loads(data["tiers.json"])
        known = read_arrays(data["reference.npz"], "reference.npz")
        reference, churned, gaps = read_reference_file(known, encoding.terms, len(rules))
        fields = {enc.field: _field(enc, str(stored["kinds"][enc.field])) for enc in encoding.fields}
        return cls(
            tables,
            TierCutoffs.from_dict(tiers["cutoffs"]),
            finite(tiers["support_threshold"], "tiers.json: support_threshold"),
            reference,
            IdealCustomerProfile.from_dict(json.loads(data["profile.json"])),
            json.loads(data["evaluation.json"]),
            json.loads(data["data_report.json"]),
            Settings.parse(data["settings.yaml"].decode(), "settings.yaml"),
            fields,
            boosters,
            _conventions(stored),
            segment_supports=_segment_supports(tiers, len(rules)),
            gaps=gaps,
            churned=churned,
        )

    def scorer(
        self, *, reasons: int | None = None, lookalikes: int | None = None, names: Mapping[str, str] | None = None
    ) -> Scorer:
        """Return the kernel of this model; `names` maps salted ids to what a seller calls the customer."""
        scoring = self.settings.scoring
        whole = Scorer(
            self.tables,
            self.cutoffs,
            Support(self.tables, self.support_threshold, self.gaps[0] if self.gaps else None),
            self.reference,
            self.version,
            exclusions(self.profile, self.tables, self.settings),
            scoring.reasons if reasons is None else reasons,
            scoring.lookalikes if lookalikes is None else lookalikes,
            names,
            stated_words(self.profile, self.tables),
            churned=self.churned,
        )
        count = len(self.tables.segments)
        gaps = self.gaps[1:] if self.gaps else [None] * count
        near = references(self.tables, self.reference)
        left = references(self.tables, self.churned) if self.churned else [None] * count
        parts = zip(self.tables.segments, self.segment_supports, near, left, gaps, strict=True)
        return replace(
            whole,
            parts=tuple(
                replace(
                    whole,
                    tables=segment.tables,
                    support=Support(segment.tables, threshold, own),
                    reference=best,
                    churned=gone,
                    segment=segment.rule.name,
                )
                for segment, threshold, best, gone, own in parts
            ),
        )

    def normaliser(
        self, columns: list[str], mapping: Mapping[str, str] | None = None, reader: TableReader | None = None
    ) -> ListNormaliser:
        """Return what turns batches of a list with these headers into the model's canonical columns.

        Given the list's `reader`, dates are read in the list's own order, else in that of the customers.
        """
        from icp_ml.accounts import ListNormaliser

        settings = (
            self.settings if not mapping else self.settings.override(columns={**self.settings.columns, **mapping})
        )
        words = {enc.field: enc.values for enc in self.tables.encoding.fields if enc.form == "text"}
        normaliser = ListNormaliser(columns, self.fields, settings, conventions=self.conventions, vocabularies=words)
        if reader is not None and normaliser.date_columns:
            normaliser.survey(chunk.batch for chunk in reader.batches(columns=list(normaliser.date_columns)))
        return normaliser

    def score(
        self,
        frame: Frame,
        *,
        as_of: date | None = None,
        reasons: int | None = None,
        lookalikes: int | None = None,
    ) -> Frame:
        """Score accounts.

        Parameters
        ----------
        frame : pandas or polars DataFrame, or Arrow table, of n rows
            A list, with the headers and formats of a list file; columns the model does not know are ignored. Anything
            with the Arrow interface (`__arrow_c_stream__`) counts as an Arrow table.
        as_of : date, optional
            The day ages are measured to; default: the training's.

        Returns
        -------
        the same kind of table, of n rows
            In the order of `frame`, for pandas with its index: the row-level columns of the published schema.

        Raises
        ------
        InputError
            It is no table, or none of its columns is a field of the model.
        """
        import pyarrow as pa

        from icp_ml.accounts.formats.given import as_given, given_table, kind_of

        table = given_table(frame, "DataFrame").combine_chunks()
        headers = table.column_names
        normaliser = _kept(self._normalisers, tuple(headers), lambda: self.normaliser(headers))
        normaliser.check_usable()
        scorer = _kept(
            self._scorers, (reasons, lookalikes), lambda: self.scorer(reasons=reasons, lookalikes=lookalikes)
        )
        # pandas holds long strings.
        plain = long_strings if table.num_rows <= FEW_ROWS and kind_of(frame) == "DataFrame" else plain_strings
        parts, rows = [], 0
        for batch in table.to_batches(max_chunksize=CHUNK_ROWS) or [pa.RecordBatch.from_pylist([], table.schema)]:
            columns = normaliser.normalise(batch, first_row=rows)
            parts.append(plain(scorer.score(columns, batch.num_rows, as_of)))
            rows += batch.num_rows
        scored: Frame = as_given(pa.concat_tables(parts), frame)
        return scored

    # What `score` makes ready once, as a service calls it for one account at a time.
    @cached_property
    def _scorers(self) -> dict[Hashable, Scorer]:
        return {}

    @cached_property
    def _normalisers(self) -> dict[Hashable, ListNormaliser]:
        return {}

    def __repr__(self) -> str:
        """Return a line that tells models apart."""
        return f"ICPModel(version={self.version}, fields={len(self.fields)}, profile={self.profile.message!r})"


def _kept(store: dict[Hashable, Ready], key: Hashable, make: Callable[[], Ready]) -> Ready:
    """Return what was made for a key before, or make it; only so many are held."""
    if key not in store:
        if len(store) >= MAX_READY:
            store.clear()
        store[key] = make()
    return store[key]


def finite(value: Any, name: str) -> float:
    """Return a number read from a model's file, refusing NaN and infinity."""
    number = float(value)
    if not math.isfinite(number):
        msg = f"{name} must be a finite number, found {value!r}"
        raise ModelFormatError(msg)
    return number


def _segment_supports(tiers: Mapping[str, Any], segments: int) -> tuple[float, ...]:
    """Read the segments' thresholds of support; a model of an older format has no segments."""
    stored = tiers.get("segment_support_thresholds", [])
    if not isinstance(stored, list) or len(stored) != segments:
        msg = f"tiers.json: 'segment_support_thresholds' must hold a number for each of the {segments} segments"
        raise ModelFormatError(msg)
    return tuple(finite(value, "tiers.json: segment_support_thresholds") for value in stored)


def _conventions(stored: Mapping[str, Any]) -> dict[str, Convention]:
    """Read how the customers' columns were written; an older model knows the order of dates only."""
    from icp_ml.accounts.values.conventions import Convention

    older = {name: {"day_first": bool(day)} for name, day in stored.get("day_first", {}).items()}
    found = stored.get("conventions", older)
    return {str(name): Convention.from_dict(convention) for name, convention in found.items()}


def _field(enc: FieldEncoding, kind: str) -> Field:
    """Return the schema field, with the kind frozen at training."""
    if kind not in KINDS or enc.category not in CATEGORIES:
        msg = f"encoding.json: field '{enc.field}' has kind {kind!r} and category {enc.category!r}, which are not known"
        raise ModelFormatError(msg)
    known = BY_NAME.get(enc.field)
    aliases = known.aliases if known else ()
    return Field(enc.field, kind, enc.category, "feature", None, enc.label, aliases)  # type: ignore[arg-type]
