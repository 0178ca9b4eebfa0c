// The items of a question set: filtered, played, asked to two models, marked.

import { base64, get, post, request } from "./api.js";
import { badgeOf, marker } from "./marker.js";
import { $, act, el, fillModels } from "./page.js";
import { player } from "./player.js";
import { remember } from "./address.js";

const asked = new URLSearchParams(location.search);
let sets = [], last = null, shown = "", turn = 0;

export async function refresh() {
  sets = (await get("v1/benchmarks?limit=1000")).data;
  const select = $("items-set");
  if (select.options.length !== sets.length) {
    const wanted = select.value || asked.get("set");
    select.replaceChildren(...sets.map(set => el("option", { value: set.name, textContent: `${set.name} (${set.items})`, selected: set.name === wanted })));
    fillCategories();
    if (asked.get("search")) $("items-search").value = asked.get("search");
  }
  if (shown !== query()) await begin();
}

function fillCategories() {
  const set = sets.find(set => set.name === $("items-set").value);
  $("items-category").replaceChildren(el("option", { value: "", textContent: "all" }),
    ...Object.entries(set?.categories ?? {}).map(([name, count]) => el("option", { value: name, textContent: `${name} (${count})`, selected: name === asked.get("category") })));
}

const query = () => JSON.stringify(["items-set", "items-category", "items-search", "items-marked"].map(id => $(id).value));

$("items-set").addEventListener("change", () => { fillCategories(); begin(); });
for (const id of ["items-category", "items-marked"]) $(id).addEventListener("change", begin);
let typing = 0;
$("items-search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(begin, 250); });
$("items-filter").addEventListener("submit", event => { event.preventDefault(); begin(); });
$("items-more").addEventListener("click", event => act(event.target, $("items-notice"), more));

async function begin() {
  shown = query();
  last = null;
  remember({ set: $("items-set").value, category: $("items-category").value, search: $("items-search").value });
  $("items-notice").textContent = "";
  try { await more(); } catch (error) { $("items-notice").textContent = error.message; }
}

async function more() {
  const mine = ++turn;
  const set = $("items-set").value;
  if (!set) return;
  const wanted = new URLSearchParams({ limit: 25 });
  for (const [name, id] of [["category", "items-category"], ["contains", "items-search"], ["marked", "items-marked"]]) if ($(id).value) wanted.set(name, $(id).value);
  if (last) wanted.set("after", last);
  const page = await get(`v1/benchmarks/${encodeURIComponent(set)}/items?${wanted}`);
  // A newer question was asked meanwhile.
  if (mine !== turn) return;
  const nodes = page.data.map(item => card(set, item));
  if (last) $("items").append(...nodes); else $("items").replaceChildren(...nodes);
  if (last) nodes[0]?.querySelector("button, summary")?.focus({ preventScroll: true });
  last = page.data.at(-1)?.id ?? last;
  $("items-more").hidden = !page.has_more;
  $("items-count").textContent = page.total ? `${$("items").children.length} of ${page.total} items` : "No item matches.";
}

function card(set, item) {
  const path = `v1/benchmarks/${encodeURIComponent(set)}/items/${encodeURIComponent(item.id)}`;
  const place = el("span", {}, badgeOf(item.mark));
  const node = el("li", { className: `item ${item.mark ? "marked" : ""}` },
    el("div", { className: "ask" }, item.has_audio ? player(`${path}/audio`, `the clip of ${item.id}`) : "", el("p", { textContent: item.text })),
    el("p", { className: "facts" }, el("span", {}, "gold ", el("b", { textContent: item.answer })), el("span", { textContent: item.category }),
      item.voice ? el("span", { textContent: item.voice }) : "", place),
    el("details", { ontoggle: event => { if (event.target.open && event.target.children.length === 1) open(event.target); } }, el("summary", { textContent: "Ask and mark", "aria-label": `Ask and mark ${item.id}` })));
  function open(details) {
    details.append(
      el("p", { className: "facts" }, el("span", { className: "mono", textContent: item.id }), el("span", { textContent: `compared as ${item.type}` }),
        item.choices.length ? el("span", { textContent: item.choices.map((choice, index) => `${String.fromCharCode(65 + index)} ${choice}`).join(", ") }) : "",
        item.has_audio ? el("a", { href: `gap.html?set=${encodeURIComponent(set)}&item=${encodeURIComponent(item.id)}`, textContent: "Inspect token by token" }) : ""),
      asker(item, path),
      marker(set, item.id, item.mark, mark => {
        item.mark = mark;
        place.replaceChildren(badgeOf(mark));
        node.classList.toggle("marked", Boolean(mark));
      }));
  }
  return node;
}

/** Two models asked the item now, typed and spoken. */
function asker(item, path) {
  const [one, other] = [el("select", { "aria-label": "First model" }), el("select", { "aria-label": "Second model" })];
  const answers = el("div", { className: "answers", "aria-live": "polite" });
  const notice = el("p", { className: "problem", role: "alert" });
  const fill = Promise.all([fillModels(one), fillModels(other)]).then(() => { other.selectedIndex = Math.min(1, other.options.length - 1); });
  const button = el("button", {
    type: "button", className: "small", textContent: "Ask both", "aria-label": `Ask both models ${item.id}`,
    onclick: () => act(button, notice, async () => {
      await fill;
      answers.replaceChildren();
      const sound = item.has_audio ? await base64(await (await request(`${path}/audio`)).blob()) : null;
      for (const model of new Set([one.value, other.value])) {
        for (const [how, body] of [["typed", { text: item.text }], ...sound ? [["spoken", { audio: sound }]] : []]) {
          const answer = await post("v1/answers", { model, temperature: 0, max_tokens: 256, ...body });
          answers.append(el("div", { className: "answer" }, el("strong", { textContent: `${model}, ${how}` }), " ",
            answer.answer === null ? el("small", { textContent: "no answer found in it" }) : el("b", { textContent: `→ ${answer.answer}` }), el("p", { textContent: answer.text })));
        }
      }
    }),
  });
  return el("div", {}, el("div", { className: "actions" }, one, other, button), notice, answers);
}
