// Measuring: runs and their progress, reports, two of them compared, question sets.

import { events, get, post, request, upload } from "./api.js";
import { $, act, badge, date, el, fillModels, intervalMark, keepFresh, pageLink, percent, probability, range, rows, signed, tile } from "./page.js";

const watched = new Map();
let chosen = { base: null, candidate: null };

const refresh = keepFresh(async () => {
  if (!$("model").options.length) await fillModels($("model"));
  const [runs, reports, sets] = await Promise.all([get("v1/gap/runs?limit=8"), get("v1/gap/reports?limit=50"), get("v1/benchmarks?limit=50")]);
  showRuns(runs.data);
  showReports(reports.data);
  showSets(sets.data);
});

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

function showRuns(runs) {
  // A row that is being watched stays, so that its bar moves instead of being made anew.
  rows($("runs"), runs, run => ({ "data-id": run.id, values: runCells(run) }), "No run yet.");
  for (const run of runs) if (["queued", "running"].includes(run.status)) watch(run.id);
}

function runCells(run) {
  const { done, total } = run.progress;
  const isOpen = ["queued", "running"].includes(run.status);
  const state = el("td", {}, run.status === "running" && total
    ? el("progress", { max: total, value: done, title: `${done} of ${total}`, "aria-label": `${done} of ${total} answers` })
    : badge(run.status));
  if (run.error) state.append(" ", el("span", { className: "quiet", textContent: run.error.message }));
  const last = isOpen
    ? el("button", { className: "small", textContent: "Cancel", onclick: event => act(event.target, $("runs-notice"), async () => { await post(`v1/gap/runs/${run.id}/cancel`); await refresh(); }) })
    : run.report_id ? pageLink(`v1/gap/reports/${run.report_id}?format=html`, "Report", `${run.report_id}.html`) : "";
  return [date(run.created_at), run.model, `${run.benchmark}${run.limit ? `, ${run.limit}` : ""}`, state, last];
}

/** Follows one run's events until it ends. */
async function watch(id) {
  if (watched.has(id)) return;
  watched.set(id, true);
  try {
    for await (const run of events(await request(`v1/gap/runs/${id}/events`))) {
      const row = $("runs").querySelector(`tr[data-id="${id}"]`);
      const bar = row?.querySelector("progress");
      if (bar && run.status === "running") {
        bar.max = run.progress.total;
        bar.value = run.progress.done;
        bar.title = `${run.progress.done} of ${run.progress.total}`;
      } else if (row) row.replaceChildren(...runCells(run).map(value => value instanceof HTMLTableCellElement ? value : el("td", {}, value)));
    }
  } catch { /* The next refresh tells. */ }
  watched.delete(id);
  refresh();
}

function showReports(reports) {
  const widest = Math.max(10, ...reports.flatMap(report => (report.gap_interval ?? []).map(Math.abs)));
  rows($("reports"), reports, report => {
    const pick = role => el("input", {
      type: "radio", name: role, "aria-label": `${role} ${report.id}`, checked: chosen[role] === report.id,
      onchange: () => { chosen[role] = report.id; compare(); },
    });
    const link = (format, label) => pageLink(`v1/gap/reports/${report.id}?format=${format}`, label, `${report.id}.${format}`);
    const gap = report.gap === null
      ? [number("–"), el("td", { className: "quiet", textContent: "not measured", title: "No item was asked both typed and spoken." })]
      : [number(signed(report.gap)),
        el("td", { title: range(report.gap_interval) }, intervalMark(report.gap, report.gap_interval, "gap", -widest / 4, widest))];
    return { values: [
      pick("base"), pick("candidate"), date(report.created_at), report.weight_version === "base" ? report.model : report.weight_version,
      report.benchmark, number(report.n), number(percent(report.accuracy.text)), number(percent(report.accuracy.audio)),
      ...gap,
      el("td", {}, link("html", "Page"), " · ", link("md", "Markdown"), " · ", link("csv", "CSV"), " · ", link("json", "JSON")),
    ] };
  }, "No report yet. Measure the gap above.");
}

const number = text => el("td", { className: "number", textContent: text });

async function compare() {
  const { base, candidate } = chosen;
  if (!base || !candidate) return;
  $("reports-notice").textContent = "";
  $("comparison").replaceChildren();
  if (base === candidate) return;
  const query = `v1/gap/reports/compare?base=${base}&candidate=${candidate}`;
  try {
    const change = await get(query);
    const arm = (name, paired) => tile(`${name} accuracy`, `${signed(paired.points)} points`,
      `${range([paired.interval.lower, paired.interval.upper])}, ${probability(paired.sign_flip_p)}, ${paired.b} gained, ${paired.c} lost`);
    const reduction = share => share === undefined || share === null ? "–" : `${signed(100 * share)} %`;
    $("comparison").replaceChildren(
      el("div", { className: "tiles" },
        tile("gap", `${signed(change.gap_before)} → ${signed(change.gap_after_own)}`, `points, ${probability(change.gap_change.sign_flip_p)}, n = ${change.n}`),
        tile("gap reduction", reduction(change.reduction_own), `${reduction(change.reduction_against_base_text)} against the base's text`),
        arm("text", change.text), arm("audio", change.audio)),
      el("p", {}, pageLink(`${query}&format=html`, "The whole comparison, with every item that changed", "comparison.html")));
    if (change.differences.length) $("comparison").append(el("p", { className: "quiet", textContent: `The runs differ in: ${change.differences.join("; ")}` }));
  } catch (error) { $("reports-notice").textContent = error.message; }
}

function showSets(sets) {
  const select = $("benchmark");
  if (select.options.length !== sets.length) {
    select.replaceChildren(...sets.map(set => el("option", { value: set.name, textContent: set.name, selected: set.name === select.value })));
  }
  rows($("sets"), sets, set => ({ values: [
    set.name, number(set.items), number(set.voices),
    el("td", { className: "wrap quiet", textContent: Object.entries(set.categories).map(([name, count]) => `${name} ${count}`).join(", ") }),
  ] }), "No question set.");
}

$("add-set").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("sets-notice"), async () => {
    const file = await upload($("set-file").files[0], "evals");
    await post("v1/benchmarks", { name: $("set-name").value, file_id: file.id });
    event.target.reset();
    await refresh();
  });
});
