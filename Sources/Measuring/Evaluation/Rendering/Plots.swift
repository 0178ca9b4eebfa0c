/// Plots as inline SVG. Colours come from the page's classes, so that they follow light and dark.
enum Plots {
    struct Mark {
        var value: Double
        /// Nil if the data do not support one.
        var interval: Interval?
        /// The CSS class: `text`, `audio`, `control`, `gap`.
        var style: String
        var label: String
    }

    struct Row {
        var name: String
        var marks: [Mark]
    }

    /// Values with intervals, one row per name: an accuracy or a gap in percent or points.
    static func forest(_ rows: [Row], title: String, unit: String, range: ClosedRange<Double>, zero: Bool = false) -> String {
        let (left, right, top, step) = (150.0, 16.0, 12.0, 34.0)
        let width = 680.0
        let height = top + step * Double(rows.count) + 42
        let plot = width - left - right
        let x = { (value: Double) in
            left + plot * (min(max(value, range.lowerBound), range.upperBound) - range.lowerBound) / (range.upperBound - range.lowerBound)
        }
        var svg = open(title, width, height)
        for tick in ticks(range) {
            let style = zero && tick == 0 ? "zero" : "grid"
            svg += line(x(tick), top, x(tick), top + step * Double(rows.count), style)
            svg += text(x(tick), top + step * Double(rows.count) + 16, label(tick), "tick", anchor: "middle")
        }
        for (place, row) in rows.enumerated() {
            let centre = top + step * (Double(place) + 0.5)
            svg += text(left - 10, centre + 4, shortened(row.name), "name", anchor: "end")
            for (order, mark) in row.marks.enumerated() {
                let y = centre + (Double(order) - Double(row.marks.count - 1) / 2) * 11
                svg += "<g class=\"\(mark.style)\"><title>\(Markup.escape(mark.label))</title>"
                if let interval = mark.interval {
                    svg += line(x(interval.lower), y, x(interval.upper), y, "whisker")
                    svg += line(x(interval.lower), y - 3.5, x(interval.lower), y + 3.5, "whisker")
                    svg += line(x(interval.upper), y - 3.5, x(interval.upper), y + 3.5, "whisker")
                }
                svg += "<circle cx=\"\(number(x(mark.value)))\" cy=\"\(number(y))\" r=\"4\"/></g>"
            }
        }
        svg += text(left + plot / 2, height - 6, unit, "axis", anchor: "middle")
        return svg + "</svg>"
    }

    struct Curve {
        var name: String
        var style: String
        var points: [(x: Double, y: Double)]
    }

    /// Curves over a common x from 0.
    static func curves(_ curves: [Curve], title: String, across: String, up: String) -> String {
        let (left, right, top, bottom, width, height) = (62.0, 16.0, 26.0, 44.0, 680.0, 280.0)
        let highX = max(1, curves.flatMap { $0.points.map(\.x) }.max() ?? 1)
        let highY = max(1e-9, curves.flatMap { $0.points.map(\.y) }.max() ?? 1) * 1.05
        let x = { (value: Double) in left + (width - left - right) * value / highX }
        let y = { (value: Double) in height - bottom - (height - top - bottom) * value / highY }
        var svg = open(title, width, height)
        for tick in ticks(0...highY) {
            svg += line(left, y(tick), width - right, y(tick), tick == 0 ? "zero" : "grid")
            svg += text(left - 8, y(tick) + 4, label(tick), "tick", anchor: "end")
        }
        for tick in ticks(0...highX) where tick.rounded() == tick {
            svg += text(x(tick), height - bottom + 17, label(tick), "tick", anchor: "middle")
        }
        var legend = left
        for curve in curves {
            let path = curve.points.map { "\(number(x($0.x))),\(number(y($0.y)))" }.joined(separator: " ")
            svg += "<g class=\"\(curve.style)\"><polyline class=\"curve\" points=\"\(path)\"/>"
            svg += line(legend, 12, legend + 18, 12, "curve") + "</g>"
            svg += text(legend + 24, 16, curve.name, "tick", anchor: "start")
            legend += 40 + 7 * Double(curve.name.count)
        }
        svg += text(left + (width - left - right) / 2, height - 6, across, "axis", anchor: "middle")
        svg +=
            "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(14 \(number((height - bottom + top) / 2))) rotate(-90)\">\(Markup.escape(up))</text>"
        return svg + "</svg>"
    }

    /// Round places within a range: a step of 1, 2 or 5 times a power of ten, four to eight of them.
    static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return [range.lowerBound] }
        var power = 1.0
        while power * 10 <= span { power *= 10 }
        while power > span { power /= 10 }
        let step = [0.1, 0.2, 0.5, 1, 2, 5].map { $0 * power }.first { span / $0 <= 8 } ?? power
        let first = Int((range.lowerBound / step).rounded(.up))
        let last = Int((range.upperBound / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : [range.lowerBound]
    }

    private static func open(_ title: String, _ width: Double, _ height: Double) -> String {
        "<svg viewBox=\"0 0 \(number(width)) \(number(height))\" role=\"img\" aria-label=\"\(Markup.escape(title))\" xmlns=\"http://www.w3.org/2000/svg\">"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
        "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
    }

    private static func text(_ x: Double, _ y: Double, _ content: String, _ style: String, anchor: String) -> String {
        "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(Markup.escape(content))</text>"
    }

    private static func shortened(_ name: String) -> String { name.count > 22 ? name.prefix(21) + "…" : name }
    private static func number(_ value: Double) -> String { Format.fixed(value, 2) }

    private static func label(_ tick: Double) -> String {
        for digits in 0...4 where abs(tick - (Double(Format.fixed(tick, digits)) ?? 0)) < 1e-9 {
            return Format.fixed(tick, digits).replacing("-", with: "−")
        }
        return Format.fixed(tick, 4)
    }
}

enum Markup {
    /// Bytes that ``escape(_:)`` may have to replace.
    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x7F, UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
        default: false
        }
    }

    /// Text that is safe between tags and within quoted attributes.
    static func escape(_ text: String) -> String {
        // Most texts need no escapes, among them clips of a megabyte.
        guard text.utf8.contains(where: isSpecial) else { return text }
        var safe = ""
        safe.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            // Control characters other than white space are not allowed in HTML at all.
            case "\u{0}"..."\u{8}", "\u{B}"..."\u{C}", "\u{E}"..."\u{1F}", "\u{7F}": safe += "\u{FFFD}"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
