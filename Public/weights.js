// Weight versions: from what each grew, what changed it, what gap was measured, which one is in force.

import { get, hasKey, post, request, save } from "./api.js";
import { confirmed, done } from "./dialog.js";
import { lineage } from "./lineage.js";
import { $, act, badge, date, el, fixed, intervalMark, keepFresh, pageLink, range, signed, size } from "./page.js";

let base = "the base", current = null, shown = "";

const refresh = keepFresh(async () => {
  // A key that may not train sees the versions without what made them.
  const perhaps = path => get(path).catch(error => { if (error.status === 403) return { data: [] }; throw error; });
  const [versions, models, reports, jobs, steps] = await Promise.all([
    get("v1/weights/versions?limit=1000"), get("v1/models"), perhaps("v1/gap/reports?limit=1000"),
    perhaps("v1/fine_tuning/jobs?limit=1000"), perhaps("v1/cord/steps?limit=1000"),
  ]);
  const state = JSON.stringify([versions, models, reports, jobs.data.map(job => [job.id, job.status]), steps.data.length, $("checkpoints").checked]);
  if (state === shown) return;
  shown = state;
  base = models.data.find(model => !model.parent)?.id ?? base;
  current = versions.data.find(version => version.promoted) ?? null;
  $("current").textContent = current ? current.name : `${base}, the base weights`;
  $("rollback").disabled = !current;
  const about = new About(versions.data, reports.data, jobs.data, steps.data);
  const isShown = version => $("checkpoints").checked || version.promoted || !about.checkpoint(version);
  show(about, lineage(versions.data.filter(isShown), current?.id));
}, 5);

$("checkpoints").addEventListener("change", refresh);

/** What is known of the versions beside what they say themselves. */
class About {
  constructor(versions, reports, jobs, steps) {
    this.versions = new Map(versions.map(version => [version.id, version]));
    // Versions that training made and clients brought have ids of the store's.
    this.loaded = new Set(versions.map(version => version.id).filter(id => !id.startsWith("ver_")));
    this.jobs = jobs;
    this.steps = new Map(steps.map(step => [step.weight_version, step]));
    this.reports = Map.groupBy ? Map.groupBy(reports, report => report.weight_version)
      : reports.reduce((map, report) => map.set(report.weight_version, [...map.get(report.weight_version) ?? [], report]), new Map());
  }

  /** The step of a job's checkpoint; null for a version of another kind. */
  checkpoint(version) {
    const found = /^ft:.*:ckpt-step-(\d+)$/.exec(version.name);
    return found ? Number(found[1]) : null;
  }

  job(version) {
    const suffix = /^ft:.*:([0-9a-z]{8})(:ckpt-step-\d+)?$/.exec(version.name)?.[1];
    return this.jobs.find(job => job.cord.weight_version === version.id || suffix && job.id.endsWith(suffix));
  }

  /** What made the version. */
  made(version) {
    const step = this.steps.get(version.id);
    if (step) {
      const used = step.pairs.filter(pair => pair.status === "applied").length;
      return { how: `CORD step ${step.step}`, more: `${used} ${used === 1 ? "pair" : "pairs"}, loss ${fixed(step.metrics.loss)}, mean D ${fixed(step.metrics.kl_mean)} nats`, page: "training.html" };
    }
    const job = this.job(version);
    if (job) {
      const at = this.checkpoint(version);
      const numbers = version.metrics;
      const more = [
        `${version.step} steps of ${job.hyperparameters.batch_size ?? "8"} pairs`, numbers.train_loss === undefined ? null : `loss ${fixed(numbers.train_loss)}`,
        numbers.full_valid_kl_mean === undefined ? null : `validation D ${fixed(numbers.full_valid_kl_mean)} nats`,
        numbers.full_valid_text_accuracy === undefined ? null
          : `validation typed ${(100 * numbers.full_valid_text_accuracy).toFixed(0)} %, spoken ${(100 * numbers.full_valid_audio_accuracy).toFixed(0)} % (n = ${numbers.full_valid_pairs})`,
      ];
      const method = job.method[job.method.type]?.hyperparameters?.objective?.method ?? job.method.type;
      return { how: `${at === null ? "Job" : `Checkpoint at step ${at} of a job`}, ${method.toUpperCase()}`, more: more.filter(Boolean).join(", "), page: `training.html?job=${job.id}` };
    }
    if (this.loaded.has(version.id)) return { how: "Comes with the server", more: "an adapter that it loads at its start" };
    if (version.step) return { how: `Training, step ${version.step}`, more: version.metrics.loss === undefined ? "" : `loss ${fixed(version.metrics.loss)}` };
    return { how: "Brought from elsewhere", more: "" };
  }

