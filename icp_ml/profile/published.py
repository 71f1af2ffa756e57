"""The published JSON schema of a profile, made from its dataclasses, and the check of what is read."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from icp_ml.exceptions import ModelFormatError
from icp_ml.profile.document import PROFILE_VERSION, TRAIT_GROUPS, IdealCustomerProfile
from icp_ml.traits import Trait


@cache
def _adapter() -> TypeAdapter[IdealCustomerProfile]:
    return TypeAdapter(IdealCustomerProfile)


def profile_schema() -> dict[str, Any]:
    """Return the JSON schema of `profile.json` (draft 2020-12); docs/reference/profile.schema.json is this."""
    found = _adapter().json_schema(mode="validation")
    version = {"title": "Profile Version", "type": "integer", "minimum": 1, "maximum": PROFILE_VERSION}
    found["$defs"]["Trait"]["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "Ideal customer profile",
        "properties": {"profile_version": version, **found["properties"]},
        "required": ["profile_version", *found["required"]],
        "additionalProperties": False,
    }


def validated(data: Mapping[str, Any]) -> IdealCustomerProfile:
    """Return the profile that a document holds.

    Raises
    ------
    ModelFormatError
        It is of a newer version, or a value is missing, of another type, or no finite number.
    """
    if not isinstance(data, Mapping):
        msg = f"a profile is a JSON object, found {type(data).__name__}; give what to_json wrote"
        raise ModelFormatError(msg)
    version = data.get("profile_version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        msg = f"profile: profile_version = {version!r}: a whole number from 1 is expected"
        raise ModelFormatError(msg)
    if version > PROFILE_VERSION:
        msg = (
            f"profile: version {version} is newer than {PROFILE_VERSION}, which this release reads; install a newer one"
        )
        raise ModelFormatError(msg)
    try:
        json.dumps(data, allow_nan=False)
        _refuse_unknown(data)
        _check_segments(data.get("segments", ()))
        return _adapter().validate_python({k: v for k, v in data.items() if k != "profile_version"})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"])) or "profile"
        found = "" if problem["type"] == "missing" else f" = {reprlib.repr(problem['input'])}"
        msg = f"profile: {place}{found}: {problem['msg']}; see docs/reference/profile.schema.json"
        raise ModelFormatError(msg) from error
    except ModelFormatError:
        raise
    except (ValueError, TypeError, RecursionError) as error:  # NaN, infinity, or no JSON at all
        msg = f"profile: holds what JSON has no word for ({error}); numbers must be finite"
        raise ModelFormatError(msg) from error


def _check_segments(segments: Any) -> None:
    """Refuse segments without what every page shows of them; their traits are checked as all are."""
    kinds: dict[str, Any] = {
        "name": str,
        "sentence": str,
        "why": str,
        "customers": int,
        "best": int,
        "rate": (int, float),
    }
    for i, segment in enumerate(segments if isinstance(segments, (list, tuple)) else ()):
        known = segment if isinstance(segment, Mapping) else {}
        odd = next((k for k, kind in kinds.items() if not isinstance(known.get(k), kind)), "")
        odd = odd or ("" if isinstance(known.get("traits"), (list, tuple)) else "traits")
        share = known.get("market_share")
        odd = odd or ("" if share is None or isinstance(share, (int, float)) else "market_share")
        if odd:
            msg = f"profile: segments.{i}.{odd}: missing or of another type; see docs/reference/profile.md"
            raise ModelFormatError(msg)
        for trait in known["traits"]:
            _trait_adapter().validate_python(trait)


@cache
def _trait_adapter() -> TypeAdapter[Trait]:
    return TypeAdapter(Trait)


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    """Refuse keys that no version has: they are misspelled, or of a newer release."""
    places = [("", data, {"profile_version", *IdealCustomerProfile.__dataclass_fields__})]
    for name in TRAIT_GROUPS:
        group = data.get(name)
        traits = group if isinstance(group, (list, tuple)) else ()
        places += [
            (f"{name}.{i}.", t, set(Trait.__dataclass_fields__)) for i, t in enumerate(traits) if isinstance(t, Mapping)
        ]
    for place, found, known in places:
        odd = sorted(set(map(str, found)) - known)
        if odd:
            msg = f"profile: {place}{odd[0]}: unknown key; see docs/reference/profile.schema.json"
            raise ModelFormatError(msg)
