// CORD steps: pairs of a clip and its text, the step that they make, the steps so far.

import { get, post } from "./api.js";
import { chart } from "./chart.js";
import { $, act, clipPicker, date, el, fixed, keepFresh, tile } from "./page.js";
import { table } from "./tables.js";

const pairs = [];

function addPair() {
  const clip = clipPicker();
  const text = el("textarea", { rows: 2, required: true, placeholder: "The same question, typed", "aria-label": "The question, typed" });
  const answer = el("input", { placeholder: "Right answer, if known", "aria-label": "Right answer, if known" });
  const pair = { clip, text, answer };
  const node = el("div", { className: "pair" }, clip.node, text, el("div", { className: "row" }, answer,
    el("button", {
      type: "button", className: "small", textContent: "Remove",
      onclick: () => {
        if (pairs.length === 1) return;
        pairs.splice(pairs.indexOf(pair), 1);
        node.remove();
      },
    })));
  pairs.push(pair);
  $("pairs").append(node);
}

addPair();
$("add-pair").addEventListener("click", addPair);

$("step").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("step-notice"), async () => {
    const sent = [];
    for (const pair of pairs) {
      const data = await pair.clip.data();
      if (!data) throw new Error("Every pair needs a clip: choose a sound file, or record the question.");
      sent.push({ audio: { data }, text: pair.text.value, ...(pair.answer.value ? { answer: pair.answer.value } : {}) });
    }
    const step = await post("v1/cord/steps", {
      pairs: sent, objective: { rollouts: Number($("step-rollouts").value) }, optimizer: { learning_rate: Number($("step-rate").value) },
    });
    const { metrics } = step;
    const unused = step.pairs.filter(pair => pair.status !== "applied");
    $("step-result").replaceChildren(
      el("div", { className: "tiles" },
        tile("loss", fixed(metrics.loss)), tile("mean D", fixed(metrics.kl_mean), "nats"), tile("reward", fixed(metrics.reward_mean, 2)),
        tile("agreement", fixed(metrics.teacher_agreement, 2), "with the teacher"), tile("gradient norm", fixed(metrics.grad_norm))),
      el("p", {}, "Step ", String(step.step), " made ", el("a", { href: "weights.html", textContent: step.weight_version }), ", which answers from now on."),
      ...unused.map(pair => el("p", { className: "notice", textContent: `Left out: ${pair.reason ?? pair.error?.message ?? pair.status}` })));
    await refresh();
  });
});

const showSteps = table($("steps"), {
  label: "Single steps", empty: "No single step yet.", id: step => step.id,
  columns: [
    { name: "version", wide: true, bare: true, cell: step => el("div", {}, el("a", { href: "weights.html", className: "mono", textContent: step.weight_version }),
      el("div", {}, el("small", { textContent: `step ${step.step}, ${date(step.created_at)}` }))) },
    { name: "pairs", number: true, cell: step => String(step.pairs.filter(pair => pair.status === "applied").length) },
    { name: "loss", number: true, cell: ({ metrics }) => fixed(metrics.loss) },
    { name: "mean D, nats", number: true, cell: ({ metrics }) => fixed(metrics.kl_mean) },
    { name: "reward", number: true, cell: ({ metrics }) => fixed(metrics.reward_mean, 2) },
    { name: "gradient", number: true, cell: ({ metrics }) => fixed(metrics.grad_norm) },
  ],
});

const refresh = keepFresh(async () => {
  const { data } = await get("v1/cord/steps?limit=100");
  const picture = (title, up, value) => {
    const points = data.map(step => [step.step, value(step.metrics)]).filter(([, y]) => Number.isFinite(y)).reverse();
    return points.length > 1 ? [chart([{ name: "steps", colour: 0, points }], { title, across: "step", up })] : [];
  };
  $("steps-chart").replaceChildren(...picture("Loss", "", metrics => metrics.loss), ...picture("D", "mean over the step's positions, nats", metrics => metrics.kl_mean));
  showSteps(data.slice(0, 20));
}, 10);
