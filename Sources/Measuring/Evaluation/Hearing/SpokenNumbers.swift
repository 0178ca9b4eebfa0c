/// Numbers in words as digits: `two hundred and five` → `205`, `twenty first` → `21st`, `three point one` → `3.1`, `five percent` → `5%`,
/// `seven dollars` → `$7`, `one oh five` → `105`.
enum SpokenNumbers {
    static func inDigits(_ words: [String]) -> [String] {
        var out: [String] = []
        var place = 0
        while place < words.count {
            guard let (digits, next) = number(words, from: place) else {
                out.append(words[place])
                place += 1
                continue
            }
            place = next
            let unit = place < words.count ? words[place] : ""
            if let sign = signs[unit] {
                out.append(sign + digits)
                place += 1
            } else if unit == "percent" {
                out.append(digits + "%")
                place += 1
            } else {
                out.append(digits)
            }
        }
        return out
    }

    private static let signs = [
        "dollar": "$", "dollars": "$", "pound": "£", "pounds": "£", "euro": "€", "euros": "€", "cent": "¢", "cents": "¢",
    ]
    private static let units = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ]
    private static let tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    private static let scales = ["thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "trillion": 1_000_000_000_000]
    private static let ordinals: [String: String] = {
        var names = [
            "first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight", "ninth": "nine", "twelfth": "twelve",
            "hundredth": "hundred", "thousandth": "thousand", "millionth": "million",
        ]
        for name in units where name != "zero" && !names.values.contains(name) { names[name + "th"] = name }
        for name in tens { names[name.dropLast() + "ieth"] = name }
        return names
    }()

    /// The number that begins at a place, and the place after it; nil if there is none. Written digits end the number: they are separate
    /// words, unless a scale follows (`3 thousand`).
    private static func number(_ words: [String], from start: Int) -> (String, next: Int)? {
        var place = start
        // `finished` holds what scales have closed, `group` the number below a thousand, `spelled` digits read one by one.
        var (finished, group): (Int, Int?) = (0, nil)
        var spelled = ""
        var suffix = ""
        func digit(_ name: String) -> Int? { name == "oh" || name == "o" ? (place > start ? 0 : nil) : units.firstIndex(of: name) }
        loop: while place < words.count, suffix.isEmpty {
            let word = words[place]
            let name = ordinals[word] ?? word
            if let unit = digit(name) {
                if let current = group, current % 10 != 0 || current == 0 || unit == 0 || (current % 100 != 0 && unit > 9) {
                    // "one oh five", "nineteen eighty": read digit by digit, or in pairs.
                    if finished > 0 || current >= 100 { break loop }
                    spelled += String(current)
                    group = unit
                } else {
                    group = (group ?? 0) + unit
                }
            } else if let ten = tens.firstIndex(of: name).map({ 10 * ($0 + 2) }) {
                if let current = group, current % 100 != 0 || current == 0 {
                    if finished > 0 || current >= 100 { break loop }
                    spelled += String(current)
                    group = ten
                } else {
                    group = (group ?? 0) + ten
                }
            } else if name == "hundred", spelled.isEmpty, let current = place == start ? 1 : group, (1..<100).contains(current) {
                group = current * 100
            } else if let scale = scales[name], spelled.isEmpty, let current = place == start ? 1 : group, current > 0,
                finished % (scale * 1000) == 0
            {
                finished += current * scale
                group = nil
            } else if place == start, let value = Int(word), value >= 0, place + 1 < words.count, scales[words[place + 1]] != nil, value < 1000 {
                group = value
            } else if word == "and", place > start, group.map({ $0 % 100 == 0 && $0 > 0 }) ?? (finished > 0), place + 1 < words.count,
                isNumeral(words[place + 1])
            {
                // The "and" of "two hundred and five" is skipped.
            } else {
                break loop
            }
            if name != word { suffix = ending(of: (group ?? 0)) }
            place += 1
        }
        guard place > start else { return nil }
        var digits = spelled + String(finished + (group ?? 0))
        if suffix.isEmpty, place + 1 < words.count, words[place] == "point", isDigit(words[place + 1]) {
            digits += "."
            place += 1
            while place < words.count, isDigit(words[place]) {
                digits += String(units.firstIndex(of: words[place]) ?? 0)
                place += 1
            }
        }
        return (digits + suffix, place)
    }

    private static func isDigit(_ word: String) -> Bool { units.prefix(10).contains(word) }

    private static func isNumeral(_ word: String) -> Bool {
        let name = ordinals[word] ?? word
        return units.contains(name) || tens.contains(name)
    }

    private static func ending(of value: Int) -> String {
        if (11...13).contains(value % 100) { return "th" }
        switch value % 10 {
        case 1: return "st"
        case 2: return "nd"
        case 3: return "rd"
        default: return "th"
        }
    }
}
