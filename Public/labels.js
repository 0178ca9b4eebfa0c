// What people said of a set's gold answers, and the way of their marks into a file.

import { get, request } from "./api.js";
import { confirmed } from "./dialog.js";
import { verdicts } from "./marker.js";
import { $, act, date, el } from "./page.js";
import { table } from "./tables.js";

const asked = new URLSearchParams(location.search);
let marks = [];

const showMarks = table($("labels"), {
  label: "Marks", empty: "No mark on this set yet. Mark items where they are asked or compared.", id: mark => mark.item,
  columns: [
    { name: "item", wide: true, bare: true, cell: mark => el("a", { className: "mono", href: `data.html?view=items&set=${encodeURIComponent(mark.benchmark)}&search=${encodeURIComponent(mark.item)}`, textContent: mark.item }) },
    { name: "verdict", cell: mark => verdicts[mark.verdict] },
    { name: "right answer", cell: mark => mark.answer ?? "" },
    { name: "note", wide: true, cell: mark => mark.note ?? "" },
    { name: "marked", cell: mark => date(mark.created_at) },
    { name: "actions", hidden: true, wide: true, cell: mark => el("button", {
      type: "button", className: "small danger", textContent: "Take away", "aria-label": `Take the mark of ${mark.item} away`,
      onclick: async event => {
        const wanted = await confirmed({ title: "Take this mark away?", text: `${mark.item}: ${verdicts[mark.verdict]}${mark.note ? `, ${mark.note}` : ""}`, action: "Take away", danger: true });
        if (wanted) act(event.target, $("labels-notice"), async () => {
          await request(`v1/benchmarks/${encodeURIComponent(mark.benchmark)}/items/${encodeURIComponent(mark.item)}/mark`, { method: "DELETE" });
          await load();
        });
      },
    }) },
  ],
});

export async function refresh() {
  const { data } = await get("v1/benchmarks?limit=1000");
  const select = $("labels-set");
  if (select.options.length !== data.length) {
    const wanted = select.value || asked.get("set");
    select.replaceChildren(...data.map(set => el("option", { value: set.name, textContent: set.name, selected: set.name === wanted })));
  }
  await load();
}

async function load() {
  const set = $("labels-set").value;
  if (!set) return;
  marks = (await get(`v1/benchmarks/${encodeURIComponent(set)}/marks`)).data;
  showMarks(marks);
  $("labels-jsonl").disabled = $("labels-csv").disabled = !marks.length;
}

$("labels-set").addEventListener("change", () => load().catch(error => { $("labels-notice").textContent = error.message; }));
$("labels-jsonl").addEventListener("click", () => keep("jsonl", marks.map(mark => JSON.stringify(mark)).join("\n") + "\n"));
$("labels-csv").addEventListener("click", () => {
  const columns = ["benchmark", "item", "verdict", "answer", "note", "created_at"];
  const cell = value => /[",\n\r]/.test(value ?? "") ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? "");
  keep("csv", [columns, ...marks.map(mark => columns.map(name => mark[name]))].map(row => row.map(cell).join(",")).join("\n") + "\n");
});

function keep(kind, text) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text])), download: `${$("labels-set").value}-marks.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
