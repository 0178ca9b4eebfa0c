/// Numbers in a run of tokens, in digits or in English words up to the millions.
///
///     "-1,234.50"  "3/4"  "twenty-one"  "one hundred and five"  "two thousand"  "minus three"  "three point one four"
enum NumberReader {
    struct Found: Equatable {
        let value: Double
        let range: Range<Int>
        let isInDigits: Bool
    }

    static func all(in tokens: [Token]) -> [Found] {
        var found: [Found] = []
        var index = 0
        while index < tokens.count {
            if let number = read(tokens, at: index, afterNumber: found.last?.range.upperBound == index) {
                found.append(number)
                index = number.range.upperBound
            } else {
                index += 1
            }
        }
        return found
    }

    static func first(in tokens: [Token]) -> Found? { all(in: tokens).first }

    private static func read(_ tokens: [Token], at start: Int, afterNumber: Bool) -> Found? {
        if case .number(let value) = tokens[start] {
            return Found(value: value, range: start..<start + 1, isInDigits: true)
        }
        guard let word = tokens[start].word else { return nil }
        // After a number, "minus" is an operator.
        if word == "negative" || (word == "minus" && !afterNumber), start + 1 < tokens.count,
            let number = read(tokens, at: start + 1, afterNumber: true)
        {
            return Found(value: -number.value, range: start..<number.range.upperBound, isInDigits: number.isInDigits)
        }
        return words(tokens, at: start)
    }

    private static let units: [String: Double] = [
        "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    ]
    private static let teens: [String: Double] = [
        "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
        "seventeen": 17, "eighteen": 18, "nineteen": 19,
    ]
    private static let tens: [String: Double] = [
        "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    ]
    private static let scales: [String: Double] = ["thousand": 1000, "million": 1_000_000]

    private static func words(_ tokens: [Token], at start: Int) -> Found? {
        var index = start
        var total = 0.0
        var read = false
        var smallestScale = Double.infinity
        while index < tokens.count, var group = belowThousand(tokens, &index) {
            read = true
            if index < tokens.count, let word = tokens[index].word, let scale = scales[word], scale < smallestScale {
                group *= scale
                smallestScale = scale
                index += 1
                total += group
                if index + 1 < tokens.count, tokens[index].word == "and", isNumberWord(tokens[index + 1]) { index += 1 }
            } else {
                total += group
                break
            }
        }
        guard read else { return nil }
        if index + 1 < tokens.count, tokens[index].word == "point", tokens[index + 1].word.flatMap({ units[$0] }) != nil
        {
            index += 1
            var place = 0.1
            while index < tokens.count, let digit = tokens[index].word.flatMap({ units[$0] }) {
                total += digit * place
                place /= 10
                index += 1
            }
        }
        return Found(value: total, range: start..<index, isInDigits: false)
    }

    private static func belowThousand(_ tokens: [Token], _ index: inout Int) -> Double? {
        if tokens[index].word == "a", index + 1 < tokens.count, tokens[index + 1].word == "hundred" {
            index += 2
            return 100 + remainder(tokens, &index)
        }
        guard let first = belowHundred(tokens, &index) else { return nil }
        guard first < 10, index < tokens.count, tokens[index].word == "hundred" else { return first }
        index += 1
        return first * 100 + remainder(tokens, &index)
    }

    private static func remainder(_ tokens: [Token], _ index: inout Int) -> Double {
        var next = index
        if next + 1 < tokens.count, tokens[next].word == "and" { next += 1 }
        guard next < tokens.count, let rest = belowHundred(tokens, &next) else { return 0 }
        index = next
        return rest
    }

    private static func belowHundred(_ tokens: [Token], _ index: inout Int) -> Double? {
        guard let word = tokens[index].word else { return nil }
        if let value = units[word] ?? teens[word] {
            index += 1
            return value
        }
        guard let ten = tens[word] else { return nil }
        index += 1
        var next = index
        if next < tokens.count, tokens[next].isMark("-") { next += 1 }
        if next < tokens.count, let unit = tokens[next].word.flatMap({ units[$0] }), unit > 0 {
            index = next + 1
            return ten + unit
        }
        return ten
    }

    private static func isNumberWord(_ token: Token) -> Bool {
        guard let word = token.word else { return false }
        return units[word] != nil || teens[word] != nil || tens[word] != nil
    }
}
