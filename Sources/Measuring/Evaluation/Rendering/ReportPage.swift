import Foundation
import Hashing

/// The frame of every page of results, its style and its one script: the items' filter.
package enum ReportPage {
    /// The style and the script as a Content-Security-Policy names them.
    package static let styleSource = source(style)
    package static let scriptSource = source(script)

    /// Allows the page its own style and script and embedded clips. A model's text cannot run anything, even
    /// if an escape were missing.
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

    private static let style = text(PackageResources.report_css)
    private static let script = text(PackageResources.report_js)

    /// A file of this folder, which is compiled into the program, without the line break at its end.
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.dropLast(), as: UTF8.self) }
}
