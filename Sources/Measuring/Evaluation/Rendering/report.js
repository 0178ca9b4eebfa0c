"use strict";
const form = document.querySelector(".filter");
if (form) {
const folds = [...document.querySelectorAll("#items details")];
const apply = () => {
  const wanted = form.search.value.trim().toLowerCase();
  let shown = 0;
  for (const fold of folds) {
    const match = (!form.outcome.value || fold.dataset.outcome.split(" ").includes(form.outcome.value))
      && (!form.category.value || fold.dataset.category === form.category.value)
      && (!wanted || fold.textContent.toLowerCase().includes(wanted));
    fold.hidden = !match;
    if (match) shown += 1;
  }
  form.querySelector("output").textContent = shown + " of " + folds.length;
};
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
let closed = [];
// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  closed = folds.filter((fold) => !fold.open);
  for (const fold of closed) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
}
