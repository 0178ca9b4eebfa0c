import Foundation
import Hashing

/// The frame of every page of results, its style and its one script: the items' filter.
package enum ReportPage {
    /// The style and the script as a Content-Security-Policy names them.
    package static let styleSource = source(style)
    package static let scriptSource = source(script)

    /// What such a page needs: its own style and script, and clips that travel in it. What a model said can run nothing, even
    /// where it should slip through the escaping.
    package static let contentSecurityPolicy =
        "default-src 'none'; style-src \(styleSource); script-src \(scriptSource); media-src 'self' data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    private static func source(_ text: String) -> String {
        var hash = SHA256()
        hash.update(text)
        return "'sha256-\(Data(hash.bytes()).base64EncodedString())'"
    }

    static func page(_ title: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>\(Markup.escape(title))</title>
        <style>\(style)</style>
        </head>
        <body>
        <main>
        \(body)
        </main>
        <script>\(script)</script>
        </body>
        </html>

        """
    }

    static let style = """
        :root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #5b6570; --line: #dfe3e8; --panel: #f6f7f9;
          --text: #1f6fb2; --audio: #c2571a; --gap: #7a3b9a; --control: #7b8794; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e7eaee; --soft: #9aa5b1; --line: #2c333b;
          --panel: #1c2127; --text: #6db3f2; --audio: #f0955a; --gap: #c89be6; --control: #8d99a6; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 960px; margin: 0 auto; padding: 32px 20px 64px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; } h2 { font-size: 19px; margin: 40px 0 10px; }
        h3 { font-size: 15px; margin: 20px 0 6px; } header p { color: var(--soft); margin: 0 0 18px; overflow-wrap: anywhere; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 10px; }
        .tile { background: var(--panel); border-top: 3px solid var(--control); border-radius: 4px; padding: 10px 12px; display: flex; flex-direction: column; }
        .tile span { color: var(--soft); font-size: 13px; } .tile strong { font-size: 22px; font-variant-numeric: tabular-nums; }
        .tile small { color: var(--soft); font-size: 12px; line-height: 1.35; }
        .tile.text { border-color: var(--text); } .tile.audio { border-color: var(--audio); } .tile.gap { border-color: var(--gap); }
        figure { margin: 0 0 12px; } svg { display: block; width: 100%; max-width: 760px; height: auto; font: 12px system-ui, sans-serif; }
        svg text { fill: var(--ink); } svg .tick, svg .axis { fill: var(--soft); } svg line.grid { stroke: var(--line); }
        svg line.zero { stroke: var(--soft); } svg .whisker { stroke: currentColor; stroke-width: 1.6; } svg circle { fill: currentColor; }
        svg .curve { stroke: currentColor; stroke-width: 1.8; fill: none; stroke-linejoin: round; }
        svg g.text { color: var(--text); } svg g.audio { color: var(--audio); } svg g.gap { color: var(--gap); } svg g.control { color: var(--control); }
        figcaption { color: var(--soft); font-size: 13px; max-width: 760px; margin-top: 4px; }
        .legend { color: var(--soft); font-size: 13px; margin: 0 0 4px; } .legend i { display: inline-block; width: 10px; height: 10px;
          border-radius: 50%; margin: 0 5px 0 10px; } .legend i:first-child { margin-left: 0; } .legend i.text { background: var(--text); } .legend i.audio { background: var(--audio); }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; margin-bottom: 8px; }
        th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
        table.facts td { white-space: normal; overflow-wrap: anywhere; }
        .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); gap: 24px; align-items: start; }
        .filter { display: flex; flex-wrap: wrap; gap: 14px; align-items: center; margin-bottom: 10px; font-size: 14px; color: var(--soft); }
        .filter select, .filter input { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 4px; padding: 3px 6px; }
        details { border-bottom: 1px solid var(--line); content-visibility: auto; contain-intrinsic-size: auto 32px; }
        summary { cursor: pointer; padding: 5px 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
        details[open] summary { white-space: normal; font-weight: 600; } summary em { color: var(--soft); font-style: normal; font-size: 13px; }
        .outcome { display: inline-flex; gap: 3px; margin-right: 8px; font-weight: 700; } .outcome .text { color: var(--text); } .outcome .audio { color: var(--audio); }
        code, pre { font: 13px/1.45 ui-monospace, "Cascadia Mono", Menlo, monospace; } details p { margin: 4px 0; color: var(--soft); } details b { color: var(--ink); }
        audio { width: 100%; max-width: 420px; height: 36px; margin: 4px 0; }
        .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 10px; margin: 6px 0 14px; }
        .answer { background: var(--panel); border-left: 3px solid var(--control); border-radius: 4px; padding: 8px 12px; min-width: 0; }
        .answer.text { border-color: var(--text); } .answer.audio { border-color: var(--audio); }
        .answer h4 { margin: 0 0 4px; font-size: 13px; font-weight: 600; color: var(--soft); }
        .answer pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
        @media print { :root { color-scheme: light; } main { max-width: none; padding: 0; } #items { display: none; } section { break-inside: avoid; } }
        """

    static let script = """
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
        }
        """
}
