// What jobs tell while they train, as curves of several jobs in one picture each: loss, D, reward, and the gap that held-out pairs show.

import { get } from "./api.js";
import { chart } from "./chart.js";
import { $, el, fixed, signed } from "./page.js";

const told = new Map();
const colours = new Map();

/** One of six colours, the same for a job as long as the page lives. */
export function colour(id) {
  if (!colours.has(id)) colours.set(id, colours.size % 6);
  return colours.get(id);
}

const reports = new Map();
let drawn = "";

/** Draws the curves of jobs, and reads what is new of those that run. */
export async function curves(jobs) {
  await Promise.all(jobs.map(read));
  const state = JSON.stringify(jobs.map(job => [job.id, job.status, told.get(job.id)?.last, job.cord.candidate_report]));
  if (state === drawn) return;
  drawn = state;
  const measured = new Map();
  for (const job of jobs) measured.set(job.id, await gapMarks(job));
  draw(jobs, measured);
  log(jobs);
}

/** The job's events so far; of one that is known only those that came since. */
async function read(job) {
  const known = told.get(job.id) ?? { last: null, events: [], ended: false };
  told.set(job.id, known);
  if (known.ended) return;
  const isOpen = ["queued", "running", "validating_files"].includes(job.status);
  for (;;) {
    const page = await get(`v1/fine_tuning/jobs/${job.id}/events?order=asc&limit=1000${known.last ? `&after=${known.last}` : ""}`);
    // Two readers at once would take the same page twice.
    const fresh = page.data.filter(event => !known.events.some(old => old.id === event.id));
    known.events.push(...fresh);
    known.last = known.events.at(-1)?.id ?? null;
    if (!page.has_more) break;
  }
  known.ended = !isOpen;
}

/** The gap that was measured before and after a gated job, with its intervals. */
async function gapMarks(job) {
  const { base_report: before, candidate_report: after, total_steps: total } = job.cord;
  const marks = [];
  for (const [id, x, name] of [[before, 0, "before"], [after, total, "after"]]) {
    if (!id) continue;
    if (!reports.has(id)) {
      const report = await get(`v1/gap/reports/${id}`).catch(() => null);
      reports.set(id, report && { gap: report.gap, set: report.reproducibility.benchmark });
    }
    const report = reports.get(id);
    if (report?.gap.n) marks.push({
      x, y: report.gap.points, low: (report.gap.interval ?? { lower: report.gap.points }).lower, high: (report.gap.interval ?? { upper: report.gap.points }).upper,
      name: `${name}: ${signed(report.gap.points)} points on ${report.set}, n = ${report.gap.n}`,
    });
  }
  return marks;
}

const steps = job => (told.get(job.id)?.events ?? []).filter(event => event.type === "metrics" && event.data);

function points(job, value) {
  return steps(job).map(({ data }) => [data.step, value(data)]).filter(([, y]) => Number.isFinite(y));
}

/** What a person calls a job: its method, its suffix, and the end of its id. */
export function title(job) {
  const method = job.method[job.method.type]?.hyperparameters?.objective?.method ?? job.method.type;
  const name = /^ft:[^:]*:([^:]+):/.exec(job.fine_tuned_model ?? "")?.[1];
  return `${method.toUpperCase()}${name ? ` ${name}` : ""} ${job.id.slice(-4)}`;
}

const gapOf = data => data.validation && Number.isFinite(data.validation.text_accuracy) && Number.isFinite(data.validation.audio_accuracy)
  ? 100 * (data.validation.text_accuracy - data.validation.audio_accuracy) : NaN;

function draw(jobs, measured) {
  const pictures = [
    ["Training loss", "", data => data.train_loss],
    ["D while training", "mean over the step's positions, nats", data => data.metrics?.kl_mean],
    ["Reward", "mean of the step's rollouts", data => data.metrics?.reward_mean],
    ["D on held-out pairs", "nats, along greedy spoken answers", data => data.validation?.kl_mean],
  ];
  const series = value => jobs.map(job => ({ name: title(job), colour: colour(job.id), points: points(job, value) }));
  const charts = pictures.map(([name, up, value]) => ({ name, up, series: series(value) })).filter(({ series }) => series.some(one => one.points.length > 1));
  const gaps = jobs.map(job => ({ name: title(job), colour: colour(job.id), points: points(job, gapOf), marks: measured.get(job.id) ?? [] }));
  const judged = jobs.map(job => steps(job).findLast(({ data }) => data.validation?.judged)?.data.validation.judged).filter(Boolean);
  $("curves").replaceChildren(
    ...charts.map(({ name, up, series }) => chart(series, { title: name, across: "step", up })),
    ...gaps.some(one => one.points.length || one.marks.length) ? [chart(gaps, {
      title: "Gap", across: "step", up: `points, typed minus spoken${judged.length ? `; line: held-out pairs, n = ${[...new Set(judged)].join(" and ")}` : ""}${gaps.some(one => one.marks.length) ? "; ◆ measured, with 95 % interval" : ""}`,
    })] : []);
  $("legend").replaceChildren(...jobs.map(job => {
    const isRunning = job.status === "running" && !job.cord.paused;
    const last = steps(job).at(-1)?.data;
    return el("span", { className: `series-${colour(job.id)} legend-entry` }, el("span", { className: "swatch" }), " ",
      el("span", { className: isRunning ? "live name" : "name", textContent: title(job) }), " ",
      el("small", { className: "quiet", textContent: last ? `step ${last.step}: loss ${fixed(last.train_loss)}${last.metrics?.kl_mean === undefined ? "" : `, D ${fixed(last.metrics.kl_mean)}`}` : job.status }));
  }));
  if (!jobs.length) $("legend").replaceChildren(el("span", { className: "quiet", textContent: "Curves appear here once a job takes its steps." }));
  else if (!charts.length) $("curves").replaceChildren(el("p", { className: "quiet", textContent: "No step has been taken yet." }));
}

function log(jobs) {
  const place = $("log"), isAtEnd = place.scrollTop + place.clientHeight > place.scrollHeight - 30;
  $("log-of").hidden = !jobs.length;
  const lines = jobs.flatMap(job => (told.get(job.id)?.events ?? []).map(event => ({ job, event })));
  // The bar of the table tells how far it is.
  const said = lines.filter(({ event }) => !/^\d+ of \d+$/.test(event.message)).sort((a, b) => a.event.created_at - b.event.created_at).slice(-1000);
  place.replaceChildren(...said.map(({ job, event }) => el("div", { className: `${event.level} series-${colour(job.id)}` },
    jobs.length > 1 ? el("span", { className: "swatch", title: title(job) }) : "",
    el("span", { className: "words", textContent: ` ${new Date(1000 * event.created_at).toLocaleTimeString([], { hourCycle: "h23" })}  ${event.message}` }))));
  if (isAtEnd) place.scrollTop = place.scrollHeight;
}
