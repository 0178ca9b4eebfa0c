// Markdown and mathematics as elements, by the libraries that the server finds on its machine; where they are absent, plain text.
//
//     text ─ marked (raw HTML as its letters, formulas apart) ─ DOMPurify (allowed elements alone) ─ KaTeX into the formulas' places

const vendor = name => new Promise((resolve, reject) => {
  const script = Object.assign(document.createElement("script"), { src: `vendor/${name}`, onload: resolve, onerror: reject });
  document.head.append(script);
});

/** Resolves when it is known which libraries there are. */
export const ready = (async () => {
  const [markdown, mathematics] = await Promise.allSettled([
    Promise.all([vendor("marked.js"), vendor("purify.js")]), vendor("katex/katex.js"),
  ]);
  if (markdown.status === "fulfilled" && sanitises()) prepare();
  if (mathematics.status === "fulfilled") {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "vendor/katex/katex.css" }));
  }
})();

let parse = null;

/** Whether DOMPurify works here; Debian 12's build reads, outside of the loop that has it, a variable of the depth that it also checks inside. */
function sanitises() {
  const works = () => { try { return window.DOMPurify.sanitize("<p lang='x'>a</p>", allowed).firstChild.outerHTML === "<p>a</p>"; } catch { return false; } };
  if (works()) return true;
  window.shadowNode = { __depth: 0 };
  return works();
}

const escaped = text => text.replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`);

function prepare() {
  // Releases differ in what a renderer is given: a token, or its parts.
  const { marked } = window.marked.marked ? window.marked : { marked: window.marked };
  marked.use({
    gfm: true, breaks: false,
    renderer: {
      html: raw => escaped(raw.text ?? raw),
      image: (first, _, words) => escaped(first.text ?? words ?? first.href ?? first),
      checkbox: checked => (checked.checked ?? checked) ? "☑ " : "☐ ",
    },
    extensions: [
      formula("block", /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/, /(?:^|\n) {0,3}(?:\$\$|\\\[)/, true),
      formula("inline", /^(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\])/, /\$\$|\\\[/, true),
      // A dollar sign before a number is money unless another closes a formula right behind something that is no space.
      formula("inline", /^(?:\$(?!\s)((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)|\\\(([\s\S]+?)\\\))/, /\$|\\\(/, false),
    ],
  });
  parse = text => marked.parse(text);
}

/** An extension of marked: what a pattern matches stands as a formula's own letters in an element of its own. */
function formula(level, pattern, start, isDisplayed) {
  const name = `formula-${level}-${isDisplayed}`;
  return {
    name, level,
    start: text => { const place = text.search(start); return place < 0 ? undefined : place; },
    tokenizer(text) {
      const found = pattern.exec(text);
      if (found) return { type: name, raw: found[0], text: (found[1] ?? found[2]).trim() };
    },
    renderer: ({ text }) => {
      const element = `<span class="formula${isDisplayed ? " displayed" : ""}">${escaped(text)}</span>`;
      return level === "block" ? `<p>${element}</p>` : element;
    },
  };
}

const allowed = {
  ALLOWED_TAGS: ["a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "span", "strong", "sub",
    "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"],
  ALLOWED_ATTR: ["align", "class", "href", "start", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** Fills an element with what a text says. */
export function fill(node, text) {
  node.classList.toggle("plain", !parse);
  if (!parse) { node.textContent = text; return; }
  const fragment = window.DOMPurify.sanitize(parse(text), allowed);
  for (const link of fragment.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  sink(fragment);
  for (const box of fragment.querySelectorAll("pre, table")) {
    // What scrolls sideways must be reachable by keys.
    const scroll = document.createElement("div");
    Object.assign(scroll, { className: "scroll", tabIndex: 0 });
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", box.tagName === "PRE" ? "Code" : "Table");
    box.replaceWith(scroll);
    scroll.append(box);
  }
  for (const place of fragment.querySelectorAll(".formula")) typeset(place);
  node.replaceChildren(fragment);
}

function typeset(place) {
  const text = place.textContent, isDisplayed = place.classList.contains("displayed");
  if (!window.katex) { place.textContent = isDisplayed ? `$$${text}$$` : `$${text}$`; return; }
  if (isDisplayed) {
    place.tabIndex = 0;
    place.setAttribute("role", "region");
    place.setAttribute("aria-label", "Formula");
  }
  // Into elements, not text: their styles are set one by one, which the page's policy admits.
  try { window.katex.render(text, place, { displayMode: isDisplayed, maxSize: 20, maxExpand: 500, strict: "ignore", trust: false }); } catch {
    // Not yet whole, or no formula.
    place.textContent = isDisplayed ? `$$${text}$$` : `$${text}$`;
  }
}

/** An answer's headings stand below the page's own, without leaps. */
function sink(fragment) {
  const headings = [...fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  const depths = headings.map(heading => Number(heading.tagName[1]));
  const top = Math.min(...depths);
  let before = 2;
  headings.forEach((heading, place) => {
    before = Math.min(before + 1, 3 + depths[place] - top, 6);
    const sunk = document.createElement(`h${before}`);
    sunk.append(...heading.childNodes);
    heading.replaceWith(sunk);
  });
}
