// Questions before something is done, and the way back after it.

import { $, el } from "./page.js";

/** Asks before something is done; resolves to whether it is wanted. */
export function confirmed({ title, text, action, danger = false }) {
  return new Promise(resolve => {
    const button = (label, value, className) => el("button", { type: "submit", value, textContent: label, className });
    const dialog = el("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" },
      el("form", { method: "dialog" },
        el("h2", { id: "dialog-title", textContent: title }), el("p", { id: "dialog-text", textContent: text }),
        el("div", { className: "row end" }, button("Cancel", "", ""), button(action, "yes", danger ? "danger strong" : "primary"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.querySelector("main").append(dialog);
    dialog.showModal();
  });
}

/** Says what was done, until it is put away. `undo` runs when it is asked for. */
export function done(message, undo) {
  const place = $("done") ?? document.querySelector("main").appendChild(el("div", { id: "done", role: "status" }));
  const note = el("div", { className: "note" }, el("span", { textContent: message }));
  if (undo) note.append(el("button", {
    type: "button", className: "small", textContent: "Undo",
    onclick: async event => {
      event.target.disabled = true;
      try {
        await undo();
        note.remove();
      } catch (error) {
        note.firstChild.textContent = error.message;
        event.target.remove();
      }
    },
  }));
  note.append(el("button", { type: "button", className: "small", textContent: "✕", "aria-label": "Put this message away", onclick: () => note.remove() }));
  place.replaceChildren(note);
}
