"""The Ask page: spoken and typed questions, by the mouse and by keys alone, wide and narrow, light and dark."""

import contextlib
import json
import re

from playwright.sync_api import Error

from browser import SPOKEN, WIDTHS, Server, accessible, check, fits, tab, wait
from firefox import Firefox

SUM = "What is the sum of 17, 9 and 28?"


def question(page):
    return page.get_by_role("textbox", name="Question", exact=True)


def ask(page, text=SUM):
    question(page).fill(text)
    page.keyboard.press("Enter")
    idle(page)


def idle(page):
    """Waits until nothing is asked any more."""
    page.locator("article").last.locator(".below .facts, .trouble:not([hidden])").first.wait_for()
    page.get_by_role("button", name="Ask", exact=True).wait_for()


def finals(page):
    return page.locator(".final").all_inner_texts()


def record(page):
    """Begins to record, and waits until all has been said; a busy machine hears it later than the clock says."""
    page.get_by_role("button", name="Record").click()
    recorded(page, 4)


def recorded(page, seconds):
    def shown():
        minutes, rest = page.locator("#timer").inner_text().split(" ")[0].split(":")
        return 60 * int(minutes) + int(rest) >= seconds

    wait(shown, 120, f"{seconds} s are recorded")


def answering(page, text, thought="", parts=None):
    """Lets the server's place be taken by an answer of any text, as chat completions stream it with the parts that the server finds."""
    chunk = lambda **members: "data: " + json.dumps({"object": "chat.completion.chunk", "model": "m", "choices": [], **members}) + "\n\n"
    body = chunk(choices=[{"index": 0, "delta": {"reasoning_content": thought}}]) if thought else ""
    body += "".join(chunk(choices=[{"index": 0, "delta": {"content": text[at:at + 7]}}]) for at in range(0, len(text), 7))
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    body += chunk(usage=usage, cord={"audio": [], "timings": {"total": 1.25}, "weight_version": "base", **({"answers": [parts]} if parts else {})}) + "data: [DONE]\n\n"
    page.route("**/v1/chat/completions", lambda route: route.fulfill(content_type="text/event-stream", body=body))


@check
def a_question_spoken_into_the_microphone_is_answered(console):
    page = console.page()
    page.add_init_script("""const open = MediaDevices.prototype.getUserMedia;
        MediaDevices.prototype.getUserMedia = async function (wanted) {
            const stream = await open.call(this, wanted);
            window.heardWith = stream.getAudioTracks()[0].getSettings();
            return stream; };""")
    page.reload()
    # The highest it ever shows: who looks now and then may look between two words.
    page.evaluate("""() => { window.loudest = 0; const level = document.querySelector("#level");
        new MutationObserver(() => { window.loudest = Math.max(window.loudest, level.ariaValueNow); }).observe(level, { attributes: true }); }""")
    page.get_by_role("button", name="Record").click()
    wait(lambda: page.evaluate("window.loudest > 20"), 120, "the level shows that someone speaks")
    console.holds(page, "ask-recording-1280")
    settings = page.evaluate("window.heardWith")
    assert not any(settings.get(name) for name in ("autoGainControl", "noiseSuppression", "echoCancellation")), settings
    recorded(page, 4)
    assert page.locator("#timer").inner_text().endswith(" of 2:00")
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("of silence left out").wait_for()
    console.holds(page, "ask-recorded-1280")
    page.get_by_role("button", name="Play the clip").click()
    page.get_by_role("button", name="Pause the clip").wait_for()
    page.get_by_role("button", name="Ask", exact=True).click()
    idle(page)
    page.locator(".heard q", has_text=SUM).wait_for()
    assert finals(page) == ["54"], finals(page)
    assert re.search(r"Heard 2\.\d s", page.locator(".heard").inner_text())
    console.holds(page, "ask-spoken-1280")


@check
def asking_while_it_records_ends_the_recording(console):
    page = console.page(width=390, height=780, scheme="dark")
    record(page)
    console.holds(page, "ask-recording-390")
    page.get_by_role("button", name="Ask", exact=True).click()
    idle(page)
    assert finals(page) == ["54"], finals(page)
    page.locator(".heard q", has_text=SUM).wait_for()
    console.holds(page, "ask-spoken-390")