  /** The report over the most items of each question set that was measured with the version, of the base for null; of several the newest. */
  measured(id) {
    const best = new Map();
    for (const report of this.reportsOf(id)) {
      const known = best.get(report.benchmark);
      if (!known || report.n > known.n || report.n === known.n && report.created_at > known.created_at) best.set(report.benchmark, report);
    }
    return [...best.values()];
  }

  /** The newest report of the version over as many items of the same set: only such two are compared. */
  alike(report, id) {
    return this.reportsOf(id).filter(other => other.benchmark === report.benchmark && other.n === report.n).reduce((a, b) => a && a.created_at > b.created_at ? a : b, null);
  }

  reportsOf(id) {
    return (this.reports.get(!id || id === "base" ? "base" : id) ?? []).filter(report => report.gap !== null);
  }
}

function show(about, list) {
  const ends = [...about.reports.values()].flat().flatMap(report => report.gap_interval ?? []);
  const axis = [Math.min(-3, ...ends), Math.max(10, ...ends)];
  const focused = document.activeElement?.getAttribute?.("aria-label");
  $("versions").replaceChildren(
    el("li", {}, gutter({ lane: 0, up: false, down: list.length > 0, passing: [] }, !current),
      el("div", { className: `version ${current ? "" : "current"}` },
        el("div", {}, el("h3", {}, `${base} `, el("small", { className: "quiet", textContent: "the base weights" }), " ", current ? "" : badge("in force")),
          el("p", { className: "quiet", textContent: `Always answers as ${base}@base.` })),
        el("div", {}), gaps(about, null, null, axis))),
    ...list.map(place => card(about, place, axis)));
  if (focused) [...$("versions").querySelectorAll("[aria-label]")].find(node => node.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
}

function card(about, place, axis) {
  const { version } = place;
  const { how, more, page } = about.made(version);
  const parent = about.versions.get(version.parent);
  return el("li", {}, gutter(place, version.promoted),
    el("div", { className: `version ${version.promoted ? "current" : ""}` },
      el("div", {},
        el("h3", { title: version.id }, version.name, " ", version.promoted ? badge("in force") : ""),
        el("p", {}, page ? el("a", { href: page, textContent: how }) : how, more ? el("span", { className: "quiet", textContent: `: ${more}` }) : ""),
        el("p", { className: "quiet", textContent: `from ${parent?.name ?? (version.parent && version.parent !== "base" ? `${version.parent}, which is gone` : base)}, ${date(version.created_at)}, ${size(version.bytes ?? 0)}` })),
      actions(version, about.loaded.has(version.id)),
      gaps(about, version.id, version.parent ?? null, axis)));
}

/** The gap of a version on each set, beside its parent's on the same set. */
function gaps(about, id, parent, axis) {
  const lines = about.measured(id).map(report => {
    const earlier = id === null ? null : about.alike(report, parent);
    return el("div", {},
      el("span", { className: "quiet", textContent: report.benchmark }),
      el("span", {}, earlier ? `gap ${signed(earlier.gap)} → ` : "gap ", el("strong", { textContent: signed(report.gap) }), report.gap_interval ? ` ${range(report.gap_interval)}` : "", " points"),
      report.gap_interval ? el("span", { className: "marks" }, earlier?.gap_interval ? intervalMark(earlier.gap, earlier.gap_interval, "before", ...axis) : "",
        intervalMark(report.gap, report.gap_interval, "gap", ...axis)) : "",
      el("span", { className: "quiet", textContent: `n = ${report.n}` }),
      pageLink(`v1/gap/reports/${report.id}?format=html`, "Report", `${report.id}.html`),
      earlier ? el("a", { href: `data.html?view=answers&a=${earlier.id}&b=${report.id}`, textContent: "What changed" }) : "");
  });
  if (lines.length) return el("div", { className: "gaps" }, lines);
  return el("div", { className: "gaps" }, el("div", {}, el("span", { className: "quiet", textContent: "No gap measured yet." }), el("a", { href: "gap.html", textContent: "Measure" })));
}

/** Circles and lines at the side: each version below the one that it grew from. */
function gutter({ lane, up, down, passing, from }, isInForce) {
  const x = place => 11 + 16 * place;
  const lanes = Math.max(lane, ...passing) + 1;
  const box = el("div", { className: "gutter" });
  box.style.width = `${8 + 16 * lanes}px`;
  const line = (a, b, top, bottom) => `<line x1="${x(a)}" x2="${x(b)}" y1="${top}" y2="${bottom}"/>`;
  const lines = passing.map(place => line(place, place, "0", "100%"));
  if (up) lines.push(from === undefined || from === lane ? line(lane, lane, "0", "1.5rem") : line(from, lane, "0", "1.5rem"));
  if (down) lines.push(line(lane, lane, "1.5rem", "100%"));
  box.insertAdjacentHTML("beforeend", `<svg aria-hidden="true">${lines.join("")}</svg>`);
  const dot = el("i", { className: isInForce ? "force" : "" });
  dot.style.left = `${x(lane)}px`;
  box.append(dot);
  return box;
}

function actions(version, isLoaded) {
  const path = `v1/weights/versions/${encodeURIComponent(version.id)}`;
  const action = (label, run, style = "") => el("button", {
    type: "button", className: `small ${style}`, textContent: label, "aria-label": `${label} ${version.name}`,
    onclick: event => run(event.target),
  });
  const download = el("a", {
    href: `${path}/download`, textContent: "Download", className: "small button", download: "", "aria-label": `Download ${version.name}`,
    onclick: event => {
      if (!hasKey()) return;
      event.preventDefault();
      act(event.target, $("notice"), () => save(`${path}/download`, `${version.name}.tar`));
    },
  });
  return el("div", { className: "actions" },
    version.promoted ? null : action("Promote", button => promote(button, version)),
    download,
    version.promoted || isLoaded ? null : action("Delete", button => remove(button, version), "danger"));
}

async function promote(button, version) {
  const wanted = await confirmed({
    title: `Put ${version.name} in force?`,
    text: `Questions to ${base} are answered by it from the next request on. ${current ? `${current.name} is in force now and stays among the versions.` : "The base weights answer now."}`,
    action: "Promote",
  });
  if (!wanted) return;
  await act(button, $("notice"), async () => {
    const { weight_version: made } = await post(`v1/weights/versions/${encodeURIComponent(version.id)}/promote`);
    await refresh();
    done(`${version.name} is in force.`, async () => {
      await stillInForce(made, version.name);
      await post("v1/weights/rollback");
      await refresh();
    });
  });
}

$("rollback").addEventListener("click", async event => {
  const leaving = current;
  if (!leaving) return;
  const wanted = await confirmed({
    title: `Roll back ${leaving.name}?`,
    text: `${base} answers again with what was in force before it. ${leaving.name} stays among the versions.`,
    action: "Roll back",
  });
  if (!wanted) return;
  await act(event.target, $("notice"), async () => {
    const { weight_version: now } = await post("v1/weights/rollback");
    await refresh();
    done(`${current ? current.name : `The base weights of ${base}`} ${current ? "is" : "are"} in force again.`, async () => {
      await stillInForce(now, "What was rolled back to");
      await post(`v1/weights/versions/${encodeURIComponent(leaving.id)}/promote`);
      await refresh();
    });
  });
});

/** A way back leads from where it began: somebody else may have put another version in force meanwhile. */
async function stillInForce(id, name) {
  const { data } = await get("v1/weights/versions?limit=1000");
  if ((data.find(version => version.promoted)?.id ?? "base") !== id) throw new Error(`${name} is no longer in force; nothing was undone.`);
}

async function remove(button, version) {
  const wanted = await confirmed({
    title: `Delete ${version.name}?`, text: "Its weights cannot be brought back. Versions that grew from it and its reports stay.", action: "Delete for good", danger: true,
  });
  if (!wanted) return;
  await act(button, $("notice"), async () => {
    await request(`v1/weights/versions/${encodeURIComponent(version.id)}`, { method: "DELETE" });
    await refresh();
    done(`${version.name} was deleted.`);
  });
}

$("bring").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("bring-notice"), async () => {
    const form = new FormData();
    const file = $("bring-file").files[0];
    if ($("bring-name").value) form.append("name", $("bring-name").value);
    form.append("file", file, file.name);
    const version = await (await request("v1/weights/versions", { method: "POST", body: form })).json();
    event.target.reset();
    await refresh();
    done(`${version.name} is among the versions.`);
  });
});
