// Two reports of one set item by item: right and wrong in both, flips, answers that disagree, gold answers that look doubtful.

import { get } from "./api.js";
import { remember } from "./address.js";
import { badgeOf, marker } from "./marker.js";
import { $, date, el, ends, percent, probability, signed } from "./page.js";
import { player } from "./player.js";

const asked = new URLSearchParams(location.search);
const arms = { text: "typed", audio: "spoken", transcript: "by its transcript", audio_text: "spoken and typed", no_audio: "not at all", shuffled_audio: "with another's clip" };
const step = 25;
const reports = new Map();
let list = [], names = new Map(), state = { a: null, b: null, marks: new Map(), cell: null, chip: null, shown: step, items: [] }, loading = "";

const named = report => `${report.weight_version === "base" ? report.model : names.get(report.weight_version) ?? report.weight_version}, ${report.benchmark}, n = ${report.n}, ${date(report.created_at)}`;

export async function refresh() {
  const [{ data }, versions] = await Promise.all([get("v1/gap/reports?limit=1000"), get("v1/weights/versions?limit=1000")]);
  names = new Map(versions.data.map(version => [version.id, version.name]));
  if (JSON.stringify(data.map(report => report.id)) === JSON.stringify(list.map(report => report.id)) && loading) return;
  list = data;
  const a = $("answers-a").value || asked.get("a");
  $("answers-a").replaceChildren(...list.map(report => el("option", { value: report.id, textContent: named(report), selected: report.id === a })));
  if (!list.length) {
    $("answers-count").replaceChildren("No report yet. ", el("a", { href: "gap.html", textContent: "Measure the gap" }), ", and its answers can be looked through here.");
    return;
  }
  fillSecond($("answers-b").value || asked.get("b"));
  if (asked.get("doubt")) state.chip = "doubted";
  await load();
}

/** The second report is of the first one's set. */
function fillSecond(wanted) {
  const first = list.find(report => report.id === $("answers-a").value);
  const others = list.filter(report => report.benchmark === first?.benchmark && report.id !== first.id);
  $("answers-b").replaceChildren(el("option", { value: "", textContent: "none: typed beside spoken" }),
    ...others.map(report => el("option", { value: report.id, textContent: named(report), selected: report.id === wanted })));
}

