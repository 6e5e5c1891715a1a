"""The book in a browser without a network: what a reader meets on a wide screen, on a telephone, and in the dark."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ddbook.book.fake import PROJECT

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Debian's packages chromium and chromium-driver are not installed"),
]
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
ALL = "return [...document.querySelectorAll"
WIDE, NARROW = 1280, 390
OVERFLOW = """const wide = document.documentElement.clientWidth;
return document.documentElement.scrollWidth > wide ? [...document.querySelectorAll('main *')]
  .filter(e => e.getBoundingClientRect().right > wide + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 90)) : []"""
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
        """Loads a page and waits until its formulas are typeset."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        )
        self.driver.get(f"{self.address}/{page}")
        if page != "index.html":  # which only leads on to the first page
            self.until("return document.readyState === 'complete' && !!(window.MathJax?.startup?.promise)")
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
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


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


def test_search_finds_regret(reader: Reader) -> None:
    reader.open("search.html?q=regret")
    reader.until("return [...document.querySelectorAll('#search-results li a')].some(a => a.href.includes('/book/notation.html'))")


def test_nothing_is_wider_than_a_telephone(reader: Reader) -> None:
    for page in reader.pages:
        reader.open(page, NARROW)
        reader.ask(UNFOLDED)
        assert reader.ask(OVERFLOW) == [], page
        assert reader.ask("return document.documentElement.scrollWidth") <= NARROW, page


def test_the_theme_can_be_switched(reader: Reader) -> None:
    reader.open("book/index.html")
    seen = {}
    for _ in range(3):
        reader.ask("document.querySelector('.bd-header-article .theme-switch-button').click()")
        theme = reader.ask("return document.documentElement.dataset.theme")
        seen[theme] = reader.ask("return getComputedStyle(document.body).backgroundColor")
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]