@check
def a_recording_can_be_discarded_and_has_a_limit(console):
    page = console.page()
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name="Discard the recording").click()
    page.get_by_role("button", name="Record").wait_for()
    assert page.get_by_role("button", name="Play the clip").count() == 0
    seconds = page.evaluate("""async () => { const { startRecording } = await import("./wav.js");
        let session, count = 0;
        await new Promise(async resolve => { session = await startRecording({ limit: 0.5, onLimit: () => { count++; setTimeout(resolve, 300); } }); });
        const { seconds, trimmed } = await session.stop();
        return [seconds + trimmed, count]; }""")
    assert abs(seconds[0] - 0.5) < 0.01 and seconds[1] == 1, seconds


@check
def silence_is_trimmed_and_told_from_sound(console):
    page = console.page()
    lengths = page.evaluate("""async () => { const { trim } = await import("./wav.js");
        const rate = 16000, noise = level => Float32Array.from({ length: rate }, (_, i) => level * Math.sin(i * i * 0.37));
        const joined = (...levels) => { const all = new Float32Array(rate * levels.length); levels.forEach((level, i) => all.set(noise(level), i * rate)); return all; };
        return [[0, 0, 0.3, 0], [0.001, 0.3, 0.3, 0.001, 0.001], [0.02, 0.3, 0.02, 0.3, 0.02], [0.3, 0.3], [0.0001, 0.0001], []].map(levels => {
            const { samples, silent } = trim(joined(...levels), rate); return [samples.length / rate, silent]; }); }""")
    assert lengths == [[1.5, False], [2.5, False], [3.5, False], [2, False], [2, True], [0, True]], lengths


@check
def a_file_is_asked_with_words_beside_it(console):
    page = console.page()
    page.get_by_label("Sound file").set_input_files(SPOKEN)
    page.get_by_role("button", name="Remove the clip").click()
    assert page.get_by_role("button", name="Play the clip").count() == 0
    page.get_by_label("Sound file").set_input_files(SPOKEN)
    page.get_by_role("button", name="Ask", exact=True).click()
    idle(page)
    assert finals(page) == ["54"], finals(page)
    page.get_by_text("Reasoning", exact=True).click()
    page.locator("details").get_by_text("17 + 9 = 26. 26 + 28 = 54.").wait_for()


def newest_is_seen(page):
    """The last answer lies in the window and nothing lies over it."""
    return page.evaluate("""() => { const node = [...document.querySelectorAll(".answered")].at(-1), box = node.getBoundingClientRect();
        const at = document.elementFromPoint(box.left + 20, box.bottom - 12);
        return box.bottom <= innerHeight && box.top >= 0 && node.contains(at); }""")


def the_newest_answer_is_in_view(console, width, height):
    page = console.page(width=width, height=height)
    for count in range(1, 7):
        ask(page)
        assert len(finals(page)) == count
        wait(lambda: newest_is_seen(page), 90, f"answer {count} is in view at {width}")
    page.get_by_role("region", name="Conversation", exact=True).hover()
    page.mouse.wheel(0, -3000)
    page.get_by_role("button", name="Newest answer").wait_for()
    assert not newest_is_seen(page)
    console.holds(page, f"ask-scrolled-{width}")
    page.get_by_role("button", name="Newest answer").click()
    wait(lambda: newest_is_seen(page), 90, "the newest answer is in view again")
    console.holds(page, f"ask-six-{width}")


@check
def the_newest_answer_is_in_view_wide(console):
    the_newest_answer_is_in_view(console, 1280, 720)


@check
def the_newest_answer_is_in_view_narrow(console):
    the_newest_answer_is_in_view(console, 390, 664)


