"""Every page in every state, in both browsers: nothing that axe finds, nothing cut off; and the work of a day by keys alone."""

from browser import WIDTHS, Server, accessible, check, fits, tab, wait
from firefox import Firefox
from made import call, report

PAGES = {"ask": "", "gap": "gap.html", "training": "training.html", "weights": "weights.html", "data": "data.html"}
VIEWS = {f"data-{view}": f"data.html?view={view}" for view in ("files", "answers", "labels")}
# Lists have something in them or say that they have not, and so do menus: nothing more is loaded.
SETTLED = """() => document.readyState === "complete"
    && [...document.querySelectorAll(".empty, #current")].every(node => node.textContent !== "…" || !node.checkVisibility())
    && [...document.querySelectorAll("#model, #job-model, #benchmark, #versions, #conversation")].every(node => node.children.length > 0)
    && [...document.querySelectorAll("[role=tabpanel]:not([hidden])")].every(panel => panel.querySelector("[role=status]:not(:empty), li, .empty, td"))"""



def settled(page):
    wait(lambda: page.evaluate(SETTLED), 120, "the page has what it shows")


LOOKS = ((1280, "light"), (390, "dark"))


@check
def pages_of_a_server_that_nothing_was_done_on_are_sound(console):
    with Server(console.server.command[0]) as server:
        for width, scheme in LOOKS:
            page = console.page(url=server.url, width=width, scheme=scheme)
            for name, path in (PAGES | VIEWS).items():
                page.goto(f"{server.url}/{path}")
                settled(page)
                console.holds(page, f"{name}-empty-{width}-{scheme}")
            page.context.close()


@check
def pages_say_that_the_server_is_gone(console):
    console.forgive("Failed to load resource")
    for width in WIDTHS:
        page = console.page(width=width, scheme="dark")
        page.route("**/v1/**", lambda route: route.abort())
        page.route("**/health", lambda route: route.abort())
        for name, path in PAGES.items():
            page.goto(f"{console.url}/{path}")
            page.locator("#health").get_by_text("The server does not answer.").wait_for()
            console.holds(page, f"{name}-gone-{width}")


@check
def pages_ask_for_a_key_where_one_is_needed(console):
    console.forgive("Failed to load resource")
    with Server(console.server.command[0], "--api-key", "open-sesame") as server:
        for width in WIDTHS:
            for name, path in PAGES.items():
                page = console.page(path, url=server.url, width=width)
                page.get_by_label("Key", exact=True).wait_for()
                console.holds(page, f"{name}-key-{width}")
                page.get_by_label("Key", exact=True).fill("open-sesame")
                page.keyboard.press("Enter")
                settled(page)
                page.context.close()


@check
def what_is_wrong_is_told_beside_it(console):
    console.forgive("Failed to load resource")
    for width in WIDTHS:
        page = console.page("weights.html", width=width, scheme="dark")
        page.set_input_files("#bring-file", {"name": "notes.zip", "mimeType": "application/zip", "buffer": b"no archive at all"})
        page.get_by_role("button", name="Bring", exact=True).click()
        page.locator("#bring-notice:not(:empty)").wait_for()
        console.holds(page, f"weights-refused-{width}")
        page = console.page("gap.html", width=width, scheme="dark")
        page.locator("#benchmark option").first.wait_for(state="attached")
        page.fill("#seed", "99999999999999999999")
        page.get_by_role("button", name="Measure", exact=True).click()
        page.locator("#measure-notice:not(:empty)").wait_for()
        console.holds(page, f"gap-refused-{width}")
        page = console.page("training.html", width=width, scheme="dark")
        page.set_input_files("#pairs input[type=file]", {"name": "notes.wav", "mimeType": "audio/wav", "buffer": b"no sound at all"})
        page.get_by_label("The question, typed").fill("What is 8 plus 5?")
        page.get_by_role("button", name="Take the step").click()
        page.locator("#step-notice:not(:empty)").wait_for()
        console.holds(page, f"training-refused-{width}")


