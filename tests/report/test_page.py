"""The page in a real browser: nothing is fetched, tables sort, figures enlarge, cells compare."""

import json
import os
import shutil
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

REQUIRED = "FRCN_BROWSER_TESTS"
"""Set to 1, a missing browser is a failure."""
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDE, PHONE = 1280, 390
CONTRAST = 4.5
"""What WCAG 2 asks of text at level AA."""
# Relative luminance and contrast as WCAG 2 defines them; a background is the nearest opaque one.
POOR_CONTRAST = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = channels(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  const [,,, alpha = 1] = channels(colour);
  return alpha > 0 || !element.parentElement ? colour : ground(element.parentElement);
};
const poor = [];
for (const element of document.body.querySelectorAll("*:not(script):not(svg *):not(dialog *)")) {
  const says = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!says) continue;
  const both = [luminance(getComputedStyle(element).color), luminance(ground(element))];
  const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  if (ratio < arguments[0]) poor.push([element.textContent.trim(), ratio]);
}
return poor;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A headless Chromium that logs its requests and its console."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        wanted = "chromium and chromedriver are not on the PATH (Debian: chromium-driver)"
        (pytest.fail if os.environ.get(REQUIRED) == "1" else pytest.skip)(wanted)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, page):
    """Opens the page: ``show(width, dark, script)``."""

    def open_page(width: int = WIDE, dark: bool = False, script: bool = True) -> webdriver.Chrome:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        # A click must not meet a page that still glides to its place.
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        browser.get(page.as_uri())
        return browser

    return open_page


def test_nothing_is_fetched_and_the_console_is_silent(show, page):
    browser = show()
    browser.get_log("performance"), browser.get_log("browser")
    show()
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"].endswith("WillBeSent")]
    assert page.as_uri() in urls
    assert [url for url in urls if url != page.as_uri() and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []
    # All pictures are there, those of the vector drawings too.
    assert browser.execute_script("return [...document.images].every((i) => i.naturalWidth > 9)")


def test_the_policy_stops_what_was_not_shipped(show):
    browser = show()
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.foreign = 1';"
        "document.body.append(s);"
        "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i);"
    )
    assert browser.execute_script("return window.foreign") is None
    messages = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert "Content Security Policy" in messages and "x.png" in messages


def _column(table, header: str) -> list[str]:
    headers = [th.text for th in table.find_elements(By.CSS_SELECTOR, "thead th")]
    place = next(k for k, text in enumerate(headers) if header in text.replace("\n", " "))
    rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[place].text for row in rows]


def test_a_table_sorts_by_click_and_by_keyboard(show):
    browser = show()
    table = browser.find_element(By.CSS_SELECTOR, "#table-main table")
    (button,) = (
        b for b in table.find_elements(By.CSS_SELECTOR, "th button") if b.text.endswith("AP")
    )
    header = button.find_element(By.XPATH, "..")
    assert header.get_attribute("aria-sort") is None
    # AP is 65 of fish and 55 of kite; the last row is their mean and stays.
    assert _column(table, "class") == ["fish", "kite", "mAP"]
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert _column(table, "class") == ["kite", "fish", "mAP"]
    button.send_keys(Keys.ENTER)
    assert header.get_attribute("aria-sort") == "descending"
    assert _column(table, "class") == ["fish", "kite", "mAP"]
    assert len(table.find_elements(By.CSS_SELECTOR, "[aria-sort]")) == 1


def test_numbers_sort_as_numbers_and_what_was_not_run_stays_below(show):
    browser = show()
    table = browser.find_element(By.CSS_SELECTOR, "#table-proposals table")
    rows = browser.execute_script(
        """
        const table = arguments[0];
        const headers = [...table.tHead.rows[0].cells];
        const column = headers.findIndex((th) => /ours.*mAP/s.test(th.textContent));
        const button = headers[column].querySelector("button");
        return [0, 1].map(() => {
          button.click();
          return [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
        });
        """,
        table,
    )
    rising = ["50.0", "55.0", "60.0"]
    for shown, values in zip(rows, (rising, rising[::-1]), strict=True):
        assert [text.split()[0] for text in shown[:3]] == values
        assert len(shown) > 3 and not any(text[0].isdigit() for text in shown[3:])


