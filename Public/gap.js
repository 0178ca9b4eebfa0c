// Measuring: runs and their progress, reports, two of them compared, question sets.

import { get, post, upload } from "./api.js";
import { dumbbell } from "./chart.js";
import { $, act, badge, date, el, ends, fillModels, intervalMark, keepFresh, lately, pageLink, percent, probability, range, signed, tile } from "./page.js";
import { confirmed } from "./dialog.js";
import { duration, progress, table, timeLeft } from "./tables.js";

/** The reports that are compared: the older one first. */
let chosen = [];
let reports = new Map(), names = new Map();

const isOpen = run => ["queued", "running", "paused"].includes(run.status);
const named = report => report.weight_version === "base" ? report.model : names.get(report.weight_version) ?? report.weight_version;

const questionSets = lately(() => get("v1/benchmarks?limit=1000"));

const refresh = keepFresh(async () => {
  if (!$("model").options.length) await fillModels($("model"));
  const [runs, page, sets, versions] = await Promise.all(
    [get("v1/gap/runs?limit=20"), get("v1/gap/reports?limit=200"), questionSets(), get("v1/weights/versions?limit=1000")]);
  names = new Map(versions.data.map(version => [version.id, version.name]));
  reports = new Map(page.data.map(report => [report.id, report]));
  showRuns(runs.data);
  showReports(page.data);
  fillSets(sets.data);
  showSets(sets.data);
}, 3);

$("measure").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("measure-notice"), async () => {
    const body = {
      model: $("model").value, benchmark: $("benchmark").value, seed: Number($("seed").value),
      arms: [...document.querySelectorAll("[name=arm]:checked")].map(box => box.value),
    };
    if ($("limit").value) body.limit = Number($("limit").value);
    await post("v1/gap/runs", body);
    await refresh();
  });
});

// Runs.

const showRuns = table($("runs"), {
  label: "Runs", empty: "No run yet. Measure the gap, and it appears here.", id: run => run.id,
  columns: [
    { name: "run", wide: true, bare: true, cell: run => el("div", {},
      el("span", { className: "name", textContent: run.model }), " ",
      el("small", { textContent: `on ${run.benchmark}${run.limit ? `, ${run.limit} questions` : ""}, ${date(run.created_at)}` })) },
    { name: "state", wide: true, bare: true, cell: runState },
    { name: "actions", hidden: true, wide: true, cell: runActions },
  ],
});

function runState(run) {
  if (run.error) return el("span", {}, badge(run.status), " ", el("small", { textContent: run.error.message }));
  const { done, total } = run.progress;
  if (run.status !== "running" || !total) return badge(run.status);
  const left = timeLeft(run.id, done, total);
  return progress(done, total, `${done} of ${total} answers${left === null ? "" : `, ${duration(left)} left`}`);
}

function runActions(run) {
  const actions = el("div", { className: "actions" });
  if (isOpen(run)) actions.append(el("button", {
    className: "small", textContent: "Cancel", "aria-label": `Cancel the run of ${run.model} on ${run.benchmark}`,
    onclick: async event => {
      const wanted = await confirmed({
        title: "Cancel this run?", text: `${run.progress.done} of ${run.progress.total || "its"} answers are there; they are not kept without the rest.`,
        action: "Cancel the run", danger: true,
      });
      if (wanted) act(event.target, $("runs-notice"), async () => { await post(`v1/gap/runs/${run.id}/cancel`); await refresh(); });
    },
  }));
  if (run.report_id) actions.append(...reportLinks(run.report_id));
  return actions;
}

function reportLinks(id) {
  const link = (format, label) => pageLink(`v1/gap/reports/${id}?format=${format}`, label, `${id}.${format}`);
  return [Object.assign(link("html", "Report"), { className: "small button" }), el("a", { className: "small button", href: `data.html?view=answers&a=${id}`, textContent: "Items" }),
    el("details", { className: "menu" }, el("summary", { textContent: "Export", "aria-label": `Export the report ${id}` }),
      el("div", {}, link("json", "JSON"), link("csv", "CSV"), link("md", "Markdown")))];
}

