"""The Ask page: spoken and typed questions, by the mouse and by keys alone, wide and narrow, light and dark."""

from browser import accessible, check, fits
from firefox import Firefox


@check
def a_typed_question_is_answered(console):
    page = console.page()
    page.get_by_role("textbox", name="Question").fill("What is the sum of 17, 9 and 28?")
    page.keyboard.press("Enter")
    page.get_by_text("54", exact=True).wait_for()
    console.holds(page, "ask-typed")


@check
def firefox_answers_a_typed_question(console):
    with Firefox() as page:
        page.resize(390, 780)
        page.goto(console.url)
        page.click("#text")
        page.type("What is the sum of 17, 9 and 28?")
        page.press("Enter")
        page.wait_for("() => document.body.innerText.includes('54')")
        fits(page.evaluate, "ask in Firefox")
        accessible(page.evaluate, "ask in Firefox")
        page.screenshot(console.screenshots / "ask-firefox-390.png") if console.screenshots else None
