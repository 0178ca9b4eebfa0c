// Fine-tuning jobs: begun from a file, followed event by event with their loss, paused, resumed, cancelled, promoted.

import { events, get, post, request, upload } from "./api.js";
import { $, act, badge, date, el, fillModels, keepFresh, lineChart, rows } from "./page.js";

let watching = null;

const refresh = keepFresh(async () => {
  if (!$("job-model").options.length) await fillModels($("job-model"));
  const { data } = await get("v1/fine_tuning/jobs?limit=20");
  rows($("jobs"), data, job => ({ className: job.id === watching?.id ? "current" : "", values: cells(job) }), "No job yet.");
});

$("job").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("job-notice"), async () => {
    const method = $("job-method").value;
    const hyperparameters = { n_epochs: Number($("job-epochs").value), optimizer: { learning_rate: Number($("job-rate").value) } };
    if ($("job-batch").value) hyperparameters.batch_size = Number($("job-batch").value);
    const body = {
      model: $("job-model").value, training_file: (await upload($("job-file").files[0], "fine-tune")).id,
      method: { type: method, [method]: { hyperparameters } },
    };
    if ($("job-validation").files[0]) body.validation_file = (await upload($("job-validation").files[0], "fine-tune")).id;
    if ($("job-suffix").value) body.suffix = $("job-suffix").value;
    if ($("job-gate").value) body.cord = { promote: { if: $("job-gate").value } };
    const job = await post("v1/fine_tuning/jobs", body);
    await refresh();
    watch(job.id);
  });
});

function cells(job) {
  const { step, total_steps: total, paused, promoted, reason } = job.cord;
  const isOpen = ["queued", "running", "validating_files"].includes(job.status);
  const button = (label, path) => el("button", {
    className: "small", textContent: label,
    onclick: event => act(event.target, $("jobs-notice"), async () => { await post(path); await refresh(); }),
  });
  const state = job.status === "running" && total
    ? el("progress", { max: total, value: step, title: `${step} of ${total} steps`, "aria-label": `${step} of ${total} steps` })
    : badge(paused ? "paused" : job.status.replace("_", " "));
  const result = job.error ? el("span", { className: "notice", textContent: job.error.message })
    : el("span", {}, job.fine_tuned_model ?? "", promoted === undefined ? "" : el("span", { className: "quiet", title: reason ?? "", textContent: promoted ? " promoted" : " held back" }));
  const controls = el("div", { className: "row" }, el("button", { className: "small", textContent: "Watch", onclick: () => watch(job.id) }));
  const root = `v1/fine_tuning/jobs/${job.id}`;
  if (isOpen) controls.append(paused ? button("Resume", `${root}/resume`) : button("Pause", `${root}/pause`), button("Cancel", `${root}/cancel`));
  else if (job.cord.weight_version && !promoted) controls.append(button("Promote", `v1/weights/versions/${job.cord.weight_version}/promote`));
  return [date(job.created_at), job.id, job.model, job.method.type, state, el("td", { className: "wrap", title: reason ?? "" }, result), controls];
}

/** Follows a job's events from its beginning; another job's take their place. */
async function watch(id) {
  watching?.stop.abort();
  const mine = watching = { id, stop: new AbortController() };
  const [loss, divergence] = [[], []];
  $("watch").hidden = false;
  $("watch-title").textContent = `Job ${id}`;
  $("watch-log").replaceChildren();
  for (const place of ["watch-loss", "watch-kl"]) $(place).replaceChildren();
  $("watch").scrollIntoView({ behavior: "smooth", block: "nearest" });
  let drawing = false;
  const draw = () => {
    drawing = false;
    if (watching !== mine) return;
    if (loss.length > 1) $("watch-loss").replaceChildren(lineChart(loss, { across: "step", up: "training loss" }));
    if (divergence.length > 1) $("watch-kl").replaceChildren(lineChart(divergence, { across: "step", up: "mean D, nats" }));
  };
  try {
    const response = await request(`v1/fine_tuning/jobs/${id}/events`, { headers: { Accept: "text/event-stream" }, signal: mine.stop.signal });
    for await (const event of events(response)) {
      const log = $("watch-log"), isAtEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 30;
      // The bar of the table tells how far it is.
      if (!/^\d+ of \d+$/.test(event.message)) log.append(el("div", { className: event.level, textContent: `${new Date(1000 * event.created_at).toLocaleTimeString([], { hourCycle: "h23" })}  ${event.message}` }));
      if (isAtEnd) log.scrollTop = log.scrollHeight;
      if (event.type === "metrics" && event.data) {
        if (Number.isFinite(event.data.train_loss)) loss.push([event.data.step, event.data.train_loss]);
        if (Number.isFinite(event.data.metrics?.kl_mean)) divergence.push([event.data.step, event.data.metrics.kl_mean]);
        // A long history arrives at once.
        if (!drawing) { drawing = true; requestAnimationFrame(draw); }
      }
    }
    refresh();
  } catch (error) {
    if (error.name !== "AbortError") $("jobs-notice").textContent = error.message;
  }
}