// Reports.

let widest = 10, lowest = -3;
const showReportRows = table($("reports"), {
  label: "Reports", empty: "No report yet. A run that has succeeded makes one.", id: report => report.id,
  mark: report => chosen.includes(report.id) ? "chosen" : "", also: report => [named(report), lowest, widest],
  columns: [
    { name: "weights", wide: true, bare: true, cell: report => el("div", {},
      el("span", { className: "name", textContent: named(report) }),
      el("div", {}, el("small", { textContent: `${report.benchmark}, n = ${report.n}, ${date(report.created_at)}` }))) },
    { name: "typed", number: true, cell: report => percent(report.accuracy.text) },
    { name: "spoken", number: true, cell: report => percent(report.accuracy.audio) },
    { name: "0 to 100 %", cell: report => dumbbell(report.accuracy.text, report.accuracy.audio) },
    { name: "gap in points", cell: report => report.gap === null
      ? el("span", { className: "quiet", textContent: "not measured: no question was asked both ways" })
      : el("div", {}, el("strong", { textContent: signed(report.gap) }), " ", report.gap_interval ? el("small", { className: "whole-word", textContent: range(report.gap_interval) }) : "", " ",
        el("small", { className: "whole-word", textContent: report.p === null ? "" : probability(report.p) }),
        el("div", {}, report.gap_interval ? intervalMark(report.gap, report.gap_interval, "gap", lowest, widest) : "")) },
    { name: "actions", hidden: true, wide: true, cell: report => {
      const isChosen = chosen.includes(report.id);
      return el("div", { className: "actions" }, el("button", {
        type: "button", className: "small", textContent: isChosen ? "Chosen" : "Compare", "aria-pressed": String(isChosen),
        "aria-label": `Compare the report of ${named(report)} on ${report.benchmark}, ${date(report.created_at)}`, onclick: () => choose(report.id),
      }), ...reportLinks(report.id));
    } },
  ],
});

function showReports(list) {
  const ends = list.flatMap(report => report.gap_interval ?? []);
  [lowest, widest] = [Math.min(-3, ...ends), Math.max(10, ...ends)];
  showReportRows(list);
  dock();
}

function choose(id) {
  chosen = chosen.includes(id) ? chosen.filter(other => other !== id) : [...chosen, id].slice(-2);
  chosen.sort((a, b) => reports.get(a)?.created_at - reports.get(b)?.created_at);
  showReportRows([...reports.values()]);
  dock();
  if (chosen.length === 2) compare();
}

/** The comparison's own controls, in view wherever the page is scrolled to. */
function dock() {
  const place = $("dock");
  const known = chosen.filter(id => reports.has(id));
  const state = JSON.stringify(known);
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.hidden = known.length === 0;
  if (!known.length) { $("comparison").hidden = true; return; }
  const [first, second] = known.map(id => reports.get(id));
  // Two reports of the same weights differ by when they were made.
  const name = report => named(report) + (second && named(first) === named(second) ? `, ${date(report.created_at)}` : "");
  const button = (label, onclick) => el("button", { type: "button", className: "small", textContent: label, onclick });
  place.replaceChildren(
    el("span", { className: "grow", textContent: second ? `${name(first)} → ${name(second)} on ${first.benchmark}` : `${name(first)} → choose a second report of ${first.benchmark}` }),
    el("div", { className: "actions" },
      known.length === 2 ? button("Show", () => { $("comparison").scrollIntoView({ block: "start" }); $("comparison-title").focus({ preventScroll: true }); }) : null,
      known.length === 2 ? button("Swap", () => { chosen.reverse(); $("dock").dataset.state = ""; dock(); compare(); }) : null,
      button("Clear", () => { chosen = []; showReportRows([...reports.values()]); dock(); })));
}

