from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from icp_ml import ICPModel
from icp_ml import model_directory as model_module
from icp_ml.exceptions import InputError, ModelFormatError
from icp_ml.model_directory import check_target, read_manifest
from icp_ml.scoring.gaps import Gap, Gaps
from icp_ml.scoring.lookalikes import make_reference
from tests.hand_model import hand_list, hand_model


@pytest.fixture
def saved(tmp_path):
    return hand_model({"random_state": 3}).save(tmp_path / "model")


def resign(path, name, data):
    """Put other content into a model and correct its hash, as an attacker would."""
    manifest = json.loads((path / "manifest.json").read_text())
    (path / name).write_bytes(data)
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


# save and load ---------------------------------------------------------------------------------


def test_a_loaded_model_is_the_model(saved):
    model, back = hand_model({"random_state": 3}), ICPModel.load(saved)
    frame = hand_list(60)
    pd.testing.assert_frame_equal(back.score(frame), model.score(frame), check_exact=True)
    assert back.version == model.version
    assert back.settings.random_state == 3
    assert back.profile == model.profile
    assert back.boosters == model.boosters
    assert back.tables.as_of == date(2026, 10, 1)
    assert back.fields.keys() == model.fields.keys()
    assert model.version in repr(model)


def test_saving_is_the_same_bytes_each_time(saved, tmp_path):
    again = hand_model({"random_state": 3}).save(tmp_path / "again")
    names = sorted(str(p.relative_to(saved)) for p in saved.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(again)) for p in again.rglob("*") if p.is_file())
    assert all((saved / n).read_bytes() == (again / n).read_bytes() for n in names)
    assert "boosters/bag_01.txt" in names


def test_the_version_and_bytes_of_a_loaded_model_do_not_follow_this_machine(saved, tmp_path, monkeypatch):
    version, frame = ICPModel.load(saved).version, hand_list(20)
    text = (saved / "settings.yaml").read_bytes() + b"# written by another version\n"
    resign(saved, "settings.yaml", text)
    changed = ICPModel.load(saved)
    assert changed.version != version
    monkeypatch.setattr("icp_ml.model.library_version", lambda name: "999")
    copy = ICPModel.load(saved).save(tmp_path / "copy")
    again = ICPModel.load(copy)
    assert again.version == changed.version
    assert (copy / "settings.yaml").read_bytes() == text
    pd.testing.assert_frame_equal(again.score(frame), changed.score(frame))


def test_no_name_of_a_customer_and_no_pickle_in_the_directory(saved):
    for path in saved.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"C-1" not in data
            assert not data.startswith(b"\x80")
    with zipfile.ZipFile(saved / "reference.npz") as archive:
        assert not [n for n in archive.namelist() if b"C-2" in archive.read(n)]


def test_an_older_model_is_replaced_whole(saved, tmp_path):
    other = replace(hand_model(), boosters=())
    other.save(saved)
    assert ICPModel.load(saved).version == other.version
    assert not list(saved.glob("boosters/*"))
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_the_ridges_part_is_kept_for_audit_and_models_without_one_are_read(saved):
    assert ICPModel.load(saved).ridge == ""  # as models were before there was one
    replace(hand_model(), ridge='{"share": 0.5}\n').save(saved)
    back = ICPModel.load(saved)
    assert back.ridge == '{"share": 0.5}\n'
    assert back.version != hand_model().version
    assert ICPModel.load(back.save(saved)).version == back.version
    (saved / "boosters" / "ridge.json").write_text("{}")
    with pytest.raises(ModelFormatError, match=r"boosters/ridge.json: its content does not match the manifest"):
        ICPModel.load(saved)
    hand_model().save(saved)
    assert not (saved / "boosters" / "ridge.json").exists()


def test_files_that_are_not_the_models_stay_beside_it(saved):
    (saved / "report.html").write_text("written by a person", encoding="utf-8")
    replace(hand_model(), boosters=()).save(saved)
    assert (saved / "report.html").read_text(encoding="utf-8") == "written by a person"
    assert not list(saved.glob("boosters/*"))


