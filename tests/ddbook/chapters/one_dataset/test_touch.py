"""The picture to touch, touched: in a browser without a network its six losses are the library's, whatever moves the point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbook.chapters.one_dataset.plane import one_point
from ddbook.chapters.one_dataset.touch import touch
from tests import ROOT
from tests.browser import NEEDED, chromium, wide
from tests.ddbook.chapters.one_dataset.world import PLANE, SHOWN

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

pytestmark = NEEDED

HOME = "document.querySelector('.ddlib-touch')"
OUTSIDE = f"""const box = {HOME}.getBoundingClientRect();
return [...{HOME}.querySelectorAll('.live :is(text, output, button)')].filter(e => {{ const own = e.getBoundingClientRect();
  return own.left < box.left - 1 || own.right > box.right + 1; }}).map(e => e.textContent)"""
ON_EACH_OTHER = f"""const words = [...{HOME}.querySelectorAll('.live text')].map(e => [e.textContent, e.getBoundingClientRect()]);
const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
return words.flatMap(([name, a], i) => words.slice(i + 1).filter(([, b]) => over(a, b)).map(([other]) => name + ' on ' + other))"""
DARK = "document.documentElement.dataset.theme = 'dark'"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The picture twice in one page without anything else, as two cells would show it."""
    picture = touch(PLANE, SHOWN)._repr_html_()
    path = tmp_path_factory.mktemp("touch") / "page.html"
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    path.write_text(f"{head}<title>Touch</title><main>{picture}{picture}</main>", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests."""
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(driver: Any, page: Path) -> Any:
    """The page, freshly opened, at the width of a laptop."""
    wide(driver, 1280)
    driver.get_log("browser")
    driver.get(page.as_uri())
    return driver


def slide(browser: Any, **values: float) -> None:
    """Moves sliders as a finger does."""
    for name, value in values.items():
        script = (
            f"const s = {HOME}.querySelector('input[name={name}]'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
        )
        browser.execute_script(script, value)


def state(browser: Any) -> dict[str, Any]:
    return dict(browser.execute_script(f"return {HOME}.ddlibTouch"))


def assert_the_library_agrees(browser: Any) -> None:
    """Losses, bounds and the numbers on the page, to 1e-6 of the number or of all that is learnable."""
    seen = state(browser)
    point = one_point(seen["point"]["x"], seen["point"]["y"], seen["point"]["w"])
    lost = PLANE.lost(point)
    assert seen["losses"] == pytest.approx(lost, rel=1e-6, abs=1e-6), seen["point"]
    if bool(point.x.any()):
        assert seen["bounds"] == pytest.approx(PLANE.bounds(point.x.flatten()), rel=1e-6, abs=1e-6), seen["point"]
    texts = browser.execute_script(f"return [...{HOME}.querySelectorAll('.value')].map(text => text.textContent)")
    assert [(text, 100 * share) for text, share in zip(texts, lost, strict=True) if not says(text, 100 * share)] == []


def says(text: str, percent: float) -> bool:
    """Whether a text is that number, rounded."""
    written = text.removesuffix(" %").replace(",", "")
    if written == "0" or written.startswith("> "):
        return percent < 0.005 if written == "0" else percent >= 9999.5
    return abs(float(written) - percent) <= 0.5001 / 10 ** len(written.partition(".")[2])


def press(*keys: str) -> Callable[[Any], None]:
    return lambda browser: browser.find_element(By.CSS_SELECTOR, ".handle").send_keys(*keys)


def drag(x: int, y: int) -> Callable[[Any], None]:
    handle = (By.CSS_SELECTOR, ".handle .disc")
    return lambda browser: ActionChains(browser).drag_and_drop_by_offset(browser.find_element(*handle), x, y).perform()


def click(x: int, y: int) -> Callable[[Any], None]:
    frame = (By.CSS_SELECTOR, ".frame")
    return lambda browser: ActionChains(browser).move_to_element_with_offset(browser.find_element(*frame), x, y).click().perform()


def button(number: int) -> Callable[[Any], None]:
    return lambda browser: browser.find_elements(By.CSS_SELECTOR, ".ddlib-touch button")[number].click()


def sliders(**values: float) -> Callable[[Any], None]:
    return lambda browser: slide(browser, **values)


WAYS = {
    **{f"perfect for {name}": [button(number)] for number, name in enumerate(PLANE.learners)},
    "keys": [press(Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_UP)],
    "fine keys": [press(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)],
    "keys out of the plane": [press(*[Keys.ARROW_RIGHT] * 30)],
    "dragged up": [drag(-20, -120)],
    "dragged across": [drag(-130, 5)],
    "dragged out of the plane": [drag(500, -60)],
    "clicked below the origin": [click(-3, 70)],
    "weight 0": [sliders(w=0)],
    "weight 1000": [sliders(w=1)],
    "all at their most": [sliders(w=1, length=4, y=3)],
    "opposite": [sliders(angle=164)],
    "opposite, other label": [sliders(angle=164, y=-0.6)],
    "length 0": [sliders(length=0)],
    "short": [sliders(length=0.05)],
    "tiny": [sliders(length=0, y=0.05), press(Keys.SHIFT, Keys.ARROW_RIGHT)],
    "tiny and heavy": [sliders(length=0, y=-3, w=1), press(Keys.SHIFT, Keys.ARROW_UP)],
    "tiny weight": [sliders(w=0.01, length=0.05)],
    "label 0": [sliders(y=0)],
    "label below zero, above the median": [sliders(y=-0.1)],
    "label below the median": [sliders(y=-3, w=0.3)],
    "between the solutions": [sliders(angle=16, y=0.35, w=0.7)],
    "across all solutions": [sliders(angle=100, length=3)],
    "one after the other": [button(5), drag(15, -30), sliders(w=0.55), press(Keys.ARROW_DOWN)],
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_lost_is_what_the_library_says(browser: Any, way: str) -> None:
    before = state(browser)["point"]
    for step in WAYS[way]:
        step(browser)
    if way != "perfect for least squares":  # with which the picture begins
        assert state(browser)["point"] != before
    assert_the_library_agrees(browser)


def test_a_button_makes_its_learner_lose_nothing(browser: Any) -> None:
    names = [element.get_attribute("aria-label") for element in browser.find_elements(By.CSS_SELECTOR, ".ddlib-touch button")]
    assert names[:6] == [f"perfect point for {name}" for name in PLANE.learners]
    for number in range(6):
        button(number)(browser)
        assert state(browser)["losses"][number] == pytest.approx(0, abs=1e-9)


def test_the_keyboard_reaches_everything_and_a_sentence_says_what_is_lost(browser: Any) -> None:
    reached = []
    for _ in range(11):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(
            browser.execute_script("return document.activeElement.getAttribute('name') || document.activeElement.tagName")
        )
    assert reached == ["g", "angle", "length", "y", "w", *["BUTTON"] * 6]
    slider = browser.find_element(By.CSS_SELECTOR, "input[name=angle]")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    x = state(browser)["point"]["x"]
    assert torch.atan2(*torch.tensor(x[::-1])).rad2deg().item() == pytest.approx(-14, abs=1e-3)
    said = f"return {HOME}.querySelector('[aria-live=polite]').textContent"
    browser.execute_async_script("setTimeout(arguments[0], 600)")
    sentence = browser.execute_script(said)
    assert sentence.startswith("Direction −14°, length 2.00, label 0.59, 58 patients.")
    assert [name for name in PLANE.learners if f"{name} loses" not in sentence] == []


def test_no_error_and_no_request_and_both_pictures_work(browser: Any) -> None:
    slide(browser, angle=30)
    ready = "return [...document.querySelectorAll('.ddlib-touch')].map(home => home.ddlibTouch.point.x[0])"
    first, second = browser.execute_script(ready)
    assert first != second
    assert browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)") == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_is_cut_at_any_width(browser: Any, width: int) -> None:
    wide(browser, width)
    for way in ("opposite", "all at their most", "tiny and heavy"):
        for step in WAYS[way]:
            step(browser)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.execute_script(OUTSIDE) == []
        assert browser.execute_script(ON_EACH_OTHER) == []
    scale = f"return [...{HOME}.querySelectorAll('svg')].map(e => 13 * e.getBoundingClientRect().width / 384)"
    assert min(browser.execute_script(scale)) >= 8 / 72 * 96


def test_on_paper_the_still_picture_stands_in_its_place(browser: Any) -> None:
    hidden = f"return ['.live', 'figure img'].map(part => getComputedStyle({HOME}.querySelector(part)).display === 'none')"
    assert browser.execute_script(hidden) == [False, True]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.execute_script(hidden) == [True, False]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert browser.execute_script(f"return {HOME}.querySelector('figcaption').innerText") == "Figure 1.3. A caption."


def test_marks_glide_only_for_who_likes_motion(browser: Any) -> None:
    glide = f"return getComputedStyle({HOME}.querySelector('.mark')).transitionDuration"
    seen = []
    for wish in ("no-preference", "reduce"):
        feature = {"name": "prefers-reduced-motion", "value": wish}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        seen.append(browser.execute_script(glide))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert seen == ["0.15s", "0s"]


CONTRAST = f"""
const light = text => {{ const [r, g, b] = text.match(/[\\d.]+/g).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 :
  ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; }};
const paper = light(getComputedStyle({HOME}).backgroundColor);
return [...{HOME}.querySelectorAll('.live :is(text, .title, .hint, button, output)')].filter(e => {{
  const own = light(getComputedStyle(e)[e.tagName === 'text' ? 'fill' : 'color']);
  return (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05) < 4.5; }}).map(e => e.textContent)"""


@pytest.mark.parametrize("theme", ["", DARK])
def test_all_words_have_the_contrast_of_wcag_aa(browser: Any, theme: str) -> None:
    css = (ROOT / "book" / "_static" / "ddlib.css").read_text(encoding="utf-8")
    script = "document.head.appendChild(document.createElement('style')).textContent = arguments[0];"
    browser.execute_script(f"{script} document.documentElement.dataset.theme = 'light'; {theme}", css)
    assert browser.execute_script(CONTRAST) == []