@check
def earlier_turns_and_the_system_prompt_are_sent(console):
    page = console.page()
    sent = []
    page.on("request", lambda request: "/chat/completions" in request.url and sent.append(request.post_data_json))
    page.get_by_label("Sound file").set_input_files(SPOKEN)
    page.get_by_role("button", name="Ask", exact=True).click()
    idle(page)
    ask(page)
    # The built-in model was taught single questions.
    assert [len(body["messages"]) for body in sent] == [1, 1]
    page.get_by_text("Each question stands alone.").wait_for()
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Send earlier questions").check()
    page.get_by_label("Longest answer").fill("99")
    console.holds(page, "ask-settings-1280")
    page.get_by_role("button", name="Done").click()
    page.get_by_text("Earlier turns are sent along. With a system prompt.").wait_for()
    ask(page)
    messages = sent[-1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert messages[0]["content"] == "Be brief." and messages[1]["content"][0]["type"] == "input_audio" and "54" in messages[2]["content"]
    assert sent[-1]["max_completion_tokens"] == 99
    page.reload()
    page.get_by_text("Earlier turns are sent along. With a system prompt.").wait_for()


@check
def a_model_is_chosen_and_kept(console):
    page = console.page()
    page.get_by_label("Model or weight version").select_option("cord-nano-cord")
    ask(page)
    assert "cord-nano-cord" in page.locator(".facts").inner_text()
    page.reload()
    page.locator("#model option").first.wait_for(state="attached")
    wait(lambda: page.evaluate("document.querySelector('#model').value") == "cord-nano-cord", 90, "the model is chosen again")


@check
def questions_are_edited_asked_again_and_copied(console):
    page = console.page()
    ask(page, "What is the sum of 11, 9 and 28?")
    ask(page)
    assert finals(page) == ["48", "54"], finals(page)
    page.get_by_role("button", name="Copy the answer").last.click()
    assert page.evaluate("navigator.clipboard.readText()").endswith("The answer is 54.")
    page.get_by_role("button", name="Ask again").click()
    idle(page)
    assert finals(page) == ["48", "54"], finals(page)
    page.get_by_role("button", name="Edit the question").first.click()
    page.get_by_text("The question behind it goes.").wait_for()
    console.holds(page, "ask-editing-1280")
    page.keyboard.press("Escape")
    assert page.locator("article").count() == 2
    page.get_by_role("button", name="Edit the question").first.click()
    page.get_by_label("Question, edited").fill("What is the sum of 12, 9 and 28?")
    page.keyboard.press("Enter")
    page.locator("article").nth(1).wait_for(state="detached")
    idle(page)
    assert finals(page) == ["49"], finals(page)


@check
def conversations_survive_a_reload_and_are_exported_and_cleared(console):
    page = console.page()
    page.get_by_label("Sound file").set_input_files(SPOKEN)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".heard q", has_text=SUM).wait_for()
    page.get_by_role("button", name="New conversation").first.click()
    ask(page, "What is the sum of 11, 9 and 28?")
    page.reload()
    page.get_by_text("48", exact=True).wait_for()
    page.get_by_role("button", name=re.compile("^" + re.escape(SUM))).click()
    page.get_by_text("54", exact=True).wait_for()
    page.get_by_role("button", name="Play the clip").click()
    page.get_by_role("button", name="Pause the clip").wait_for()
    console.holds(page, "ask-history-1280")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    kept = json.loads(download.value.path().read_text())["conversations"]
    assert [one["title"] for one in kept] == ["What is the sum of 11, 9 and 28?", SUM]
    assert kept[1]["messages"][0]["content"][0]["input_audio"]["data"] and kept[1]["messages"][1]["content"].endswith("54.")
    page.get_by_role("button", name=f"Delete: {SUM}").click()
    console.holds(page, "ask-confirm-1280")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name=f"Delete: {SUM}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name=f"Delete: {SUM}").wait_for(state="detached")
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Delete all").click()
    # The start shows since the open conversation was deleted; the list empties when nothing is kept any more.
    page.locator("#list li").first.wait_for(state="detached")
    page.reload()
    page.get_by_text("Ask by voice or in writing").wait_for()
    assert page.locator("#list li").count() == 0


@check
def what_is_waited_for_shows_that_it_is_and_can_be_stopped(console):
    page = console.page(width=390, height=780)
    held = []
    page.route("**/v1/chat/completions", lambda route: held.append(route))
    question(page).fill(SUM)
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"Reading … \d s")).wait_for()
    console.holds(page, "ask-waiting-390")
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped", exact=True).wait_for()
    for route in held:
        with contextlib.suppress(Error):  # Who asked has gone.
            route.abort()
    page.unroute("**/v1/chat/completions")
    page.get_by_role("button", name="Ask again").click()
    idle(page)
    assert finals(page) == ["54"], finals(page)


@check
def an_error_keeps_the_question_and_says_what_can_be_done(console):
    console.forgive("Failed to load resource")
    page = console.page(width=390, height=780, scheme="dark")
    page.get_by_text("Ask by voice or in writing").wait_for()
    page.route("**/v1/chat/completions", lambda route: route.abort())
    ask(page)
    page.get_by_text("See whether it runs, then try again.").wait_for()
    console.holds(page, "ask-error-390")
    page.reload()
    page.get_by_text(SUM).last.wait_for()
    page.unroute("**/v1/chat/completions")
    page.get_by_role("button", name="Try again").click()
    idle(page)
    assert finals(page) == ["54"], finals(page)
    page.get_by_label("Sound file").set_input_files({"name": "notes.wav", "mimeType": "audio/wav", "buffer": b"no sound at all" * 9})
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("Choose a sound file").wait_for()


