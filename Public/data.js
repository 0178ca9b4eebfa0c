// The page of data: its four views, and which of them the address names.

import { $, keepFresh } from "./page.js";
import * as answers from "./answers.js";
import * as items from "./items.js";
import * as labels from "./labels.js";
import * as rows from "./rows.js";
import { remember } from "./address.js";

const views = { items, files: rows, answers, labels };
let view = null;

function show(name) {
  if (view === name) return;
  view = name;
  for (const other of Object.keys(views)) {
    $(`${other}-panel`).hidden = other !== name;
    $(`tab-${other}`).setAttribute("aria-selected", String(other === name));
    $(`tab-${other}`).tabIndex = other === name ? 0 : -1;
  }
  remember({ view: name });
  // Whatever is being read for another view is not waited for.
  views[name].refresh().catch(error => { $("health").textContent = error.message; });
}

const tabs = Object.keys(views);
for (const name of tabs) {
  $(`tab-${name}`).addEventListener("click", () => show(name));
  $(`tab-${name}`).addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(name) + step + tabs.length) % tabs.length];
    show(next);
    $(`tab-${next}`).focus();
  });
}

const asked = new URLSearchParams(location.search).get("view");
show(views[asked] ? asked : "items");
keepFresh(() => views[view].refresh(), 10);
