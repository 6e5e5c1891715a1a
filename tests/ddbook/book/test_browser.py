"""The book in a browser without a network: what a reader meets on a wide screen, on a telephone, and in the dark."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from ddbook.kit.figures import panels, themed
from tests.browser import NEEDED, chromium
from tests.ddbook.book.fake import PROJECT

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = NEEDED
ALL = "return [...document.querySelectorAll"
WIDE, NARROW = 1440, 390
CUT = """const column = document.querySelector('article.bd-article');
if (!column) return document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
const page = column.getBoundingClientRect(), found = [];
const hidden = '.visually-hidden, .headerlink, .copybtn, mjx-assistive-mml, svg *, [aria-hidden="true"] *, .sd-stretched-link';
for (const e of column.querySelectorAll('*')) {
  const box = e.getBoundingClientRect(), inside = e.parentElement.closest('mjx-math');
  if (!box.width || inside || e.closest(hidden) || /absolute|fixed/.test(getComputedStyle(e).position)) continue;
  let out = box.right > page.right + 1 || box.left < page.left - 1;
  for (let frame = e.parentElement; frame !== column.parentElement; frame = frame.parentElement) {
    const how = getComputedStyle(frame).overflowX, edge = frame.getBoundingClientRect();
    if (how === 'auto' || how === 'scroll') { out = false; break; }
    if (/hidden|clip/.test(how) && (box.right > edge.right + 2 || box.left < edge.left - 2)) { out = true; break; }
  }
  if (out) found.push(`${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 60)}`);
}
if (document.documentElement.scrollWidth > innerWidth) found.push('the page');
return found.slice(0, 5)"""
"""What neither ends inside the text's column nor lies in a frame that scrolls."""
PLANT = """document.querySelector('article.bd-article section').insertAdjacentHTML('beforeend',
  '<div class="planted" style="%s"><p style="width: 3000px">wide</p></div>')"""
TOO_LONG = """return [...document.querySelectorAll('article mjx-container[display="true"]')]
  .filter(e => e.querySelector('mjx-math').getBoundingClientRect().width > e.clientWidth + 1)
  .map(e => e.closest('[id]').id)"""
UNFOLDED = "document.querySelectorAll('details').forEach(box => box.open = true)"
THEME = """document.head.appendChild(document.createElement('style')).textContent = '* { transition: none !important }';
document.documentElement.dataset.theme = '%s';"""  # as the button does, but at once

FAINT = """
const channels = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const light = rgb => { const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = e => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0.5) return c.slice(0, 3); } return [255, 255, 255]; };
return [...document.querySelectorAll('article *, .bd-sidebar-primary *, .bd-sidebar-secondary *, footer *')].filter(e => {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()), style = getComputedStyle(e);
  if (!own || !e.offsetParent || style.visibility === 'hidden' || style.opacity === '0') return false;
  if (e.closest('mjx-container, .headerlink, svg')) return false;
  const a = light(channels(style.color).slice(0, 3)), b = light(behind(e)), size = parseFloat(style.fontSize);
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  return ratio < (size >= 24 || (size >= 18.6 && style.fontWeight >= 700) ? 3 : 4.5);
}).slice(0, 5).map(e => getComputedStyle(e).color + ' ' + behind(e) + ' ' + e.outerHTML.slice(0, 120))"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Reader:
    """A browser that looks at one book."""

    def __init__(self, driver: Any, address: str, folder: Path) -> None:
        self.driver, self.address, self.folder = driver, address, folder
        files = [path.relative_to(folder) for path in folder.rglob("*.html")]
        self.pages = sorted(path.as_posix() for path in files if "_static" not in path.parts)

    def open(self, page: str, width: int = WIDE) -> None:
        """Loads a page, or the one that the book's address leads on to, and waits until its formulas are typeset."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        )
        self.driver.get(f"{self.address}/{page}")
        there = "location.pathname !== '/index.html' && document.readyState === 'complete' && !!(window.MathJax?.startup?.promise)"
        self.until(f"return {there}")
        self.driver.execute_async_script("const done = arguments[0]; MathJax.startup.promise.then(done)")

    def ask(self, script: str) -> Any:
        """The answer of a script in the page."""
        return self.driver.execute_script(script)

    def until(self, script: str) -> Any:
        """Waits for a true answer."""
        return WebDriverWait(self.driver, 20).until(lambda _: self.ask(script))