@check
def a_conversation_too_long_is_asked_without_its_earlier_turns(console):
    console.forgive("Failed to load resource")
    page = console.page()
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Send earlier questions").check()
    page.get_by_role("button", name="Done").click()
    answering(page, "A long answer. " * 900)
    question(page).fill("Tell me more.")
    page.keyboard.press("Enter")
    page.locator("article").get_by_text("A long answer.").wait_for()
    page.unroute("**/v1/chat/completions")
    ask(page)
    page.get_by_role("button", name="Ask without earlier turns").click()
    page.get_by_text("54", exact=True).wait_for()


@check
def a_key_is_asked_for_where_one_is_needed(console):
    console.forgive("Failed to load resource")
    with Server(console.server.command[0], "--api-key", "open-sesame") as server:
        page = console.page(url=server.url)
        page.get_by_label("Key", exact=True).wait_for()
        console.holds(page, "ask-key-1280")
        ask(page)
        page.get_by_text("Enter a key above").wait_for()
        page.get_by_label("Key", exact=True).fill("open-sesame")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Try again").click()
        page.get_by_text("54", exact=True).wait_for()


HOSTILE = """Hello <img src=x onerror="window.pwned = 1"> and <script>window.pwned = 2</script>.

[a link](javascript:window.pwned=3) and [another](https://example.org/), ![a picture](https://example.org/x.png)

<a href="javascript:window.pwned=4">press</a><svg onload="window.pwned = 5"></svg><style>body { display: none }</style>
"""

WRITTEN = r"""# Areas

The **area** of a circle is $A = \pi r^2$, not \(2 \pi r\). It costs $5 or $6.

$$\int_0^1 x^2 \, dx = \left[ \frac{x^3}{3} \right]_0^1 = \frac{1}{3}, \qquad \sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}, \qquad e^{i\pi} + 1 = 0$$

### Steps

1. Take `r`.
2. Square it:

```python
def area(r): return 3.14159 * r ** 2  # a line that is longer than a narrow window is wide, so that it must scroll by itself
```

| radius | area | a column that is wide | and another that is wide |
|-------:|-----:|---|---|
| 1 | 3.14 | x | y |
| 2 | 12.57 | x | y |
"""


@check
def answers_are_parted_from_what_led_to_them(console):
    page = console.page()
    for text, before, final in (("The answer is 54.", "", "54"), ("17 + 9 = 26.\n\nSo, the final answer is: **54**.", "17 + 9 = 26.", "54"),
                                ("The answers are known.\n\nOne line.", None, None)):
        answering(page, text, parts=None if final is None else {"index": 0, "answer": final, "reasoning": before})
        ask(page)
        last = page.locator(".answered").last
        assert last.locator(".final").all_inner_texts() == ([final] if final else []), text
        if before:
            last.get_by_text("Reasoning", exact=True).click()
            last.get_by_text(before).wait_for()
        else:
            assert last.get_by_text("Reasoning", exact=True).is_hidden()
        page.unroute("**/v1/chat/completions")


@check
def what_a_model_writes_cannot_act(console):
    page = console.page()
    answering(page, HOSTILE)
    ask(page)
    page.get_by_role("link", name="another").wait_for()
    inside = page.locator(".answered > .said")
    assert page.evaluate("window.pwned") is None
    assert inside.locator("img, script, style, svg").count() == 0
    assert page.evaluate("[...document.querySelectorAll('.said *')].flatMap(node => [...node.attributes]).every(({ name, value }) => !name.startsWith('on') && !/script:/.test(value))")
    # What it wrote is shown as it wrote it.
    assert '<img src=x onerror="window.pwned = 1">' in inside.first.inner_text()
    page.get_by_text("a link").first.click()
    page.get_by_text("press").first.click()
    assert page.evaluate("window.pwned") is None and page.url.startswith(console.url)
    assert page.get_by_role("link", name="another").get_attribute("rel") == "noopener noreferrer"