def test_a_failed_save_leaves_the_older_model(saved, monkeypatch, tmp_path):
    version = ICPModel.load(saved).version
    other = replace(hand_model(), boosters=("x",))
    monkeypatch.setattr(
        model_module.Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(OSError, match="No space"):
        other.save(saved)
    monkeypatch.undo()
    assert ICPModel.load(saved).version == version
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_only_models_and_empty_folders_are_overwritten(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_text('{"name": "a web page", "icons": []}')
    (tmp_path / "site" / "photo.jpg").write_bytes(b"x")
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "manifest.json").write_text("[]")
    for name in ("notes", "file", "site", "list"):
        with pytest.raises(
            ModelFormatError, match=f"{name}: exists and is not a model directory; choose another --out"
        ):
            hand_model().save(tmp_path / name)
    assert (tmp_path / "notes" / "thesis.txt").exists()
    assert (tmp_path / "site" / "photo.jpg").exists()
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")
    assert ICPModel.load(hand_model().save(tmp_path / "empty")).version == hand_model().version
    assert ICPModel.load(hand_model().save(tmp_path / "new" / "deep")).version == hand_model().version


# hostile directories ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tables.npz", "settings.yaml", "boosters/bag_00.txt", "profile.json"])
def test_an_altered_file_is_refused(saved, name):
    with (saved / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelFormatError, match=f"{name}: its content does not match the manifest; .* altered"):
        ICPModel.load(saved)


@pytest.mark.parametrize("name", ["tables.npz", "data_report.json", "boosters/bag_01.txt"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(ModelFormatError, match=f"{name} is missing; the model is incomplete"):
        ICPModel.load(saved)


def test_a_file_the_manifest_does_not_list_is_missing(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    del manifest["files"]["tiers.json"]
    (saved / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFormatError, match=r"tiers.json is missing"):
        ICPModel.load(saved)


def test_no_directory_and_no_model(tmp_path):
    with pytest.raises(ModelFormatError, match=r"nothing: no such directory; give what  icp-ml train --out  wrote"):
        ICPModel.load(tmp_path / "nothing")
    with pytest.raises(ModelFormatError, match=r"not a model directory \(no manifest.json\)"):
        ICPModel.load(tmp_path)


def test_a_model_of_the_first_format_is_read(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, "format_version": 1}))
    assert ICPModel.load(saved).tables.pairs == ()


def test_where_no_customer_was_and_who_left_is_saved(tmp_path):
    gaps = Gaps({0: np.arange(6) == 5}, (Gap(0, 1, np.arange(30).reshape(6, 5) == 13),))
    left = make_reference(np.array([[2, 3, 3, 1, 2]], dtype=np.uint16), ["G-1"], "salt")
    model = replace(hand_model(), gaps=(gaps,), churned=left)
    again = ICPModel.load(model.save(tmp_path / "model"))
    assert (again.churned.ids, again.churned.salt) == (left.ids, left.salt)
    assert again.churned.codes.tolist() == left.codes.tolist()
    assert again.files["reference.npz"] == model.files["reference.npz"]
    rows = hand_list(60)
    pd.testing.assert_frame_equal(again.score(rows), model.score(rows))
    assert not model.score(rows)["in_support"].all()
    older = ICPModel.load(hand_model().save(tmp_path / "older"))  # as before format 4: neither is there
    assert (older.gaps, older.churned) == ((), None)
    assert older.score(rows)["lookalike_churned"].isna().all()


def test_a_newer_format_says_what_to_install(saved):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(
        ModelFormatError, match="written in format 99, this version reads up to 4; install a newer icp-ml"
    ):
        ICPModel.load(saved)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format_version": 1}', '{"format_version": "x", "files": {}}', "[" * 100_000, "\udcff",
     '{"format_version": Infinity, "files": {}}', '{"format_version": 1, "files": [[1, 2]]}'],
)  # fmt: skip
def test_a_broken_manifest_is_refused(saved, text):
    (saved / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelFormatError, match=r"manifest.json: cannot be read"):
        read_manifest(saved)


def test_names_in_the_manifest_do_not_leave_the_directory(saved, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    manifest = json.loads((saved / "manifest.json").read_text())
    digest = hashlib.sha256(b"secret").hexdigest()
    names = (
        "../secret.txt",
        "boosters/bag_/../../../secret.txt",
        "boosters/bag_..",
        str(secret),
        "boosters/../../secret.txt",
    )
    manifest["files"].update(dict.fromkeys(names, digest))
    (saved / "manifest.json").write_text(json.dumps(manifest))
    model = ICPModel.load(saved)
    assert model.boosters == ("tree\n", "another tree\n")
    assert not [n for n in model.files if ".." in n or n.startswith("/")]


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


@pytest.mark.parametrize("name", ["tables.npz", "reference.npz"])
def test_pickles_are_never_opened(saved, name, capsys):
    for data in (
        npz(values=np.array([Evil()], dtype=object), codes=np.array([Evil()], dtype=object)),
        pickle.dumps(Evil()),
    ):
        resign(saved, name, data)
        with pytest.raises(ModelFormatError, match=f"{name}: cannot be read as arrays"):
            ICPModel.load(saved)
    assert capsys.readouterr().out == ""


def huge_header():
    """An array of a thousand terabytes in a few bytes."""
    out, array = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f8", "fortran_order": False, "shape": (2**47,)})
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("values.npy", array.getvalue())
    return out.getvalue()


def damaged():
    data = bytearray(npz(values=np.zeros(5000)))
    data[300:400] = b"\xff" * 100
    return bytes(data)


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("values.npy", bytes(3_000_000))
    return out.getvalue()


@pytest.mark.parametrize("make", [huge_header, damaged, lambda: b"", lambda: b"PK\x03\x04nonsense"])
def test_damaged_arrays_are_refused(saved, make):
    resign(saved, "tables.npz", make())
    with pytest.raises(ModelFormatError, match=r"tables.npz"):
        ICPModel.load(saved)


def test_arrays_that_unpack_to_too_much_are_refused(saved, monkeypatch):
    monkeypatch.setattr(model_module, "MAX_FILE_BYTES", 1_000_000)
    resign(saved, "tables.npz", bomb())
    with pytest.raises(ModelFormatError, match=r"tables.npz: unpacks to more than"):
        ICPModel.load(saved)


def test_files_that_are_too_large_are_refused(saved, monkeypatch):
    monkeypatch.setattr(model_module, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelFormatError, match="larger than"):
        ICPModel.load(saved)


def changed_json(path, name, change):
    data = json.loads((path / name).read_text())
    change(data)
    resign(path, name, json.dumps(data).encode())


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("encoding.json", lambda d: d["fields"][0].update(kind="magic"), "unknown kind 'magic'"),
        ("encoding.json", lambda d: d["fields"][0].update(edges=[0, 1]), "does not fit the encoding"),
        ("encoding.json", lambda d: d["kinds"].update(employees="colour"), "has kind 'colour'"),
        ("encoding.json", lambda d: d["fields"][0].update(category="x"), "category 'x'"),
        ("encoding.json", lambda d: d.pop("fields"), "contradict each other"),
        ("encoding.json", lambda d: d.update(as_of="soon"), "contradict each other"),
        ("tiers.json", lambda d: d["cutoffs"].update(A=0), "cut-offs must fall"),
        ("profile.json", lambda d: d["filters"][0].update(extra=1), r"filters\.0\.extra: unknown key"),
        ("profile.json", lambda d: d.pop("message"), "message: Field required"),
    ],
)
def test_files_that_contradict_each_other_are_refused(saved, name, change, match):
    changed_json(saved, name, change)
    with pytest.raises(ModelFormatError, match=match):
        ICPModel.load(saved)


