// Fine-tuning jobs: begun from a file, drawn while they train, paused, resumed, cancelled, promoted.

import { get, post, save, upload } from "./api.js";
import { colour, curves, title } from "./curves.js";
import { confirmed, done } from "./dialog.js";
import { $, act, badge, date, el, fillModels, keepFresh, lately } from "./page.js";
import { duration, progress, table, timeLeft } from "./tables.js";

let drawn = new URLSearchParams(location.search).getAll("job"), wasChosen = drawn.length > 0;
let jobs = [], files = new Map();

const isOpen = job => ["queued", "running", "validating_files"].includes(job.status);

const known = { files: lately(() => get("v1/files?purpose=fine-tune&limit=1000")), sets: lately(() => get("v1/benchmarks?limit=1000"), 60) };

const refresh = keepFresh(async () => {
  if (!$("job-model").options.length) await fillModels($("job-model"));
  const [page, uploads, sets] = await Promise.all([get("v1/fine_tuning/jobs?limit=100"), known.files(), known.sets()]);
  jobs = page.data;
  files = new Map(uploads.data.map(file => [file.id, file]));
  fillFiles($("job-file-known"), uploads.data, []);
  fillFiles($("job-validation-known"), uploads.data, [["none", "none"]]);
  if ($("job-set").options.length !== sets.data.length) {
    $("job-set").replaceChildren(...sets.data.map(set => el("option", { value: set.name, textContent: set.name })));
  }
  if (!wasChosen) {
    const running = jobs.filter(job => isOpen(job) && !job.cord.paused);
    drawn = (running.length ? running : jobs.filter(job => job.cord.step > 1).slice(0, 1)).slice(0, 6).map(job => job.id);
  }
  showJobs(jobs);
  await curves(drawn.map(id => jobs.find(job => job.id === id)).filter(Boolean));
}, 2);

/** Uploads by name, and a new one. */
function fillFiles(select, list, before) {
  const options = [...before, ...list.map(file => [file.id, `${file.filename} (${date(file.created_at)})`]), ["new", "upload another…"]];
  const state = JSON.stringify(options);
  if (select.dataset.state === state) return;
  const chosen = select.value;
  select.dataset.state = state;
  select.replaceChildren(...options.map(([value, textContent]) => el("option", { value, textContent })));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
  showUploads();
}

/** The places for files are there while a new file is wanted. */
function showUploads() {
  for (const [known, place] of [["job-file-known", "job-file-new"], ["job-validation-known", "job-validation-new"]]) {
    $(place).hidden = $(known).value !== "new";
  }
  $("job-file").required = $("job-file-known").value === "new";
  $("job-validation").required = $("job-validation-known").value === "new";
  $("job-set").parentElement.hidden = $("job-gate").value !== "gap_reduced";
}
for (const id of ["job-file-known", "job-validation-known", "job-gate"]) $(id).addEventListener("change", showUploads);
showUploads();

$("job").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("job-notice"), async () => {
    const method = $("job-method").value;
    const hyperparameters = { n_epochs: Number($("job-epochs").value), optimizer: { learning_rate: Number($("job-rate").value) } };
    if ($("job-batch").value) hyperparameters.batch_size = Number($("job-batch").value);
    if ($("job-every").value) hyperparameters.eval_every = Number($("job-every").value);
    const file = async (known, input) => known.value === "new" ? (await upload(input.files[0], "fine-tune")).id : known.value;
    const body = {
      model: $("job-model").value, training_file: await file($("job-file-known"), $("job-file")),
      method: { type: method, [method]: { hyperparameters } },
    };
    if ($("job-validation-known").value !== "none") body.validation_file = await file($("job-validation-known"), $("job-validation"));
    if ($("job-suffix").value) body.suffix = $("job-suffix").value;
    if ($("job-gate").value) body.cord = { promote: { if: $("job-gate").value } };
    if ($("job-gate").value === "gap_reduced") body.cord.promote.benchmark = $("job-set").value;
    const job = await post("v1/fine_tuning/jobs", body);
    known.files.forget();
    if (wasChosen) drawn = [...drawn, job.id].slice(-6);
    await refresh();
    $("jobs-title").scrollIntoView({ behavior: "smooth", block: "nearest" });
  });
});

