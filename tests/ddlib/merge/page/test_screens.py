"""The page in a browser: on a telephone and on a wide screen, in light and dark, and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ddlib.merge import report_page
from tests.browser import NEEDED, chromium, wide
from tests.ddlib.merge.page.reports import HOSTILE, report

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
pytestmark = NEEDED
LOOK = """document.querySelectorAll('details').forEach(box => box.open = true);
const edge = document.documentElement.clientWidth, found = [];
for (const e of document.querySelectorAll('body *')) {
  const box = e.getBoundingClientRect();
  if (!box.width || e.parentElement.closest('.frame') || e.closest('desc, title')) continue;
  if (box.right > edge + 1 || box.left < -1) found.push(`${e.tagName} ${e.className.baseVal ?? e.className}: ${box.right}`);
}
if (document.documentElement.scrollWidth > edge) found.push('the page');
return found.slice(0, 5)"""
"""What is wider than the page and in no frame that scrolls."""
SMALL = """return [...document.querySelectorAll('svg text')].map(e => {
  const svg = e.ownerSVGElement;
  return parseFloat(getComputedStyle(e).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
}).filter(size => size < 11)"""
CUT = """return [...document.querySelectorAll('svg[role=img]')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text, .mark')].map(e => [e.getBoundingClientRect(), e.textContent])
    .filter(([box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
    .map(([box, text]) => text);
}).slice(0, 5)"""
"""Letters and marks that stick out of their picture."""
BESIDE = """return [...document.querySelectorAll('figure.panel svg')].filter(svg => {
  const axis = [...svg.querySelectorAll('.edge')].at(-1).getBoundingClientRect();
  return [...svg.querySelectorAll('.mark')].some(e => {
    const box = e.getBoundingClientRect(), middle = (box.left + box.right) / 2;
    return middle < axis.left || middle > axis.right;
  });
}).length"""
"""Pictures with marks that are not over their axis."""
REPORTS = {
    "small": {"columns": 4},
    "large": {"columns": 20, "hospitals": 12, "visits": 25},
    "one visit": {"columns": 3, "visits": 1},
    "nasty names": {"columns": 8, "hospitals": 8, "names": HOSTILE},
    "long names": {"columns": 6, "hospitals": 4, "names": ["W" * 80, "wwww mmmm " * 20, "血糖値" * 30]},
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def media(browser: Any, scheme: str, kind: str = "screen") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})


@pytest.fixture(params=list(REPORTS))
def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_text(report_page(report(**REPORTS[request.param])), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_or_too_small(browser, page, width, scheme):
    wide(browser, width)
    media(browser, scheme)
    browser.get(page)
    assert browser.execute_script(LOOK) == []
    assert browser.execute_script(SMALL) == []
    assert browser.execute_script(CUT) == []
    assert browser.execute_script(BESIDE) == 0
    dark = "return getComputedStyle(document.body).backgroundColor === 'rgb(13, 17, 23)'"
    assert browser.execute_script(dark) == (scheme == "dark")
    assert browser.get_log("browser") == []


def test_what_is_too_wide_is_found(browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(report_page(report()).replace("</main>", '<p style="width: 3000px">wide</p></main>'), encoding="utf-8")
    wide(browser, 390)
    browser.get(path.as_uri())
    assert any("the page" in found for found in browser.execute_script(LOOK))


def test_paper_is_light_and_has_all_numbers(browser, page):
    wide(browser, 718)  # pixels of A4 between Chromium's margins
    media(browser, "dark", "print")
    browser.get(page)
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    folded = (
        "return [...document.querySelectorAll('details')].every(box => box.lastElementChild.getBoundingClientRect().height > 0)"
    )
    assert browser.execute_script(folded)
    wide_pictures = (
        "return [...document.querySelectorAll('svg')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert browser.execute_script(wide_pictures) == 0