async function compare() {
  const [base, candidate] = chosen;
  $("comparison").hidden = false;
  $("comparison-notice").textContent = "";
  $("compared").replaceChildren(el("p", { className: "quiet", textContent: "Comparing…" }));
  const query = `v1/gap/reports/compare?base=${base}&candidate=${candidate}`;
  try {
    const change = await get(query);
    if (chosen[0] !== base || chosen[1] !== candidate) return;
    const arm = (name, paired) => tile(`${name} accuracy`, `${signed(paired.points)} points`,
      `${ends(paired)}, ${probability(paired.sign_flip_p)}, ${paired.b} gained, ${paired.c} lost`);
    const reduction = share => share === undefined || share === null ? "–" : `${signed(100 * share)} %`;
    const closed = change.gap_closed;
    $("compared").replaceChildren(
      el("p", { textContent: `${named(reports.get(base))} → ${named(reports.get(candidate))} on ${change.benchmark}, ${change.n} questions that both were asked typed and spoken.` }),
      el("div", { className: "tiles" },
        tile("gap", `${signed(change.gap_before)} → ${signed(change.gap_after_own)}`,
          `closed by ${signed(closed.points)} points ${ends({ interval: closed.bootstrap, ...closed })}, ${probability(closed.sign_flip_p)}`),
        tile("gap reduction", reduction(change.reduction_own), `of the gap before; ${reduction(change.reduction_against_base_text)} against the base's typed accuracy`),
        arm("typed", change.text), arm("spoken", change.audio)),
      el("p", { className: "actions" },
        Object.assign(pageLink(`${query}&format=html`, "Whole comparison", "comparison.html"), { className: "button" }),
        el("a", { className: "button", href: `data.html?view=answers&a=${base}&b=${candidate}`, textContent: "Answers side by side" }),
        el("details", { className: "menu" }, el("summary", { textContent: "Export", "aria-label": "Export the comparison" }),
          el("div", {}, pageLink(`${query}&format=json`, "JSON", "comparison.json"), pageLink(`${query}&format=md`, "Markdown", "comparison.md")))));
    if (change.differences.length) $("compared").append(el("p", { className: "quiet", textContent: `The runs differ in more than the weights: ${change.differences.join("; ")}` }));
  } catch (error) {
    $("compared").replaceChildren();
    $("comparison-notice").textContent = error.message;
  }
}

// Question sets.

const showSets = table($("sets"), {
  label: "Question sets", empty: "No question set.", id: set => set.id,
  columns: [
    { name: "name", wide: true, bare: true, cell: set => el("div", {}, el("span", { className: "name", textContent: set.name }), " ", el("small", { textContent: set.built_in ? "comes with cord" : `added ${date(set.created_at)}` })) },
    { name: "questions", number: true, cell: set => String(set.items) },
    { name: "voices", number: true, cell: set => String(set.voices) },
    { name: "categories", wide: true, cell: set => el("small", { textContent: Object.entries(set.categories).map(([name, count]) => `${name} ${count}`).join(", ") }) },
    { name: "actions", hidden: true, wide: true, cell: set => el("div", { className: "actions" },
      el("a", { className: "small button", href: `data.html?set=${encodeURIComponent(set.name)}`, textContent: "Browse", "aria-label": `Browse ${set.name}` })) },
  ],
});

function fillSets(sets) {
  const select = $("benchmark");
  if (select.options.length === sets.length) return;
  select.replaceChildren(...sets.map(set => el("option", { value: set.name, textContent: `${set.name} (${set.items})`, selected: set.name === select.value })));
}

$("add-set").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("sets-notice"), async () => {
    const file = await upload($("set-file").files[0], "evals");
    await post("v1/benchmarks", { name: $("set-name").value, file_id: file.id });
    event.target.reset();
    questionSets.forget();
    await refresh();
  });
});
