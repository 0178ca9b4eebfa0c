"""The pages of the gap, training, weights and data: what a person does there, at 1280 and at 390 points.

Each check makes what it needs over HTTP unless it is there already, so that any of them runs alone.
"""

import base64
import json

from browser import SPOKEN, WIDTHS, check, wait
from made import call, confirm, ended, report, rows, upload


@check
def gap_is_measured_from_the_page(console):
    page = console.page("gap.html")
    page.locator("#benchmark option").first.wait_for(state="attached")
    page.select_option("#benchmark", "cord-bench-1")
    page.fill("#limit", "12")
    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator("#runs tbody tr").first.wait_for()
    page.locator("#reports tbody strong").first.wait_for(timeout=240_000)
    console.holds(page, "gap-1280")
    assert page.locator("#reports tbody tr").first.get_by_text("n = 12").count() == 1
    page.locator("#reports").get_by_text("Export").first.click()
    page.locator("#reports").get_by_role("link", name="CSV").first.wait_for()
    console.holds(console.page("gap.html", width=390, scheme="dark"), "gap-390-begin")


@check
def run_is_cancelled_on_a_phone(console):
    run = call(console, "POST", "v1/gap/runs", {"model": "cord-nano", "benchmark": "cord-bench-2"})
    page = console.page("gap.html", width=390)
    row = page.locator(f'#runs tr[data-id="{run["id"]}"]')
    row.get_by_text("left").wait_for(timeout=300_000)
    console.holds(page, "gap-running-390")
    row.get_by_role("button", name="Cancel").click()
    console.holds(page, "gap-cancel-390")
    confirm(page, "Cancel")
    assert call(console, "GET", f"v1/gap/runs/{run['id']}")["status"] in ("queued", "running"), "The dialog's Cancel cancels nothing."
    row.get_by_role("button", name="Cancel").click()
    confirm(page, "Cancel the run")
    row.get_by_text("cancelled").wait_for()
    assert call(console, "GET", f"v1/gap/runs/{run['id']}")["status"] == "cancelled"


@check
def two_reports_are_compared(console):
    for model in ("cord-nano", "cord-nano-cord"):
        report(console, model)
    for width in WIDTHS:
        page = console.page("gap.html", width=width)
        page.locator("#reports tbody tr").nth(1).wait_for()
        for _ in range(2):
            page.locator("#reports").get_by_role("button", name="Compare the report", pressed=False).first.click()
        page.locator("#compared .tile").first.wait_for()
        page.get_by_text("gap reduction").wait_for()
        console.holds(page, f"gap-compared-{width}")
        # Scrolled away, the comparison is one press away.
        page.evaluate("scrollTo(0, 0)")
        show = page.get_by_role("button", name="Show", exact=True)
        assert show.evaluate("node => { const box = node.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight; }")
        show.click()
        assert page.evaluate("document.activeElement.id") == "comparison-title"
        page.locator("#compared").get_by_text("cord-nano → cord-nano-cord on").wait_for()
        page.get_by_role("button", name="Swap").click()
        page.locator("#compared").get_by_text("cord-nano-cord → cord-nano on").wait_for()
        page.get_by_role("link", name="Answers side by side").click()
        page.locator("#answers .item").first.wait_for()


@check
def question_is_inspected_with_a_model_of_its_own(console):
    page = console.page("gap.html")
    page.locator("#inspect-model option").nth(1).wait_for(state="attached")
    page.select_option("#inspect-model", "cord-nano-cord")
    page.set_input_files("#inspect-clip input[type=file]", str(SPOKEN))
    page.fill("#inspect-text", "What is the sum of 17, 9 and 28?")
    page.get_by_role("button", name="Inspect", exact=True).click()
    page.locator("#inspection .tokens button").first.wait_for()
    assert page.locator("#inspection .tile", has_text="weights").get_by_text("cord-nano-cord").count() >= 1
    assert page.locator("#model").input_value() == "cord-nano"
    console.holds(page, "inspect-1280")
    page.set_viewport_size({"width": 390, "height": 800})
    console.holds(page, "inspect-390")


@check
def curves_move_while_jobs_train(console):
    name = "pairs.jsonl"
    pairs, held = upload(console, name, rows(24)), upload(console, "held.jsonl", rows(2))
    page = console.page("training.html")
    console.holds(page, "training-1280-begin")
    page.locator("#job-file-known option", has_text=name).first.wait_for(state="attached")
    page.select_option("#job-file-known", pairs)
    page.select_option("#job-validation-known", held)
    page.fill("#job-epochs", "12")
    page.fill("#job-batch", "2")
    page.fill("#job-every", "4")
    page.fill("#job-suffix", "moving")
    page.get_by_role("button", name="Start", exact=True).click()
    curve = page.locator("figure.chart", has_text="Training loss").locator("polyline").last
    curve.wait_for(state="attached", timeout=240_000)
    length = lambda: len(curve.get_attribute("points").split())
    first = length()
    wait(lambda: length() > first + 1, 180, "the curve has grown by two steps")
    page.locator("#jobs").get_by_text("left").first.wait_for()
    console.holds(page, "training-running-1280")
    page.set_viewport_size({"width": 390, "height": 800})
    console.holds(page, "training-running-390")
    row = page.locator("#jobs tbody tr").first
    row.get_by_role("button", name="Cancel").click()
    confirm(page, "Cancel the job")
    row.get_by_text("cancelled").wait_for()


