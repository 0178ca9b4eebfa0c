// Weight versions: which there are, from what they grew, which is in force.

import { get, hasKey, post, request, save } from "./api.js";
import { $, act, badge, date, el, fixed, keepFresh, pageLink, rows, size } from "./page.js";

const refresh = keepFresh(async () => {
  const { data } = await get("v1/weights/versions?limit=200");
  const names = new Map(data.map(version => [version.id, version.name]));
  const current = data.find(version => version.promoted);
  $("current").textContent = current ? current.name : "the base weights";
  $("rollback").disabled = !current;
  rows($("versions"), tree(data), ({ version, depth }) => ({ className: version.promoted ? "current" : "", values: cells(version, depth, names.get(version.parent) ?? version.parent) }),
    "No version yet. Training makes them.");
});

$("rollback").addEventListener("click", event => act(event.target, $("notice"), async () => {
  await post("v1/weights/rollback");
  await refresh();
}));

/** The newest line first, children below their parents, with their depth. */
function tree(versions) {
  const known = new Set(versions.map(version => version.id));
  const below = Map.groupBy
    ? Map.groupBy(versions, version => known.has(version.parent) ? version.parent : null)
    : versions.reduce((map, version) => {
      const parent = known.has(version.parent) ? version.parent : null;
      return map.set(parent, [...map.get(parent) ?? [], version]);
    }, new Map());
  const list = [];
  // A line of steps is as deep as it is long, so that only a fork indents.
  const open = (below.get(null) ?? []).map(version => ({ version, depth: 0 }));
  open.sort((a, b) => a.version.created_at - b.version.created_at);
  while (open.length) {
    const next = open.pop();
    list.push(next);
    const children = [...below.get(next.version.id) ?? []].sort((a, b) => b.created_at - a.created_at);
    open.push(...children.map(version => ({ version, depth: next.depth + (children.length > 1 ? 1 : 0) })));
  }
  return list;
}

function cells(version, depth, parent) {
  const name = el("td", { className: "wrap", title: version.id },
    depth ? el("span", { className: "branch", textContent: `${"  ".repeat(depth - 1)}└ ` }) : "", version.name, " ",
    version.promoted ? badge("in force") : "",
    el("div", { className: "quiet", textContent: `from ${parent ?? "the base"}` }));
  const labels = {
    loss: "loss", train_loss: "loss", kl_mean: "D", reward_mean: "reward", full_valid_loss: "validation", full_valid_mean_token_accuracy: "accuracy",
    full_valid_kl_mean: "validation D", full_valid_audio_accuracy: "heard", full_valid_text_accuracy: "read",
  };
  const metrics = Object.entries(version.metrics).filter(([key]) => key in labels);
  const action = (label, run, style = "") => el("button", {
    className: `small ${style}`, textContent: label, "aria-label": `${label} ${version.name}`,
    onclick: event => act(event.target, $("notice"), async () => { await run(); await refresh(); }),
  });
  const path = `v1/weights/versions/${version.id}`;
  const download = el("a", {
    href: `${path}/download`, textContent: "Download", className: "small button", download: "",
    onclick: event => {
      if (!hasKey()) return;
      event.preventDefault();
      act(event.target, $("notice"), () => save(`${path}/download`, `${version.name}.tar`));
    },
  });
  return [
    name, date(version.created_at), el("td", { className: "number", textContent: version.step }), version.kind,
    el("td", { className: "number", textContent: size(version.bytes) }),
    el("td", { className: "quiet" }, metrics.map(([key, value]) => `${labels[key]} ${fixed(value, 2)}`).join(", ")),
    el("td", {}, version.report_ids.flatMap((id, place) => [place ? ", " : "", pageLink(`v1/gap/reports/${id}?format=html`, `gap ${place + 1}`, `${id}.html`)])),
    el("div", { className: "row" },
      version.promoted ? "" : action("Promote", () => post(`${path}/promote`)), download,
      version.promoted ? "" : action("Delete", async () => {
        if (confirm(`Delete ${version.name}? Its weights cannot be brought back.`)) await request(path, { method: "DELETE" });
      }, "danger")),
  ];
}
