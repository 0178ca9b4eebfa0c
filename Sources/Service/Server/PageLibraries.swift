import Foundation
import HTTP

/// The libraries with which the console renders answers, from Debian's packages. Only these files are served, under `/vendor/`.
///
///     vendor/marked.js     libjs-marked        Markdown
///     vendor/purify.js     node-dompurify      sanitises the HTML that comes of it
///     vendor/katex/…       libjs-katex         formulas, with their style and fonts
///
/// Without one of them, the console shows plain text.
enum PageLibraries {
    private static let fonts = [
        "AMS-Regular", "Caligraphic-Bold", "Caligraphic-Regular", "Fraktur-Bold", "Fraktur-Regular", "Main-Bold", "Main-BoldItalic", "Main-Italic",
        "Main-Regular", "Math-BoldItalic", "Math-Italic", "SansSerif-Bold", "SansSerif-Italic", "SansSerif-Regular", "Script-Regular",
        "Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular", "Typewriter-Regular",
    ]

    /// For each served path, the places to look for its file, in order.
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

    /// - Parameter root: The folder of the packages' files.
    static func add(to files: inout StaticFiles, root: URL) {
        for (path, places) in places {
            if let place = places.map(root.appendingPathComponent).first(where: { FileManager.default.isReadableFile(atPath: $0.path) }) {
                files.add(place, at: "vendor/" + path)
            }
        }
    }
}