@check
def jobs_are_overlaid_with_the_gap_before_and_after(console):
    file = upload(console, "few.jsonl", rows(4))
    hyper = {"n_epochs": 1, "batch_size": 2, "eval_every": 1, "optimizer": {"learning_rate": 1e-5}}
    jobs = [call(console, "POST", "v1/fine_tuning/jobs", {
        "model": "cord-nano", "training_file": file, "validation_file": file, "suffix": suffix, "method": {method: {"hyperparameters": hyper}, "type": method},
        "cord": {"promote": {"if": "gap_reduced", "limit": 12}}})["id"] for method, suffix in (("cord", "one"), ("supervised", "two"))]
    for job in jobs:
        assert ended(console, f"v1/fine_tuning/jobs/{job}")["status"] == "succeeded"
    for width in WIDTHS:
        page = console.page(f"training.html?job={jobs[0]}&job={jobs[1]}", width=width)
        page.locator("figure.chart", has_text="Gap").locator(".mark").nth(3).wait_for(state="attached")
        assert page.locator("figure.chart", has_text="Training loss").locator("polyline").count() == 2
        assert page.locator("#legend .legend-entry").count() == 2
        page.locator("#log-of summary").click()
        console.holds(page, f"training-{width}")
        page.locator(f'#jobs tr[data-id="{jobs[0]}"]').get_by_role("checkbox").uncheck()
        wait(lambda: page.locator("#legend .legend-entry").count() == 1, 90, "one job is drawn")


@check
def step_is_taken_and_drawn(console):
    page = console.page("training.html")
    page.set_input_files("#pairs input[type=file]", str(SPOKEN))
    page.get_by_label("The question, typed").fill("What is the sum of 17, 9 and 28?")
    page.fill("#step-rollouts", "2")
    for _ in range(2):
        page.locator("#step-result").evaluate("node => node.replaceChildren()")
        page.get_by_role("button", name="Take the step").click()
        page.locator("#step-result .tile").first.wait_for(timeout=240_000)
    page.locator("#steps tbody tr").nth(1).wait_for()
    console.holds(page, "training-steps-1280")


@check
def versions_are_promoted_and_rolled_back_and_both_undone(console):
    for model in ("cord-nano", "cord-nano-cord"):
        report(console, model)
    while any(version["promoted"] for version in call(console, "GET", "v1/weights/versions?limit=100")["data"]):
        call(console, "POST", "v1/weights/rollback")
    for width in WIDTHS:
        page = console.page("weights.html", width=width)
        page.get_by_role("button", name="Promote cord-nano-cord").click()
        console.holds(page, f"weights-dialog-{width}")
        confirm(page, "Promote")
        page.locator("#current", has_text="cord-nano-cord").wait_for()
        console.holds(page, f"weights-{width}")
        page.locator("#done").get_by_role("button", name="Undo").click()
        page.locator("#current", has_text="the base weights").wait_for()
        page.get_by_role("button", name="Promote cord-nano-cord").click()
        confirm(page, "Promote")
        page.locator("#current", has_text="cord-nano-cord").wait_for()
        page.get_by_role("button", name="Roll back").click()
        confirm(page, "Roll back")
        page.locator("#current", has_text="the base weights").wait_for()
        page.locator("#done").get_by_role("button", name="Undo").click()
        page.locator("#current", has_text="cord-nano-cord").wait_for()
        assert page.locator("#versions .gaps", has_text="n = 12").count() >= 2
        # Somebody else changes what is in force: nothing is undone over it.
        page.get_by_role("button", name="Roll back").click()
        confirm(page, "Roll back")
        page.locator("#current", has_text="the base weights").wait_for()
        call(console, "POST", "v1/weights/versions/cord-nano-cord/promote")
        page.locator("#done").get_by_role("button", name="Undo").click()
        page.locator("#done").get_by_text("nothing was undone").wait_for()
        call(console, "POST", "v1/weights/rollback")


