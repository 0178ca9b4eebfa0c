// A person's word on an item: whether its gold answer holds, and what is right instead.

import { post, request } from "./api.js";
import { el } from "./page.js";

export const verdicts = {
  gold_right: "gold holds", gold_wrong: "gold is wrong", ambiguous: "ambiguous", clip_unusable: "clip unusable", unsure: "unsure",
};

/**
 * Buttons that mark an item of a set. `mark` is what stands, or null.
 *
 * @param changed called with the mark that stands afterwards
 */
export function marker(set, id, mark, changed = () => {}) {
  const path = `v1/benchmarks/${encodeURIComponent(set)}/items/${encodeURIComponent(id)}/mark`;
  const answer = el("input", { value: mark?.answer ?? "", maxLength: 2000, placeholder: "right answer, if another", "aria-label": "Right answer, if another", onchange: () => again() });
  const note = el("input", { value: mark?.note ?? "", maxLength: 2000, placeholder: "note", "aria-label": "Note", onchange: () => again() });
  const notice = el("span", { className: "problem", role: "alert" });
  const box = el("div", { className: "marker", role: "group", "aria-label": `Mark ${id}` });
  const buttons = Object.entries(verdicts).map(([verdict, words]) => el("button", {
    type: "button", className: "small", textContent: words, "data-verdict": verdict, onclick: () => put(mark?.verdict === verdict ? null : verdict),
  }));
  const press = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.verdict === mark?.verdict));
    answer.hidden = note.hidden = !mark;
  };
  async function put(verdict) {
    notice.textContent = "";
    try {
      if (verdict) mark = await post(path, { verdict, ...(answer.value ? { answer: answer.value } : {}), ...(note.value ? { note: note.value } : {}) });
      else {
        await request(path, { method: "DELETE" });
        mark = null;
      }
      press();
      changed(mark);
    } catch (error) { notice.textContent = error.message; }
  }
  const again = () => { if (mark) put(mark.verdict); };
  press();
  box.append(...buttons, answer, note, notice);
  return box;
}

/** The word of a mark on its item's card. */
export function badgeOf(mark) {
  return mark ? el("span", { className: "badge", textContent: `${verdicts[mark.verdict]}${mark.answer ? `: ${mark.answer}` : ""}` }) : "";
}
