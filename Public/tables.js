// Tables that fold to cards on narrow windows, whose rows change one by one and keep the keyboard's focus.

import { el } from "./page.js";

/**
 * A table in `host`; gives a function that shows a list in it.
 *
 * A column is `{ name, cell, number, hidden, wide }`: `cell(item)` gives text or a node, `hidden` keeps the name for screen readers alone, `bare` leaves it
 * out of cards, `wide` gives the cell a line of its own there. `id(item)` tells rows apart, `mark(item)` gives a class, `also(item)` is
 * what a row shows beside its item.
 */
export function table(host, { label, columns, id, mark = () => "", also = () => null, empty }) {
  const body = el("tbody");
  const heads = columns.map(column => el("th", { scope: "col", className: column.number ? "number" : "" },
    column.hidden ? el("span", { className: "unseen", textContent: column.name }) : column.name));
  const nothing = el("p", { className: "quiet empty", textContent: "…" });
  const whole = el("div", { className: "scroll", role: "region", "aria-label": `${label}, as a table`, tabIndex: 0 },
    el("table", { className: "fold" }, el("thead", {}, el("tr", {}, heads)), body));
  whole.hidden = true;
  host.replaceChildren(whole, nothing);
  const shown = new Map();
  return list => {
    whole.hidden = !list.length;
    nothing.hidden = list.length > 0;
    nothing.textContent = empty;
    const rows = list.map(item => {
      const [key, state] = [id(item), JSON.stringify([item, mark(item), also(item)])];
      const known = shown.get(key);
      if (known?.state === state) return known.row;
      const row = el("tr", { className: mark(item), "data-id": key }, columns.map(column => {
        const content = column.cell(item) ?? "";
        const isNothing = content === "" || content instanceof Node && !content.hasChildNodes();
        return el("td", {
          className: [column.number && "number", column.wide && "wide", isNothing && "none"].filter(Boolean).join(" "),
          "data-name": column.hidden || column.bare ? "" : column.name,
        }, content);
      }));
      if (known?.row.contains(document.activeElement)) refocus(known.row, row);
      shown.set(key, { state, row });
      return row;
    });
    if (rows.length !== body.children.length || rows.some((row, place) => row !== body.children[place])) {
      const focused = document.activeElement;
      body.replaceChildren(...rows);
      if (body.contains(focused)) focused.focus({ preventScroll: true });
    }
    const ids = new Set(list.map(id));
    for (const key of shown.keys()) if (!ids.has(key)) shown.delete(key);
  };
}

/** Moves the focus to the control of the same name in the row that takes a row's place. */
function refocus(from, to) {
  const name = node => node.getAttribute("aria-label") ?? node.textContent;
  const focused = name(document.activeElement);
  queueMicrotask(() => [...to.querySelectorAll("button, a, input, select, summary")].find(node => name(node) === focused)?.focus({ preventScroll: true }));
}

/** How long something lasts, in the words of people. */
export function duration(seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}

/** A bar with what it means beside it. */
export function progress(done, total, words) {
  return el("div", { className: "progress" },
    el("progress", { max: total || 1, value: done, "aria-label": words }), el("span", { className: "quiet", textContent: words }));
}

const paces = new Map();

/** The seconds until `total`, by the pace since this page began to look; null while that is not known. */
export function timeLeft(id, done, total) {
  const now = performance.now() / 1000;
  const first = paces.get(id);
  if (!first || first.done > done) {
    paces.set(id, { done, at: now });
    return null;
  }
  const passed = now - first.at;
  return done > first.done + 2 && passed > 3 ? (total - done) * passed / (done - first.done) : null;
}
