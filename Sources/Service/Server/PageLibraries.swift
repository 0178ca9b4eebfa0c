import Foundation
import HTTP

/// The libraries that the console renders answers with, from where Debian's packages lay them: these files alone, under `/vendor/`.
///
///     vendor/marked.js     libjs-marked        Markdown
///     vendor/purify.js     node-dompurify      what of it may stand in a page
///     vendor/katex/…       libjs-katex         mathematics, with its style and its fonts
///
/// Where one is absent, the console shows plain text.
enum PageLibraries {
    private static let fonts = [
        "AMS-Regular", "Caligraphic-Bold", "Caligraphic-Regular", "Fraktur-Bold", "Fraktur-Regular", "Main-Bold", "Main-BoldItalic", "Main-Italic",
        "Main-Regular", "Math-BoldItalic", "Math-Italic", "SansSerif-Bold", "SansSerif-Italic", "SansSerif-Regular", "Script-Regular",
        "Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular", "Typewriter-Regular",
    ]

    /// By the path they are served under, the places where one may lie, in the order of the looking.
    static let places: [String: [String]] = {
        var places = [
            "marked.js": ["javascript/marked/marked.min.js", "nodejs/marked/marked.min.js"],
            "purify.js": ["javascript/dompurify/purify.min.js", "nodejs/dompurify/dist/purify.min.js"],
            "katex/katex.js": ["javascript/katex/katex.min.js"],
            "katex/katex.css": ["javascript/katex/katex.min.css"],
        ]
        for font in fonts { places["katex/fonts/KaTeX_\(font).woff2"] = ["fonts/truetype/katex/KaTeX_\(font).woff2"] }
        return places
    }()

    /// - Parameter root: where the packages lie.
    static func add(to files: inout StaticFiles, root: URL) {
        for (path, places) in places {
            if let place = places.map(root.appendingPathComponent).first(where: { FileManager.default.isReadableFile(atPath: $0.path) }) {
                files.add(place, at: "vendor/" + path)
            }
        }
    }
}