@check
def sanitised_by_the_library_too(console):
    """The same, where Markdown's own reading lets HTML through: what DOMPurify is there for."""
    page = console.page()
    page.get_by_text("Ask by voice or in writing").wait_for()
    left = page.evaluate("""async () => { const { fill } = await import("./markdown.js"); window.marked.marked.use({ renderer: { html: raw => raw.text ?? raw } });
        const node = document.createElement("div"); document.body.append(node);
        fill(node, '<img src=x><a href="javascript:alert(1)">a</a><b><form><input></form></b><iframe></iframe>');
        return node.innerHTML; }""")
    assert not re.search("<img|javascript:|<form|<input|<iframe", left), left


@check
def markdown_and_mathematics_are_rendered(console):
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = console.page(width=width, scheme=scheme)
        answering(page, WRITTEN, thought="First I recall the formula.\n\n- It has $\\pi$ in it.")
        ask(page)
        page.locator(".answered > .said .katex").first.wait_for()
        assert page.locator(".answered > .said .katex").count() == 3 and page.locator(".said table td").count() == 8
        assert "It costs $5 or $6." in page.locator(".answered > .said").inner_text()
        page.evaluate("document.querySelector('#scroller').scrollTop = 0")
        wait(lambda: page.evaluate("document.fonts.check('16px KaTeX_Main')"), 90, "the letters of formulas are there")
        console.holds(page, f"ask-written-{width}")


@check
def without_the_libraries_answers_are_plain_text(console):
    console.forgive("Failed to load resource")
    page = console.page()
    page.route("**/vendor/**", lambda route: route.fulfill(status=404))
    page.reload()
    answering(page, WRITTEN)
    ask(page)
    assert "The **area** of a circle is $A = \\pi r^2$" in page.locator(".answered > .said").inner_text()


@check
def the_main_job_is_done_by_keys_alone(console):
    page = console.page()
    page.get_by_text("Ask by voice or in writing").wait_for()
    page.locator("#model option").first.wait_for(state="attached")

    tab(page, "Record")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").wait_for()
    recorded(page, 4)
    page.keyboard.press("Enter")  # Stop has the focus, and Ask after it.
    page.get_by_text("of silence left out").wait_for()
    page.keyboard.press("Enter")
    idle(page)
    page.locator(".heard q", has_text=SUM).wait_for()
    assert finals(page) == ["54"], finals(page)
    # Back at the text: a typed question, and the way to the other things.
    page.keyboard.type(SUM)
    page.keyboard.press("Enter")
    idle(page)
    assert finals(page) == ["54", "54"], finals(page)
    tab(page, "Sound file")
    assert page.evaluate("getComputedStyle(document.activeElement.closest('label')).outlineStyle") == "solid"
    tab(page, "Settings")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


@check
def the_start_and_the_drawer_are_sound(console):
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page = console.page(width=width, height=780, scheme=scheme)
        page.get_by_text("Ask by voice or in writing").wait_for()
        page.locator("#model option").first.wait_for(state="attached")
        console.holds(page, f"ask-start-{width}-{scheme}")
    page.get_by_role("button", name=SUM).click()
    idle(page)
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="Clear all").wait_for()
    console.holds(page, "ask-drawer-390")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear all").wait_for(state="hidden")
    page.get_by_role("button", name="Settings").click()
    console.holds(page, "ask-settings-390")


@check
def firefox_answers_what_is_typed_and_spoken(console):
    with Firefox() as page:
        for width in WIDTHS:
            page.resize(width, 780)
            page.goto(console.url)
            page.wait_for("() => document.querySelector('#model')?.options.length > 0")
            if width == 390:
                page.click("#new-here")
            page.click("#text")
            page.type(SUM)
            page.press("Enter")
            page.wait_for("() => document.querySelector('.final')?.innerText === '54'")
            page.choose("#file", SPOKEN)
            page.wait_for("() => document.querySelectorAll('#clip rect').length > 0")
            page.click("#send")
            page.wait_for("() => document.querySelectorAll('article .facts').length === 2 && !document.querySelector('#send').hidden")
            page.wait_for(f"() => document.querySelector('.heard q')?.innerText === '{SUM}'")
            assert page.evaluate("() => [...document.querySelectorAll('.final')].map(node => node.innerText)") == ["54", "54"]
            fits(page.evaluate, f"ask in Firefox at {width}")
            accessible(page.evaluate, f"ask in Firefox at {width}")
            if console.screenshots:
                page.screenshot(console.screenshots / f"ask-firefox-{width}.png")