@check
def lineage_shows_what_made_each_version(console):
    pair = {"audio": {"data": base64.b64encode(SPOKEN.read_bytes()).decode()}, "text": "What is the sum of 17, 9 and 28?", "rollouts": [{"text": "54"}]}
    made = call(console, "POST", "v1/cord/steps", {"pairs": [pair]})
    for width in WIDTHS:
        page = console.page("weights.html", width=width)
        card = page.locator("#versions .version", has=page.locator(f'h3[title="{made["weight_version"]}"]'))
        card.get_by_text(f"CORD step {made['step']}").wait_for()
        assert card.get_by_text("1 pair").count() == 1
        console.holds(page, f"weights-lineage-{width}")
    call(console, "POST", "v1/weights/rollback")


@check
def items_are_filtered_played_asked_and_marked(console):
    for width in WIDTHS:
        page = console.page("data.html?set=cord-bench-1", width=width)
        page.locator("#items .item").first.wait_for()
        assert page.locator("#items-count").inner_text().startswith("25 of 600")
        page.get_by_role("button", name="Show more").click()
        wait(lambda: page.locator("#items .item").count() == 50, 90, "50 items are shown")
        page.select_option("#items-category", "calendar")
        wait(lambda: "of 100 items" in page.locator("#items-count").inner_text(), 90, "one category is shown")
        page.fill("#items-search", "friday")
        wait(lambda: "search=friday" in page.evaluate("location.search") and all("friday" in text.lower() for text in page.locator("#items .item").all_inner_texts()), 90, "items with the word are shown")
        console.holds(page, f"data-items-{width}")
        item = page.locator("#items .item").first
        item.locator("summary").click()
        item.get_by_role("button", name="gold is wrong").click()
        item.get_by_label("Right answer, if another").fill("Monday")
        item.get_by_label("Note").fill("by the check")
        item.get_by_label("Note").press("Tab")
        item.get_by_text("gold is wrong: Monday").wait_for()
        item.get_by_role("button", name="Ask both models").click()
        item.locator(".answer").nth(3).wait_for()
        console.holds(page, f"data-asked-{width}")
        play = item.locator(".play")
        play.click()
        wait(lambda: play.get_attribute("aria-pressed") == "true", 90, "the clip plays")
        play.click()
        assert play.get_attribute("aria-pressed") == "false"
        page.get_by_role("tab", name="Labels").click()
        page.locator("#labels tr", has_text="Monday").wait_for()
        console.holds(page, f"data-labels-{width}")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export JSONL").click()
        marks = [json.loads(line) for line in open(download.value.path())]
        assert [(mark["verdict"], mark["answer"], mark["note"]) for mark in marks] == [("gold_wrong", "Monday", "by the check")]
        page.locator("#labels").get_by_role("button", name="Take the mark").click()
        confirm(page, "Take away")
        page.get_by_text("No mark on this set yet").wait_for()


@check
def rows_of_a_training_file_are_looked_through(console):
    broken = rows(30) + b'\n{"text": "a", "nonsense": 1}'
    file = upload(console, "broken.jsonl", broken)
    for width in WIDTHS:
        page = console.page(f"data.html?view=files&file={file}", width=width)
        wait(lambda: page.locator("#rows-count").inner_text() == "25 of 31 rows", 90, "a page of rows is shown")
        play = page.locator("#rows .play").first
        play.click()
        wait(lambda: play.get_attribute("aria-pressed") == "true", 90, "the clip plays")
        page.select_option("#rows-problems", "true")
        page.get_by_text("nonsense").wait_for()
        assert page.locator("#rows .item").count() == 1
        console.holds(page, f"data-rows-{width}")


@check
def answers_of_two_versions_stand_side_by_side(console):
    first, second = report(console, "cord-nano"), report(console, "cord-nano-cord")
    for width in WIDTHS:
        page = console.page(f"data.html?view=answers&a={first}", width=width)
        page.locator("#answers .item").first.wait_for()
        assert page.locator("#answers .item").first.locator(".answer").count() == 2
        page.select_option("#answers-b", second)
        wait(lambda: page.locator("#answers .item").first.locator(".answer").count() == 4, 90, "four answers stand side by side")
        counts = [int(text) for text in page.locator("#answers-square button b").all_inner_texts()]
        assert sum(counts) == 12
        console.holds(page, f"data-answers-{width}")
        for place, count in enumerate(counts):
            button = page.locator("#answers-square button").nth(place)
            button.click()
            assert page.locator("#answers .item").count() == count, f"{count} items are in the field {place}"
            assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
            page.locator("#answers-square button").nth(place).click()
        chip = page.locator("#answers-chips button").first
        wanted = int(chip.locator("b").inner_text())
        chip.click()
        assert page.locator("#answers .item").count() == wanted
        page.keyboard.press("Enter")
        assert page.locator("#answers .item").count() == 12


@check
def views_of_data_are_reached_by_keyboard(console):
    page = console.page("data.html")
    page.get_by_role("tab", name="Questions").focus()
    for name in ("Training files", "Answers", "Labels"):
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
        assert page.get_by_role("tabpanel", name=name).is_visible()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tabpanel", name="Questions").is_visible()