def books() -> list[str]:
    """The small book, and a real one where there is one: the folder in DDLIB_BOOK_HTML, else the laptop book."""
    real = os.environ.get("DDLIB_BOOK_HTML", str(PROJECT / "_build" / "laptop" / "html"))
    return ["tiny", *([real] if Path(real, "index.html").exists() else [])]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's Chromium, with a profile of its own and no way out to the network."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", params=books(), ids=lambda name: "tiny" if name == "tiny" else "real")
def reader(request: pytest.FixtureRequest, driver: Any) -> Iterator[Reader]:
    """A reader of each book, served from this machine."""
    folder = request.getfixturevalue("tiny_book") if request.param == "tiny" else Path(request.param)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Reader(driver, f"http://127.0.0.1:{server.server_port}", folder)
        server.shutdown()


def test_every_page_loads_without_errors_with_its_pictures_and_the_contrast_of_wcag_aa(reader: Reader) -> None:
    """One test, because opening a page takes longer than all that is asked of it."""
    seen = 0
    reader.driver.get_log("browser")
    for page in reader.pages:
        reader.open(page)
        errors = [entry["message"] for entry in reader.driver.get_log("browser") if entry["level"] == "SEVERE"]
        pictures = reader.ask(f"{ALL}('article img')].map(i => [i.alt, i.naturalWidth * i.naturalHeight, i.src.slice(0, 80)])")
        drawings = reader.ask(f"{ALL}('article figure > svg')].map(s => s.getAttribute('aria-label'))")
        reader.ask(UNFOLDED)
        faint = {theme: reader.ask(THEME % theme + FAINT) for theme in ("light", "dark")}
        assert errors == [], page
        assert [picture for picture in pictures if not (picture[0] and picture[0].strip() and picture[1] > 0)] == [], page
        assert all(drawings), page
        assert faint == {"light": [], "dark": []}, page
        seen += len(pictures) + len(drawings)
    assert seen >= 5  # three drawings on the first page, and a figure in each chapter


def test_the_menu_opens_on_a_telephone(reader: Reader) -> None:
    reader.open("book/notation.html", NARROW)
    for button, menu in (("primary-toggle", "pst-primary-sidebar-modal"), ("secondary-toggle", "pst-secondary-sidebar-modal")):
        reader.ask(f"[...document.querySelectorAll('.{button}')].find(b => b.offsetParent).click()")
        assert reader.until(f"return document.getElementById('{menu}').open")
        assert reader.ask(f"return document.getElementById('{menu}').getBoundingClientRect().width") <= NARROW
        reader.ask(f"document.getElementById('{menu}').close()")


def test_formulas_are_typeset(reader: Reader) -> None:
    for page in ["book/notation.html", *(page for page in reader.pages if page.startswith("notebooks/"))]:
        reader.open(page)
        assert reader.ask("return document.querySelectorAll('mjx-container').length") > 0, page
        assert reader.ask(f"{ALL}('mjx-merror')].map(e => e.textContent)") == [], page
        texts = reader.ask(f"{ALL}('figcaption, .math')].map(e => e.innerText)")
        assert [text for text in texts if re.search(r"\\[(\[]|\$.*\$", text)] == [], page