@check
def reports_are_sound_and_printing_cuts_nothing(console):
    first, second = report(console, "cord-nano"), report(console, "cord-nano-cord")
    for name, path in {"report": f"v1/gap/reports/{first}?format=html", "comparison": f"v1/gap/reports/compare?base={first}&candidate={second}&format=html"}.items():
        for width, scheme in LOOKS:
            page = console.page(path, width=width, scheme=scheme)
            page.locator("h1").first.wait_for()
            console.holds(page, f"{name}-{width}-{scheme}")
        # A4 within its margins: what scrolls on the screen must not on paper.
        page.set_viewport_size({"width": 718, "height": 1000})
        page.emulate_media(media="print", color_scheme="light")
        cut = page.evaluate("""() => [...document.body.querySelectorAll("*")].filter(node => getComputedStyle(node).display !== "none"
            && (node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0 && getComputedStyle(node).overflowX !== "visible"
                || node.getBoundingClientRect().right > innerWidth + 1)).map(node => node.outerHTML.slice(0, 100))""")
        assert not cut, f"{name}: printing cuts {cut[:5]}"
        closed = page.evaluate("""() => [...document.querySelectorAll("details")].filter(node => {
            const inside = node.querySelector(":scope > :not(summary)"); return inside && !inside.checkVisibility(); }).length""")
        assert not closed, f"{name}: printing leaves {closed} folded parts out"
        console.shot(page, f"{name}-print", full_page=True)


@check
def the_gap_is_measured_compared_and_closed_by_keys_alone(console):
    for model in ("cord-nano", "cord-nano-cord"):
        report(console, model)
    while any(version["promoted"] for version in call(console, "GET", "v1/weights/versions?limit=100")["data"]):
        call(console, "POST", "v1/weights/rollback")
    known = len(call(console, "GET", "v1/gap/reports?limit=200")["data"])
    page = console.page()
    settled(page)
    tab(page, "Gap")
    page.keyboard.press("Enter")
    page.locator("#benchmark option").first.wait_for(state="attached")
    page.locator("#reports tbody tr").nth(1).wait_for()
    tab(page, "Questions")
    page.keyboard.type("4")
    tab(page, "Measure")
    page.keyboard.press("Enter")
    wait(lambda: page.locator("#reports tbody tr").count() > known, 120, "the report of the run is there")
    for model in ("cord-nano-cord", "cord-nano"):
        label = page.locator("#reports button[aria-pressed=false]", has_text="Compare").and_(page.get_by_label(f"Compare the report of {model} on cord-bench-1")).last.get_attribute("aria-label")
        tab(page, label, 200)
        page.keyboard.press("Enter")
        page.locator(f'#reports button[aria-label="{label}"][aria-pressed=true]').first.wait_for()
    page.locator("#compared .tile").first.wait_for()
    tab(page, "Show", 200)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "comparison-title"
    tab(page, "Weights", 200)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Promote cord-nano-cord").wait_for()
    tab(page, "Promote cord-nano-cord", 200)
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    tab(page, "Promote")
    page.keyboard.press("Enter")
    page.locator("#current", has_text="cord-nano-cord").wait_for()
    tab(page, "Roll back", 200)
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    tab(page, "Roll back")
    page.keyboard.press("Enter")
    page.locator("#current", has_text="the base weights").wait_for()
    tab(page, "Undo", 200)
    page.keyboard.press("Enter")
    page.locator("#current", has_text="cord-nano-cord").wait_for()
    call(console, "POST", "v1/weights/rollback")


@check
def firefox_shows_every_page(console):
    for model in ("cord-nano", "cord-nano-cord"):
        report(console, model)
    with Firefox() as page:
        for width in WIDTHS:
            page.resize(width, 800)
            for name, path in (PAGES | VIEWS).items():
                page.goto(f"{console.url}/{path}")
                page.wait_for(SETTLED)
                fits(page.evaluate, f"{name} in Firefox at {width}")
                accessible(page.evaluate, f"{name} in Firefox at {width}")
                if console.screenshots:
                    page.screenshot(console.screenshots / f"{name}-firefox-{width}.png")