$("answers-a").addEventListener("change", () => { fillSecond($("answers-b").value); load(); });
$("answers-b").addEventListener("change", load);
$("answers-arm").addEventListener("change", () => { state.cell = null; show(); });
$("answers-category").addEventListener("change", () => show());
let typing = 0;
$("answers-search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(show, 250); });
$("answers-filter").addEventListener("submit", event => { event.preventDefault(); show(); });
$("answers-more").addEventListener("click", () => {
  const from = state.shown;
  state.shown += step;
  showItems(from);
});

async function whole(id) {
  if (!reports.has(id)) reports.set(id, await get(`v1/gap/reports/${id}`));
  return reports.get(id);
}

async function load() {
  const [a, b] = [$("answers-a").value, $("answers-b").value];
  const mine = loading = `${a} ${b}`;
  remember({ a, b });
  $("answers-notice").textContent = "";
  $("answers-count").textContent = "Reading the reports…";
  try {
    const [first, second] = await Promise.all([whole(a), b ? whole(b) : null]);
    const set = first.reproducibility.benchmark;
    // A set that was measured and is gone has no marks.
    const [marks, change] = await Promise.all([
      get(`v1/benchmarks/${encodeURIComponent(set)}/marks`).catch(() => null),
      b ? get(`v1/gap/reports/compare?base=${a}&candidate=${b}`).catch(() => null) : null]);
    if (loading !== mine) return;
    const others = new Map((second?.items ?? []).map(item => [item.id, item]));
    state = {
      ...state, a: first, b: second, set, change, cell: null, marks: marks && new Map(marks.data.map(mark => [mark.item, mark])),
      pairs: first.items.filter(item => !second || others.has(item.id)).map(item => ({ id: item.id, one: item, other: others.get(item.id) ?? null })),
    };
    const known = [...new Set(first.items.flatMap(item => Object.keys(item.arms)))].filter(arm => !second || second.arms[arm]);
    const chosen = $("answers-arm").value;
    const options = second ? known.map(arm => [arm, arms[arm]]) : [["pair", "typed against spoken"]];
    $("answers-arm").replaceChildren(...options.map(([value, textContent]) => el("option", { value, textContent, selected: value === (chosen || "audio") })));
    const categories = [...new Set(first.items.map(item => item.category))];
    const category = $("answers-category").value;
    $("answers-category").replaceChildren(el("option", { value: "", textContent: "all" }), ...categories.sort().map(name => el("option", { value: name, textContent: name, selected: name === category })));
    show();
  } catch (error) {
    if (loading === mine) loading = "";
    $("answers-count").textContent = "";
    $("answers-notice").textContent = error.message;
  }
}

const said = (item, arm) => item?.arms[arm] && !item.arms[arm].error ? item.arms[arm] : null;

/** Both sides of the square for an item; null where one of them was not asked. */
function sides({ one, other }) {
  const arm = $("answers-arm").value;
  const [left, right] = state.b ? [said(one, arm), said(other, arm)] : [said(one, "text"), said(one, "audio")];
  return left && right ? [left, right] : null;
}

const differ = item => {
  const [text, audio] = [said(item, "text"), said(item, "audio")];
  return Boolean(text && audio) && (text.extracted ?? null) !== (audio.extracted ?? null);
};
/** Typed and spoken, in every report that is shown, the model says one thing, and gold another. */
const doubted = pair => {
  const answers = [pair.one, pair.other].filter(Boolean).flatMap(item => [said(item, "text"), said(item, "audio")]);
  return answers.every(answer => answer && !answer.correct && answer.extracted !== undefined && answer.extracted !== null && answer.extracted === answers[0].extracted);
};

const chips = {
  differs: { words: "typed and spoken disagree", of: pair => differ(pair.one) || differ(pair.other) },
  doubted: { words: "all agree, but not with gold", of: doubted },
  changed: { words: "another answer in B", of: pair => { const both = sides(pair); return Boolean(state.b && both) && (both[0].extracted ?? null) !== (both[1].extracted ?? null); }, needsTwo: true },
  unread: { words: "no answer found", of: ({ one, other }) => [one, other].some(item => item && Object.values(item.arms).some(answer => answer.failure)) },
  marked: { words: "marked", of: pair => Boolean(state.marks?.get(pair.id)) },
};

function show() {
  state.shown = step;
  const words = $("answers-search").value.toLocaleLowerCase(), category = $("answers-category").value;
  const within = state.pairs.filter(({ id, one }) => (!category || one.category === category)
    && (!words || [id, one.question, one.answer].some(text => text.toLocaleLowerCase().includes(words))));
  const both = within.filter(sides);
  const cell = pair => { const found = sides(pair); return found && `${found[0].correct ? "right" : "wrong"}-${found[1].correct ? "right" : "wrong"}`; };
  const count = name => both.filter(pair => cell(pair) === name).length;
  const [rows, columns] = state.b ? ["A", "B"] : ["typed", "spoken"];
  const button = name => {
    const n = count(name);
    const [left, right] = name.split("-");
    return el("button", {
      type: "button", "aria-pressed": String(state.cell === name), "aria-label": `${rows} ${left}, ${columns} ${right}: ${n} items`,
      onclick: () => { state.cell = state.cell === name ? null : name; show(); refocus("answers-square", `${rows} ${left}, ${columns} ${right}`); },
    }, el("b", { textContent: n }), el("span", { textContent: percent(both.length ? n / both.length : undefined) }));
  };
  $("answers-square").replaceChildren(el("div", { className: "square" },
    el("span"), el("span", { textContent: `${columns} right` }), el("span", { textContent: `${columns} wrong` }),
    el("span", { textContent: `${rows} right` }), button("right-right"), button("right-wrong"),
    el("span", { textContent: `${rows} wrong` }), button("wrong-right"), button("wrong-wrong")), verdict(both, within));
  $("answers-chips").replaceChildren(...Object.entries(chips).filter(([, chip]) => !chip.needsTwo || state.b).map(([name, chip]) => el("button", {
    type: "button", "aria-pressed": String(state.chip === name),
    onclick: () => { state.chip = state.chip === name ? null : name; show(); refocus("answers-chips", chip.words); },
  }, chip.words, el("b", { textContent: within.filter(chip.of).length }))));
  state.items = within.filter(pair => (!state.cell || cell(pair) === state.cell) && (!state.chip || chips[state.chip].of(pair)));
  showItems(0);
}

/** A filter that was pressed keeps the focus, though it was made anew. */
function refocus(place, words) {
  [...$(place).querySelectorAll("button")].find(button => (button.getAttribute("aria-label") ?? button.textContent).startsWith(words))?.focus();
}

/** What the square says, with the interval of the whole set. */
function verdict(both, within) {
  const isWhole = within.length === state.pairs.length;
  const arm = $("answers-arm").value;
  const paired = state.b ? { text: state.change?.text, audio: state.change?.audio }[arm] : state.a.gap;
  const what = state.b ? `B minus A, ${arms[arm]}` : "Typed minus spoken";
  if (isWhole && paired?.n) {
    return el("p", { className: "quiet", textContent: `${what}: ${signed(paired.points)} points ${ends(paired)}, ${probability(paired.sign_flip_p)}, n = ${paired.n}${
      state.b && state.change.differences.length ? `. The runs differ in more than the weights: ${state.change.differences.join("; ")}` : ""}` });
  }
  return el("p", { className: "quiet", textContent: `n = ${both.length}${isWhole ? "" : "; a part of the set, for which no interval is given"}` });
}

function showItems(from) {
  const nodes = state.items.slice(from, state.shown).map(card);
  if (from) $("answers").append(...nodes); else $("answers").replaceChildren(...nodes);
  if (from) nodes[0]?.querySelector("button, summary")?.focus({ preventScroll: true });
  $("answers-more").hidden = state.shown >= state.items.length;
  $("answers-count").textContent = state.items.length ? `${Math.min(state.shown, state.items.length)} of ${state.items.length} items` : "No item matches.";
}

function card(pair) {
  const { id, one, other } = pair;
  const path = `v1/benchmarks/${encodeURIComponent(state.set)}/items/${encodeURIComponent(id)}`;
  const place = el("span", {}, badgeOf(state.marks?.get(id)));
  const answers = [[one, state.b ? "A" : ""], [other, "B"]].filter(([item]) => item).flatMap(([item, side]) =>
    Object.keys(arms).filter(arm => item.arms[arm]).map(arm => answer(item.arms[arm], `${side ? `${side}, ` : ""}${arms[arm]}`)));
  const node = el("li", { className: `item ${state.marks?.get(id) ? "marked" : ""}` },
    el("div", { className: "ask" }, one.audio && state.marks ? player(`${path}/audio`, `the clip of ${id}`) : "", el("p", { textContent: one.question })),
    el("p", { className: "facts" }, el("span", {}, "gold ", el("b", { textContent: one.answer })), el("span", { textContent: one.category }), one.voice ? el("span", { textContent: one.voice }) : "", place),
    el("div", { className: "answers" }, answers));
  if (state.marks) node.append(marker(state.set, id, state.marks.get(id) ?? null, mark => {
    if (mark) state.marks.set(id, mark); else state.marks.delete(id);
    place.replaceChildren(badgeOf(mark));
    node.classList.toggle("marked", Boolean(mark));
  }));
  return node;
}

function answer(said, who) {
  if (said.error) return el("div", { className: "answer" }, el("strong", { textContent: who }), el("p", { className: "problem", textContent: said.error }));
  const long = said.text.length > 240;
  return el("div", { className: `answer ${said.correct ? "right" : "wrong"}` },
    el("strong", { textContent: who }), " ", el("span", { className: said.correct ? "good" : "bad", textContent: said.correct ? "✓ right" : "✗ wrong" }), " ",
    said.failure ? el("small", { textContent: said.failure.replaceAll("_", " ") }) : el("b", { textContent: said.extracted ?? "" }),
    said.heard === undefined ? "" : el("p", { className: "quiet", textContent: `heard: ${said.heard}` }),
    long ? el("details", {}, el("summary", { textContent: `${said.text.slice(0, 200)}…` }), el("p", { textContent: said.text })) : el("p", { textContent: said.text }));
}