def test_search_puts_prose_before_the_library(reader: Reader) -> None:
    reader.open("search.html?q=regret")
    reader.until("return /found \\d+ page/.test(document.querySelector('.search-summary')?.innerText)")
    found = reader.ask(f"{ALL}('#search-results li a')].map(a => a.pathname)")
    assert "/book/notation.html" in found[:3]
    prose = ["/book/api" not in page for page in found]
    assert prose == sorted(prose, reverse=True)
    assert not all(prose)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_is_cut_at_the_edge_of_the_text(reader: Reader, width: int) -> None:
    for page in reader.pages:
        reader.open(page, width)
        reader.ask(UNFOLDED)
        assert reader.ask(CUT) == [], page
    for style, seen in (("overflow: auto", 0), ("overflow: hidden", 1), ("", 1)):
        reader.open("book/notation.html", width)
        reader.ask(PLANT % style)
        assert (len(reader.ask(CUT)) > 0) == bool(seen), f"a wide thing in a frame with {style!r}"


def test_on_a_wide_screen_no_equation_outside_the_library_has_to_scroll(reader: Reader) -> None:
    for page in [page for page in reader.pages if "/api/" not in page]:
        reader.open(page)
        wide = [name for name in reader.ask(TOO_LONG) if not name.startswith("equation-fake-")]  # made to be too long
        assert wide == [], page


@pytest.mark.parametrize(
    ("target", "shows"),
    [
        ("a[href*='notation.html#term-Regret']", "The risk above that of a reference model"),
        ("a.reference[href^='#equation-']", ""),
        ("a.reference[href^='#figure-']", "Figure 1.1."),
        ("a[href*='references.html#id']", "Kungurtsev"),
    ],
)
def test_a_link_shows_what_it_leads_to_to_keyboards_too(reader: Reader, target: str, shows: str) -> None:
    pages = [page for page in reader.pages if page.startswith("notebooks/01") or page == "book/index.html"]
    for page in pages:
        reader.open(page)
        if reader.ask(f'return document.querySelectorAll("article {target}").length'):
            reader.until(f'return !!document.querySelector("article {target}")._tippy')
            reader.ask(f'document.querySelector("article {target}").dispatchEvent(new FocusEvent("focus"))')
            card = "document.querySelector('.tippy-box')"
            assert shows in reader.until(f"return {card}?.innerText.trim()")
            if not shows:
                assert reader.until(f"return {card}.querySelectorAll('mjx-container').length") > 0
            assert reader.ask(f"return {card}.getBoundingClientRect().width") > 50
            return
    assert reader.folder.name == "html" and "tiny" not in str(reader.folder), f"no page has {target}"


def test_figures_are_dark_in_the_dark_theme(reader: Reader, tmp_path: Path) -> None:
    """Lines and a heatmap, drawn as the chapters draw them."""
    figure, (left, right) = panels(2)
    left.plot([0, 1])
    right.imshow([[0, 1], [1, 0]])
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    image = base64.b64encode(themed(stream.getvalue())).decode()
    reader.open("book/notation.html")
    reader.ask(f"""document.querySelector('article').insertAdjacentHTML('afterbegin',
      '<figure class="ddlib-figure"><img id="drawn" src="data:image/svg+xml;base64,{image}"></figure>')""")
    light = {}
    for theme in ("light", "dark"):
        reader.ask(THEME % theme + "document.getElementById('drawn').scrollIntoView()")
        shot = Image.open(io.BytesIO(reader.driver.find_element("id", "drawn").screenshot_as_png)).convert("L")
        light[theme] = ImageStat.Stat(shot).median[0]
    assert light["light"] > 240
    assert light["dark"] < 40


def test_the_theme_can_be_switched(reader: Reader) -> None:
    reader.open("book/index.html")
    seen = {}
    for _ in range(3):
        reader.ask("document.querySelector('.bd-header-article .theme-switch-button').click()")
        theme = reader.ask("return document.documentElement.dataset.theme")
        seen[theme] = reader.ask("return getComputedStyle(document.body).backgroundColor")
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]