@pytest.mark.parametrize("name", ["encoding.json", "profile.json", "evaluation.json"])
def test_nested_json_is_refused(saved, name):
    resign(saved, name, b"[" * 200_000)
    with pytest.raises(ModelFormatError, match="contradict each other"):
        ICPModel.load(saved)


def test_a_reference_beyond_its_codes_is_refused(saved):
    model = hand_model()
    codes = model.reference.codes.copy()
    codes[0, 0] = 60_000
    resign(saved, "reference.npz", npz(**{**model.reference.to_arrays(), "codes": codes}))
    with pytest.raises(ModelFormatError, match="a code of 'employees' is beyond its 6 codes"):
        ICPModel.load(saved)


def test_settings_in_the_model_are_checked(saved):
    resign(saved, "settings.yaml", b"!!python/object/apply:os.system ['true']")
    with pytest.raises(ModelFormatError, match="not valid YAML"):
        ICPModel.load(saved)


# score -----------------------------------------------------------------------------------------


def test_index_and_order_are_the_frame_s():
    frame = hand_list(30).sample(frac=1, random_state=0)
    scored = hand_model().score(frame)
    assert list(scored.index) == list(frame.index)
    assert scored["account_id"].tolist() == frame["Account ID"].tolist()
    none = hand_model().score(frame.iloc[:0])
    assert len(none) == 0
    assert list(none.columns) == list(scored.columns)


def test_an_account_by_itself_is_scored_as_among_many():
    frame = hand_list(100)
    model = hand_model()
    many = model.score(frame)
    alone = [model.score(frame.iloc[i : i + 1]) for i in range(0, 100, 7)]
    pd.testing.assert_frame_equal(pd.concat(alone), many.iloc[::7], check_exact=True)


def test_a_list_that_says_nothing_to_the_model_is_refused():
    with pytest.raises(InputError, match="is a field of the model"):
        hand_model().score(pd.DataFrame({"a": [1]}))


def test_another_day_and_fewer_reasons():
    frame = hand_list(30)
    few = hand_model().score(frame, reasons=1, lookalikes=0)
    assert "reason_2" not in few
    assert "lookalike_1" not in few
    later = hand_model().score(frame, as_of=date(2027, 10, 1))
    assert (later["log_odds"] != hand_model().score(frame)["log_odds"]).any()


def test_the_version_follows_what_the_model_says():
    model = hand_model()
    assert model.version == hand_model().version
    assert hand_model({"random_state": 1}).version != model.version
    assert replace(model, support_threshold=0.2).version != model.version
