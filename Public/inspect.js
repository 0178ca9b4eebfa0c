// One question, token by token: the answer as a heat map of D_t, and both distributions at the token that is chosen.

import { get, post, request } from "./api.js";
import { $, act, clipPicker, el, fillModels, fixed, tile } from "./page.js";

const clip = clipPicker();
$("inspect-clip").append(clip.node);

fillModels($("inspect-model")).then(begin).catch(() => {});
document.addEventListener("keychange", () => fillModels($("inspect-model")).catch(() => {}));

/** A link from the page of data names a set and an item to begin with. */
async function begin() {
  const query = new URLSearchParams(location.search);
  const [set, id] = [query.get("set"), query.get("item")];
  if (!set || !id) return;
  try {
    const root = `v1/benchmarks/${encodeURIComponent(set)}/items`;
    const { data } = await get(`${root}?contains=${encodeURIComponent(id)}&limit=1000`);
    const item = data.find(item => item.id === id);
    if (!item) throw new Error(`${set} has no item ${id}.`);
    $("inspect-text").value = item.text;
    if (item.has_audio) clip.set(await (await request(`${root}/${encodeURIComponent(id)}/audio`)).blob());
    $("inspect-title").scrollIntoView();
  } catch (error) { $("inspect-notice").textContent = error.message; }
}

$("inspect").addEventListener("submit", event => {
  event.preventDefault();
  act(event.submitter, $("inspect-notice"), async () => {
    const data = await clip.data();
    if (!data) throw new Error("Choose a sound file, or record the question.");
    const body = { model: $("inspect-model").value || undefined, audio: { data }, text: $("inspect-text").value };
    if ($("inspect-continuation").value) body.continuation = $("inspect-continuation").value;
    show(await post("v1/gap/inspect", body));
  });
});

function show(result) {
  const highest = Math.max(...result.tokens.map(token => token.divergence), 1e-9);
  const detail = el("div", { "aria-live": "polite" });
  let pressed = null;
  const tokens = result.tokens.map(token => {
    const button = el("button", {
      type: "button", textContent: token.text || "∅", "aria-pressed": "false",
      title: `D = ${token.divergence.toFixed(3)}, rank ${token.rank}`,
      onclick: () => {
        pressed?.setAttribute("aria-pressed", "false");
        pressed = button;
        button.setAttribute("aria-pressed", "true");
        detail.replaceChildren(...describe(token));
      },
    });
    button.style.setProperty("--heat", (token.divergence / highest).toFixed(3));
    return button;
  });
  $("inspection").replaceChildren(
    el("p", { className: "quiet" }, "D from 0 ", el("span", { className: "scale" }), ` to ${highest.toFixed(3)} nats. Choose a token to see both distributions.`),
    el("div", { className: "tokens" }, tokens),
    el("div", { className: "tiles" },
      tile("mean D", fixed(result.divergence_mean), `nats, over ${result.tokens.length} tokens`), tile("80th percentile", fixed(result.divergence_p80), "nats"),
      tile("correlation with position", fixed(result.position_correlation), "Pearson"), tile("token loss", fixed(result.token_loss), "Σ w D"),
      tile("weights", result.weight_version, result.model)),
    detail);
  tokens[result.tokens.findIndex(token => token.rank === 1)]?.click();
}

function describe(token) {
  const list = (title, tokens) => el("div", {}, el("table", {}, el("caption", { className: "quiet", textContent: title }), el("tbody", {}, tokens.map(entry => el("tr", {},
    el("td", {}, el("code", { textContent: JSON.stringify(entry.token) })), el("td", { className: "number", textContent: `${(100 * Math.exp(entry.logprob)).toFixed(1)} %` }))))));
  return [
    el("p", { className: "quiet", textContent: `Token ${token.position + 1}, ${JSON.stringify(token.text)}: D = ${token.divergence.toFixed(4)} nats, rank ${token.rank}, weight ${token.weight.toFixed(2)}` }),
    el("div", { className: "columns" }, list(`after hearing, entropy ${token.entropy_audio.toFixed(2)}`, token.top_audio), list(`after reading, entropy ${token.entropy_text.toFixed(2)}`, token.top_text)),
  ];
}
