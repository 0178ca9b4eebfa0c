// The rows of a training file: filtered, played, with what could not be learnt from.

import { get } from "./api.js";
import { remember } from "./address.js";
import { $, act, date, el, size } from "./page.js";
import { player } from "./player.js";

const asked = new URLSearchParams(location.search);
let last = 0, shown = null, turn = 0;

export async function refresh() {
  const { data } = await get("v1/files?purpose=fine-tune&limit=1000");
  const select = $("rows-file");
  const state = JSON.stringify(data.map(file => file.id));
  if (select.dataset.state !== state) {
    const wanted = select.value || asked.get("file");
    select.dataset.state = state;
    select.replaceChildren(...data.map(file => el("option", { value: file.id, textContent: `${file.filename} (${size(file.bytes)}, ${date(file.created_at)})`, selected: file.id === wanted })));
  }
  if (!data.length) $("rows-count").replaceChildren("No training file yet. ", el("a", { href: "training.html", textContent: "Train on one" }), ", and its pairs can be looked through here.");
  else if (shown !== query()) await begin();
}

const query = () => JSON.stringify(["rows-file", "rows-search", "rows-problems"].map(id => $(id).value));

for (const id of ["rows-file", "rows-problems"]) $(id).addEventListener("change", begin);
let typing = 0;
$("rows-search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(begin, 250); });
$("rows-filter").addEventListener("submit", event => { event.preventDefault(); begin(); });
$("rows-more").addEventListener("click", event => act(event.target, $("rows-notice"), more));

async function begin() {
  shown = query();
  last = 0;
  remember({ file: $("rows-file").value });
  $("rows-notice").textContent = "";
  try { await more(); } catch (error) {
    $("rows").replaceChildren();
    $("rows-more").hidden = true;
    $("rows-count").textContent = "";
    $("rows-notice").textContent = error.message;
  }
}

async function more() {
  const mine = ++turn;
  const file = $("rows-file").value;
  if (!file) return;
  const wanted = new URLSearchParams({ limit: 25, after: last });
  if ($("rows-search").value) wanted.set("contains", $("rows-search").value);
  if ($("rows-problems").value) wanted.set("problems", $("rows-problems").value);
  const page = await get(`v1/files/${file}/rows?${wanted}`);
  if (mine !== turn) return;
  const nodes = page.data.map(row => card(file, row));
  if (last) $("rows").append(...nodes); else $("rows").replaceChildren(...nodes);
  if (last) nodes[0]?.querySelector("button, summary")?.focus({ preventScroll: true });
  last = page.data.at(-1)?.line ?? last;
  $("rows-more").hidden = !page.has_more;
  $("rows-count").textContent = page.total ? `${$("rows").children.length} of ${page.total} rows` : "No row matches.";
}

function card(file, row) {
  const clips = Array.from({ length: row.clips }, (_, clip) =>
    player(`v1/files/${file}/rows/${row.line}/audio?clip=${clip}`, `clip ${clip + 1} of line ${row.line}`));
  const turns = row.turns.map(turn => el("div", { className: "answer" }, el("strong", { textContent: turn.role }), el("p", { textContent: turn.text })));
  return el("li", { className: "item" },
    el("div", { className: "ask" }, clips, el("p", { textContent: row.text || (row.problem ? "(not read)" : "") })),
    el("p", { className: "facts" }, el("span", { textContent: `line ${row.line}` }), row.answer === null ? "" : el("span", {}, "answer ", el("b", { textContent: row.answer })),
      row.clips || row.problem ? "" : el("span", { textContent: "typed alone" }), row.system ? el("span", { textContent: `system: ${row.system}` }) : ""),
    row.problem ? el("p", { className: "problem", textContent: row.problem }) : "",
    row.solution && !row.turns.length ? el("div", { className: "answers" }, el("div", { className: "answer" }, el("strong", { textContent: "solution" }), el("p", { textContent: row.solution }))) : "",
    turns.length ? el("div", { className: "answers" }, turns) : "");
}