def test_a_figure_enlarges_and_escape_closes_it(show):
    browser = show()
    dialog = browser.find_element(By.TAG_NAME, "dialog")
    button = browser.find_element(By.CSS_SELECTOR, "#figures figure button")
    assert not dialog.is_displayed()
    button.send_keys(Keys.ENTER)
    assert dialog.is_displayed()
    image = dialog.find_element(By.TAG_NAME, "img")
    drawn = browser.find_element(By.CSS_SELECTOR, "#figures figure img")
    assert image.get_attribute("alt") == drawn.get_attribute("alt")
    assert image.size["width"] > drawn.size["width"]
    webdriver.ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert not dialog.is_displayed()
    assert browser.switch_to.active_element == button
    drawn.click()
    dialog.find_element(By.TAG_NAME, "button").click()
    assert not dialog.is_displayed()


def test_vector_drawings_enlarge_too(show):
    browser = show()
    browser.find_element(By.CSS_SELECTOR, ".pairs figure button").click()
    drawings = browser.find_elements(By.CSS_SELECTOR, "dialog .pair svg")
    assert len(drawings) == 2 and all(d.size["width"] > 300 for d in drawings)
    assert browser.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        "return new Set(ids).size === ids.length"
    )


def test_any_two_cells_can_be_chosen(show):
    browser = show()
    place = browser.find_element(By.CSS_SELECTOR, ".pairs figure figcaption")
    drawn = "return document.querySelectorAll('.pair svg:last-child .right').length"
    second = Select(browser.find_element(By.ID, "cell-b"))
    assert {o.text for o in second.options} == {
        *("XS-default", "XS-fc_only", "XS-proposals_1k", "XS-proposals_2k"),
    }
    # fc_only finds 1 + 2 objects on the pictures, default 2 + 2 + 1 + 1.
    second.select_by_visible_text("XS-fc_only")
    assert browser.execute_script(drawn) == 3
    assert "A 2 of 2 found, 0 false; B 1 of 2 found, 0 false" in place.text
    assert "AP: A 65.0, B 57.0" in browser.find_element(By.CSS_SELECTOR, "#compare figure").text
    second.select_by_visible_text("XS-default")
    assert browser.execute_script(drawn) == 6
    status = browser.find_element(By.ID, "chosen")
    assert status.get_attribute("textContent").startswith("Cell B: XS-default, mAP 60.0")
    second.select_by_visible_text("XS-proposals_1k")
    assert "B not kept" in place.text
    assert browser.get_log("browser") == []


def test_without_a_script_the_page_is_whole(show):
    browser = show(script=False)
    assert not browser.find_element(By.ID, "choice").is_displayed()
    assert not browser.find_elements(By.CSS_SELECTOR, "th button, figcaption button")
    section = browser.find_element(By.ID, "compare").text
    assert "A: XS-default" in section and "2 of 2 found" in section
    drawings = browser.find_elements(By.CSS_SELECTOR, ".pair svg, .small-charts svg")
    assert all(drawing.is_displayed() for drawing in drawings)


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_tables_scroll_inside_their_boxes(show, width):
    browser = show(width)
    root = "document.documentElement"
    assert browser.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    boxes = browser.find_elements(By.CSS_SELECTOR, ".scroll")
    scrolls = "return arguments[0].scrollWidth > arguments[0].clientWidth"
    assert width == WIDE or any(browser.execute_script(scrolls, box) for box in boxes)


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(show, dark):
    browser = show(dark=dark)
    assert browser.execute_script(POOR_CONTRAST, CONTRAST) == []
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (int(ground[4:].split(",")[0]) < 128) == dark


def test_print_leaves_the_controls_out(show):
    browser = show()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for controls in ("nav", "#choice", "figcaption button"):
        assert not browser.find_element(By.CSS_SELECTOR, controls).is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
