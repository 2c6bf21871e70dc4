"""The chat page in a real browser, on a real server: ask, see the source, see why, rate, get a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chaos.conftest import Up, up

__all__ = ["up"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, up: Up) -> Iterator[Page]:
    """A fresh visitor's page; afterwards it must have asked nobody else for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    outside: list[str] = []
    errors: list[str] = []
    opened.on(
        "request",
        lambda request: (
            outside.append(request.url) if not request.url.startswith((up.api, "data:")) else None
        ),
    )
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(up.api)
    yield opened
    assert outside == []
    assert errors == []
    context.close()


def ask(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def test_a_question_gets_a_cited_answer_with_its_reasons(page: Page) -> None:
    expect(page.get_by_test_id("message-system").first).to_contain_text("Casepilot")

    ask(page, "How do I reset my password?")

    answer = page.get_by_test_id("message-agent").last
    expect(answer).to_contain_text("Forgot Your Password", timeout=15_000)
    answer.get_by_test_id("citation").first.click()
    expect(page.get_by_test_id("passage")).to_contain_text("KB-LOGIN-001")
    page.keyboard.press("Escape")
    why = page.get_by_test_id("why").last
    why.locator("summary").first.click()
    expect(why).to_contain_text("password_reset")


def test_a_rating_is_taken_and_kept(page: Page) -> None:
    ask(page, "How do I create a report?")
    thumb = page.get_by_test_id("thumbs-up").last
    thumb.click(timeout=15_000)

    expect(thumb).to_have_attribute("aria-pressed", "true")


def test_an_angry_customer_is_told_that_people_take_over(page: Page) -> None:
    ask(page, "cancel everything, your billing is theft, I am calling my lawyer")

    expect(page.get_by_text("passing this conversation to a person").first).to_be_visible(timeout=15_000)


def test_a_reload_brings_the_conversation_back(page: Page) -> None:
    ask(page, "How do I create a report?")
    expect(page.get_by_test_id("message-agent").last).to_contain_text("report", timeout=15_000)

    page.reload()

    expect(page.get_by_test_id("message-agent").last).to_contain_text("report", timeout=15_000)


def test_nothing_is_cut_off_at_320_pixels(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    ask(page, "How do I query accounts with their contacts in SOQL?")
    expect(page.get_by_test_id("message-agent").last).to_contain_text("SELECT", timeout=15_000)

    wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    assert wider is False


def test_markup_in_a_message_stays_text(page: Page) -> None:
    ask(page, "<img src=x onerror=\"document.title='owned'\"> <b>bold</b>")

    expect(page.get_by_test_id("message-user").last).to_contain_text("<b>bold</b>", timeout=15_000)
    assert page.title() != "owned"


def test_the_theme_can_be_switched_and_is_remembered(page: Page) -> None:
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_test_id("theme-toggle").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert before != after
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after
