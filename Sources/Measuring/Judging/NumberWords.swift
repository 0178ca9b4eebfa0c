/// English number words: "twenty-one", "one hundred and five", "minus three", "three point one four", "two and a half", "two thirds".
enum NumberWords {
    static let units: [String: Double] = [
        "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
        "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
        "eighteen": 18, "nineteen": 19, "dozen": 12,
    ]
    static let tens: [String: Double] = [
        "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    ]
    static let scales: [String: Double] = [
        "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    ]

    /// The number that begins at `place`, which must begin a word; nil where none does.
    static func read(_ text: Substring, _ place: String.Index) -> NumberReading? {
        guard text[place].isLetter else { return nil }
        if place > text.startIndex, let before = text[..<place].last, before.isLetter || before.isNumber { return nil }
        var words = Words(text: text, place: place)
        guard var word = words.next() else { return nil }
        var sign = 1.0
        if word == "minus" || word == "negative" {
            sign = -1
            guard let following = words.next() else { return nil }
            word = following
        }
        var ahead = Words(text: text, place: place)
        if sign < 0 { _ = ahead.next() }
        if let part = ahead.fraction() { return NumberReading(value: NumberReading.canonical(sign * part), range: place..<ahead.end, inWords: true) }
        if word == "half" { return NumberReading(value: "0.5", range: place..<words.end, inWords: true) }
        guard units[word] != nil || tens[word] != nil else { return nil }
        if word == "one", isPronoun(text, place, words) { return nil }
        var (total, group, end) = (0.0, 0.0, words.end)
        var current: String? = word
        while let name = current {
            if let unit = units[name], name == "dozen" || group.truncatingRemainder(dividingBy: 10) == 0, name != "dozen" || group > 0 || total == 0 {
                // Units close a group of tens; a second unit ("five six") is the next number.
                if name == "dozen" {
                    group = max(group, 1) * 12
                } else if group.truncatingRemainder(dividingBy: 100) == 0 || unit < 10 {
                    group += unit
                } else {
                    break
                }
            } else if let ten = tens[name], group.truncatingRemainder(dividingBy: 100) == 0 {
                group += ten
            } else if name == "hundred", group > 0, group < 100 {
                group *= 100
            } else if let scale = scales[name], scale > 100, group > 0 {
                total += group * scale
                group = 0
            } else {
                break
            }
            end = words.end
            current = words.next()
            if current == "and" {
                var ahead = words
                let following = words.next()
                if following == "a", words.next() == "half" {
                    return NumberReading(
                        value: NumberReading.canonical(sign * (total + group + 0.5)), range: place..<words.end, inWords: true)
                }
                if let part = ahead.fraction() {
                    return NumberReading(value: NumberReading.canonical(sign * (total + group + part)), range: place..<ahead.end, inWords: true)
                }
                // "and" joins only below a hundred: "one hundred and five", but not "five and six".
                let joins = (group > 0 && group.truncatingRemainder(dividingBy: 100) == 0) || (group == 0 && total > 0)
                current = joins ? following : nil
            }
            if let name = current, units[name] != nil, group.truncatingRemainder(dividingBy: 10) != 0, name != "dozen" { break }
            if current == "point" {
                var (decimals, digits) = ("", 0)
                var ahead = words
                while let digit = ahead.next().flatMap({ units[$0] }), digit < 10 {
                    decimals += String(Int(digit))
                    digits += 1
                    end = ahead.end
                }
                if digits > 0, let value = Double(NumberReading.canonical(total + group) + "." + decimals) {
                    return NumberReading(value: NumberReading.canonical(sign * value), range: place..<end, inWords: true)
                }
                break
            }
        }
        return NumberReading(value: NumberReading.canonical(sign * (total + group)), range: place..<end, inWords: true)
    }

    /// "The right one", "one of them": the word stands for a thing.
    private static func isPronoun(_ text: Substring, _ place: String.Index, _ words: Words) -> Bool {
        var ahead = words
        if let following = ahead.next(), ["of", "who", "that", "which", "with", "can", "must", "could", "should", "has"].contains(following) {
            return true
        }
        let before = text[..<place].split { !$0.isLetter }.last?.lowercased() ?? ""
        return ["the", "this", "that", "which", "correct", "right", "no", "any", "every", "each", "last", "first", "other", "another"]
            .contains(before)
    }

    /// Words one after the other, joined by spaces or hyphens; anything else ends the number.
    struct Words {
        let text: Substring
        var place: String.Index
        var end: String.Index

        init(text: Substring, place: String.Index) {
            self.text = text
            self.place = place
            end = place
        }

        mutating func next() -> String? {
            var start = place
            while start < text.endIndex, text[start] == " " || text[start] == "-" { start = text.index(after: start) }
            var stop = start
            while stop < text.endIndex, text[stop].isLetter { stop = text.index(after: stop) }
            guard stop > start else { return nil }
            (place, end) = (stop, stop)
            return text[start..<stop].lowercased()
        }

        /// "one third", "three quarters": a count from one to nine and the name of so many parts. The words stay where nothing matches.
        mutating func fraction() -> Double? {
            var ahead = self
            guard let count = ahead.next().flatMap({ units[$0] }), (1...9).contains(count), let part = ahead.next(),
                let parts = count == 1 ? NumberWords.parts[part] : NumberWords.severalParts[part]
            else { return nil }
            self = ahead
            return count / parts
        }
    }

    private static let parts: [String: Double] = [
        "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    ]
    private static let severalParts = Dictionary(uniqueKeysWithValues: parts.map { ($0.key == "half" ? "halves" : $0.key + "s", $0.value) })
}