const showJobs = table($("jobs"), {
  label: "Jobs", empty: "No job yet.", id: job => job.id, mark: job => drawn.includes(job.id) ? `chosen series-${colour(job.id)}` : "",
  columns: [
    { name: "job", bare: true, wide: true, cell: job => el("div", {}, el("label", { className: "pick" }, el("input", {
      type: "checkbox", checked: drawn.includes(job.id), "aria-label": `Draw the curves of ${title(job)}`,
      onchange: event => {
        wasChosen = true;
        drawn = event.target.checked ? [...drawn, job.id].slice(-6) : drawn.filter(id => id !== job.id);
        refresh();
      },
    }), drawn.includes(job.id) ? el("span", { className: "swatch" }) : "", el("span", { className: "name", textContent: title(job) })),
    el("div", {}, el("small", { textContent: `${job.id}, ${date(job.created_at)}` }))) },
    { name: "from", cell: job => el("div", {}, el("span", { className: "whole-word", textContent: job.model }), el("div", {}, el("small", { textContent: files.get(job.training_file)?.filename ?? "a file that is gone" }))) },
    { name: "state", wide: true, bare: true, cell: state },
    { name: "result", wide: true, bare: true, cell: result },
    { name: "actions", hidden: true, wide: true, cell: actions },
  ],
});

function state(job) {
  const { step, total_steps: total, paused } = job.cord;
  if (job.status !== "running" || !total) return badge(paused ? "paused" : job.status.replace("_", " "));
  if (step >= total) return el("span", { className: "live", textContent: "measuring the gap" });
  const left = job.estimated_finish ? job.estimated_finish - Date.now() / 1000 : timeLeft(job.id, step, total);
  return progress(step, total, `step ${step} of ${total}${left === null || left < 0 ? "" : `, ${duration(left)} left`}`);
}

function result(job) {
  if (job.error) return el("span", { className: "bad", textContent: job.error.message });
  const { promoted, reason } = job.cord;
  return el("div", {}, job.fine_tuned_model ? el("span", { className: "mono", textContent: job.fine_tuned_model }) : "",
    promoted === undefined ? "" : el("div", {}, badge(promoted ? "promoted" : "held back"), " ", el("small", { textContent: reason ?? "" })));
}

function actions(job) {
  const root = `v1/fine_tuning/jobs/${job.id}`;
  const button = (label, run, style = "") => el("button", {
    type: "button", className: `small ${style}`, textContent: label, "aria-label": `${label} ${title(job)}`, onclick: event => run(event.target),
  });
  const call = path => target => act(target, $("jobs-notice"), async () => { await post(path); await refresh(); });
  const place = el("div", { className: "actions" });
  if (isOpen(job)) {
    place.append(job.cord.paused ? button("Resume", call(`${root}/resume`)) : button("Pause", call(`${root}/pause`)), button("Cancel", async target => {
      const wanted = await confirmed({
        title: `Cancel ${title(job)}?`, text: `${job.cord.step} of ${job.cord.total_steps || "its"} steps are taken. A cancelled job cannot be resumed; pause it to go on later.`,
        action: "Cancel the job", danger: true,
      });
      if (wanted) await call(`${root}/cancel`)(target);
    }, "danger"));
  }
  const { weight_version: version, base_report: before, candidate_report: after, promoted } = job.cord;
  if (!isOpen(job) && version && !promoted) place.append(button("Promote", async target => {
    const wanted = await confirmed({ title: `Put ${job.fine_tuned_model ?? version} in force?`, text: "Questions to the model's own name are answered by it from the next request on.", action: "Promote" });
    if (wanted) await act(target, $("jobs-notice"), async () => {
      await post(`v1/weights/versions/${version}/promote`);
      done(`${job.fine_tuned_model ?? version} is in force.`, () => post("v1/weights/rollback"));
    });
  }));
  if (before && after) place.append(el("a", { className: "small button", href: `data.html?view=answers&a=${before}&b=${after}`, textContent: "What changed", "aria-label": `What ${title(job)} changed` }));
  place.append(el("a", { className: "small button", href: `data.html?view=files&file=${job.training_file}`, textContent: "Pairs", "aria-label": `The pairs of ${title(job)}` }));
  if (job.result_files?.length) place.append(resultFile(job.result_files[0], job));
  return place;
}

/** The metrics of a job that has ended, as a table. */
function resultFile(id, job) {
  return el("button", {
    type: "button", className: "small", textContent: "Export", "aria-label": `Export the metrics of ${title(job)}`,
    onclick: event => act(event.target, $("jobs-notice"), async () => {
      const { filename } = await get(`v1/files/${id}`);
      await save(`v1/files/${id}/content`, filename);
    }),
  });
}
