"""The HTML reports in a real browser: nothing asked, nothing run, readable on a phone, in the dark and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from icp_ml.report.check_html import write_check
from icp_ml.report.html import write_html
from tests import check_data
from tests import report_model as examples
from tests.browser.conftest import Opened

pytestmark = pytest.mark.browser

HOSTILE = "</svg></style></title><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\"`"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_html(examples.make_model(), path, examples.make_scored())


@pytest.fixture(scope="module")
def data_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_check(check_data.make_check_data(), tmp_path_factory.mktemp("check") / "check.html")


WIDTHS = {"desktop": (1280, 900), "tablet": (768, 1024), "phone": (390, 844), "small phone": (320, 640)}


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_an_error_or_a_request_and_never_scrolls_sideways(
    opened: Opened, report: Path, device: str, scheme: str
) -> None:
    width, height = WIDTHS[device]
    with opened(report, viewport={"width": width, "height": height}, color_scheme=scheme) as (page, problems):
        assert problems() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").is_visible()
        box = page.locator("h1").bounding_box()
        assert box is not None
        assert box["y"] < 200


def test_the_profile_is_on_the_first_screen_filters_left_of_signals(opened: Opened, report: Path) -> None:
    with opened(report, viewport={"width": 1280, "height": 900}) as (page, _):
        names = ("filters", "signals", "against", "sure")
        boxes = {name: page.locator(f".panel.{name}").bounding_box() for name in names}
        assert boxes["filters"]["x"] + boxes["filters"]["width"] < boxes["signals"]["x"]
        assert boxes["filters"]["y"] + boxes["filters"]["height"] <= boxes["against"]["y"]
        assert boxes["against"]["x"] + boxes["against"]["width"] < boxes["signals"]["x"]
        assert max(box["y"] + box["height"] for box in boxes.values()) < 900
        assert page.locator(".signals .sentence").first.is_visible()


def test_charts_show_one_version_for_each_width(opened: Opened, report: Path) -> None:
    for width, wide in ((1280, True), (390, False)):
        with opened(report, viewport={"width": width, "height": 800}) as (page, _):
            for section in ("#traits", "#tiers"):
                assert page.locator(f"{section} figure.wide svg").is_visible() is wide
                assert page.locator(f"{section} figure.narrow svg").is_visible() is not wide
            marks = page.locator(f"#traits figure.{'wide' if wide else 'narrow'} svg use")
            assert marks.count() >= 4
            assert marks.last.bounding_box()["width"] > 0


def _brightness(colour: str) -> float:
    """Return 0 (black) to 1 (white) of "rgb(r, g, b)"."""
    return sum(float(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]) / (3 * 255)


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_text_and_charts_stand_out_in_either_scheme(opened: Opened, report: Path, scheme: str, dark: bool) -> None:
    script = "([name, property]) => getComputedStyle(document.querySelector(name))[property]"
    with opened(report, color_scheme=scheme) as (page, _):
        ground = _brightness(page.evaluate(script, ["body", "backgroundColor"]))
        assert (ground < 0.2) is dark
        for name, what in (("h1", "color"), ("#traits svg text", "fill"), (".sentence", "color"), (".kind", "color")):
            assert abs(_brightness(page.evaluate(script, [name, what])) - ground) > 0.35, name


def test_on_paper_it_is_light_and_whole(opened: Opened, report: Path) -> None:
    with opened(report, viewport={"width": 718, "height": 1000}, color_scheme="dark") as (page, problems):
        page.emulate_media(media="print", color_scheme="dark")
        assert not page.locator("nav").is_visible()
        ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--page')").strip()
        assert ground == "#ffffff"
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
        assert page.pdf(format="A4").startswith(b"%PDF")
        assert problems() == []


def test_what_strangers_wrote_does_not_run(opened: Opened, tmp_path: Path) -> None:
    path = write_html(
        examples.make_model(lambda text: HOSTILE), tmp_path / "hostile.html", examples.make_scored(lambda text: HOSTILE)
    )
    with opened(path, viewport={"width": 390, "height": 844}) as (page, problems):
        assert problems() == []
        assert page.evaluate("window.ran") is None
        assert page.locator("script").count() == 2
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert "<script>" in page.locator(".signals").inner_text()


def test_without_a_profile_the_words_are_large(opened: Opened, tmp_path: Path) -> None:
    path = write_html(examples.without_profile(examples.make_model()), tmp_path / "none.html")
    with opened(path) as (page, problems):
        assert problems() == []
        assert page.locator("h1").inner_text() == "No profile found"
        assert float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")) >= 48


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_data_report_opens_without_an_error_or_a_request_and_never_scrolls_sideways(
    opened: Opened, data_report: Path, device: str, scheme: str
) -> None:
    width, height = WIDTHS[device]
    with opened(data_report, viewport={"width": width, "height": height}, color_scheme=scheme) as (
        page,
        wrong,
    ):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").inner_text() == "Ready to train"
        for summary in page.locator("summary").all():  # opens without a script
            summary.click()
        assert page.locator("details[open] table").count() == page.locator("details").count() >= 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert wrong() == []


def test_the_answer_and_the_next_step_are_on_the_first_screen(
    opened: Opened, data_report: Path, tmp_path: Path
) -> None:
    why = "all.csv: all 900 mature customers churned"
    stopped = write_check(check_data.refused(check_data.make_check_data(), why), tmp_path / "no.html")
    for path, selector, words in ((data_report, ".next code", "icp-ml train"), (stopped, ".stop", why)):
        with opened(path, viewport={"width": 390, "height": 844}) as (page, _):
            assert words in page.locator(selector).inner_text()
            assert page.locator(selector).bounding_box()["y"] < 600


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_bars_and_charts_of_the_data_report_stand_out(
    opened: Opened, data_report: Path, scheme: str, dark: bool
) -> None:
    script = "([name, property]) => getComputedStyle(document.querySelector(name))[property]"
    with opened(data_report, color_scheme=scheme) as (page, _):
        ground = _brightness(page.evaluate(script, ["section", "backgroundColor"]))
        assert (ground < 0.2) is dark
        for name, what in ((".why", "color"), ("#labels svg.chart text", "fill"), ("code", "color")):
            assert abs(_brightness(page.evaluate(script, [name, what])) - ground) > 0.3, name
        for name in (".meter .f-band", ".meter .f-positive", ".meter .f-negative"):
            assert abs(_brightness(page.evaluate(script, [name, "fill"])) - ground) > 0.15, name
        box = page.locator(".used .metered svg").first.bounding_box()
        assert box["width"] == pytest.approx(64, abs=2)
        filled = page.locator(".used .metered svg rect").nth(1).bounding_box()
        assert filled["width"] == pytest.approx(0.9 * box["width"], abs=2)


def test_the_data_report_on_paper_is_light_and_whole(opened: Opened, data_report: Path) -> None:
    with opened(data_report, viewport={"width": 718, "height": 1000}, color_scheme="dark") as (page, problems):
        page.emulate_media(media="print", color_scheme="dark")
        assert not page.locator("nav").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 718
        assert page.pdf(format="A4").startswith(b"%PDF")
        assert problems() == []


def test_what_strangers_wrote_does_not_run_in_the_data_report(opened: Opened, tmp_path: Path) -> None:
    path = write_check(check_data.make_check_data(lambda text: HOSTILE), tmp_path / "hostile.html")
    with opened(path, viewport={"width": 390, "height": 844}) as (page, problems):
        assert problems() == []
        assert page.evaluate("window.ran") is None
        assert page.locator("script, img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert "<script>" in page.locator("#columns").inner_text()
