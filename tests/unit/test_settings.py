from __future__ import annotations

from datetime import date

import pytest

from icp_ml.exceptions import InputError, SettingsError
from icp_ml.settings import MAX_SETTINGS_BYTES, Settings


def test_nothing_said_is_the_defaults(tmp_path):
    assert Settings.parse("") == Settings.parse("{}") == Settings()
    (tmp_path / "icp.yaml").write_text("# only a comment\n")
    assert Settings.load(tmp_path / "icp.yaml") == Settings()


def test_what_is_written_reads_back():
    settings = Settings.build(
        {
            "as_of": "2026-10-01",
            "columns": {"Größe": "employees", "Notes": "ignore"},
            "fields": {"custom": [{"name": "gpu_spend_usd", "kind": "money"}], "exclude": ["city"]},
            "outcomes": {"weights": {"retention": 2}},
        }
    )
    assert settings.as_of == date(2026, 10, 1)
    assert Settings.parse(settings.to_yaml()) == settings
    assert "Größe" in settings.to_yaml()
    assert settings.target_of("gpu_spend_usd")
    assert settings.target_of("employees")
    assert settings.target_of("ignore")
    assert not settings.target_of("nothing")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("fileds: {}", r"icp.yaml: unknown setting 'fileds'; allowed here: as_of, columns, fields"),
        ("tiers: {cut: 3}", r"unknown setting 'tiers.cut'; allowed here: mode, capacity"),
        ("fields: {custom: [{name: a, kind: money, size: 1}]}", r"unknown setting 'fields.custom.0.size'"),
        ("outcomes: {best_share: 0.9}", r"outcomes.best_share = 0.9: .*0.5"),
        ("outcomes: {weights: {nps: -1}}", r"outcomes.weights = .*none negative"),
        ("outcomes: {weights: {nps: .nan}}", r"outcomes.weights"),
        ("outcomes: {weights: {}}", r"outcomes.weights = \{\}.*at least one above zero"),
        ("outcomes: {weights: {happiness: 1}}", r"outcomes.weights.happiness"),
        ("model: {bags: 1}", r"model.bags = 1: .*2"),
        ("model: {mode: deep}", r"model.mode = 'deep': .*additive"),
        ("model: {mode: full}", r"only the additive model is saved"),
        ("as_of: soon", r"as_of = 'soon'"),
        ("random_state: -1", r"random_state = -1"),
        ("fields: {custom: [{name: Bad Name, kind: money}]}", r"fields.custom.0.name = 'Bad Name'"),
        ("fields: {custom: [{name: a, kind: colour}]}", r"fields.custom.0.kind = 'colour'"),
    ],
)
def test_wrong_settings_name_the_key_the_value_and_what_is_allowed(text, match):
    with pytest.raises(SettingsError, match=match):
        Settings.parse(text, "icp.yaml")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: [1", "icp.yaml: not valid YAML"),
        ("as_of: 2026-13-45", "icp.yaml: not valid YAML: month must be in 1..12"),
        ("random_state: " + "1" * 5000, "not valid YAML"),
        ("- a\n- b", "icp.yaml: expected a mapping of settings, found list; write one with  icp-ml init"),
        ("just words", "found str"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("a: " + "[" * 5000, "not valid YAML"),
    ],
)
def test_what_is_no_settings_file_is_said(text, match):
    with pytest.raises(InputError, match=match):
        Settings.parse(text, "icp.yaml")


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    for key in ("random_state", "columns", "as_of"):
        with pytest.raises(SettingsError) as error:
            Settings.parse("\n".join([*lines, f"{key}: *a11"]))
        assert len(str(error.value)) < 1000


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml: cannot be read as settings .*icp-ml init"):
        Settings.load(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        Settings.load(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as settings"):
        Settings.load(tmp_path / "binary.yaml")
    (tmp_path / "large.yaml").write_text("#" * (MAX_SETTINGS_BYTES + 1))
    with pytest.raises(InputError, match="larger than 1,000,000 bytes"):
        Settings.load(tmp_path / "large.yaml")


def test_the_hash_follows_what_shapes_the_model():
    assert Settings().hash == Settings().hash
    assert len(Settings().hash) == 12
    assert Settings.build({"random_state": 1}).hash != Settings().hash
    assert Settings.build({"tracking": {"experiment": "other"}}).hash == Settings().hash
    weights = {"retention": 1, "nps": 2}
    turned = dict(reversed(weights.items()))
    a, b = (Settings.build({"outcomes": {"weights": w}}) for w in (weights, turned))
    assert a.hash == b.hash


def test_an_override_is_validated_and_leaves_the_rest():
    settings = Settings.build({"columns": {"A": "employees"}})
    changed = settings.override(random_state=7)
    assert (changed.random_state, changed.columns, settings.random_state) == (7, settings.columns, 0)
    with pytest.raises(SettingsError, match="command line: random_state = -5"):
        settings.override(random_state=-5)


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Settings().random_state = 3
