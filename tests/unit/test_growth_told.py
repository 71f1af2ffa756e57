from __future__ import annotations

from dataclasses import replace

from icp_ml.report.context import report_context
from icp_ml.report.html import render_html
from icp_ml.report.markdown import render_markdown
from tests import report_model as examples


def test_who_is_easiest_to_upsell_is_said_and_strangers_text_is_text():
    model = examples.make_model()
    said = ["Easiest to upsell: <b>x</b> (expansion 111% against 99%).", 3, "Stay but hardly grow: y.", "more"]
    grown = replace(model, profile=replace(model.profile, evidence={**model.profile.evidence, "growth": said}))
    assert report_context(grown)["growth"] == [said[0]]  # two at most are looked at, and only sentences
    page = render_html(grown)
    assert "Easiest to upsell: &lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in render_markdown(grown)
    assert "Easiest to upsell" in render_markdown(grown)
    odd = replace(model, profile=replace(model.profile, evidence={**model.profile.evidence, "growth": {"a": 1}}))
    assert report_context(odd)["growth"] == report_context(model)["growth"] == []
