import Foundation

/// The case of a whole text: at least one letter has it, and no letter has the other.
enum Case {
    static func isUpper(_ text: some StringProtocol) -> Bool { isAll(text, \.isUppercase, \.isLowercase) }
    static func isLower(_ text: some StringProtocol) -> Bool { isAll(text, \.isLowercase, \.isUppercase) }

    private static func isAll(
        _ text: some StringProtocol, _ wanted: (Unicode.Scalar.Properties) -> Bool, _ other: (Unicode.Scalar.Properties) -> Bool
    ) -> Bool {
        var found = false
        for scalar in text.unicodeScalars {
            if other(scalar.properties) || scalar.properties.generalCategory == .titlecaseLetter { return false }
            if wanted(scalar.properties) { found = true }
        }
        return found
    }
}

/// Words in capitals, split by Penn Treebank's rules: "DON'T" is two, "AT&T" two, "TOP-DOWN", "U.S." and "AND/OR" one each.
enum CapitalWords {
    static func count(in text: String) -> Int {
        let parted = Self.parting.split(text.replacing("’", with: "'"))
        return parted.reduce(0) { count, part in
            var pieces = [part[...]]
            if let clitic = ["N'T", "'LL", "'RE", "'VE", "'S", "'M", "'D"].first(where: { part.count > $0.count && part.hasSuffix($0) }) {
                pieces = [part.dropLast(clitic.count), part.suffix(clitic.count)]
            } else if let start = Self.joined[part.trimmed { $0 == "." }] {
                pieces = [part.prefix(start), part.dropFirst(start)]
            }
            return count + pieces.count { Case.isUpper($0) }
        }
    }

    /// White space and the marks that are separate words. A comma or a colon is one unless a digit follows.
    private static var parting: Expression { Expression("[\\s;@#$%&?!\"“”«»()\\[\\]{}<>]+|--+|\\.\\.\\.|[:,](?!\\d)") }
    /// Words that are split in two, with the length of the first.
    private static let joined = ["CANNOT": 3, "GIMME": 3, "GONNA": 3, "GOTTA": 3, "LEMME": 3, "WANNA": 3]
}

/// Sentences by the rules of Kiss and Strunk's Punkt. A sentence ends at "." with white space, unless an abbreviation or an initial is
/// before it, and always at "!" and "?". Closing quotes and brackets belong to the sentence. The end of a line does not end one.
enum SentenceCount {
    static func of(_ text: String) -> Int {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard !words.isEmpty else { return 0 }
        return 1 + zip(words, words.dropFirst()).count { ends($0, before: $1) }
    }

    private static func ends(_ word: Substring, before next: Substring) -> Bool {
        let bare = word.drop { "\"'“”‘’([{*".contains($0) }
        let closed = Substring(bare.trimmedEnd { "\"'“”‘’)]}*".contains($0) })
        guard let last = closed.last else { return false }
        if last == "!" || last == "?" { return true }
        guard last == "." else { return false }
        let first = next.first { $0.isLetter || $0.isNumber }
        if closed.hasSuffix("..") { return first?.isUppercase == true && isStarter(next) }
        let stem = closed.dropLast().lowercased()
        if first?.isLowercase == true, stem.allSatisfy(\.isNumber) || isAbbreviated(stem) { return false }
        if isInitial(closed) { return isStarter(next) }
        return !isAbbreviated(stem) || isStarter(next)
    }

    private static func isInitial(_ word: Substring) -> Bool { word.count == 2 && word.first?.isLetter == true }

    private static func isAbbreviated(_ stem: String) -> Bool {
        abbreviations.contains(stem) || stem.split(separator: "-").last.map { abbreviations.contains(String($0)) } == true
    }

    /// A capitalised word that a sentence often begins with.
    private static func isStarter(_ word: Substring) -> Bool {
        word.first?.isUppercase == true && starters.contains(word.lowercased().filter(\.isLetter))
    }

    private static let starters: Set = [
        "although", "but", "he", "however", "if", "in", "it", "its", "many", "meanwhile", "moreover", "nevertheless", "now", "she", "since",
        "some", "still", "that", "the", "there", "these", "they", "this", "those", "under", "we", "what", "when", "where", "while", "who", "why",
        "you", "your", "a", "an", "and", "as", "at", "for", "from", "how", "my", "our", "so", "then", "to",
    ]

    private static let abbreviations: Set<String> = {
        let letters = "bcdefghklmnprsvw".map { String($0) }
        let words = """
            mr mrs ms dr st jr sr prof rep reps sen gen col lt maj adm messrs ave bros co corp inc ltd cie cos ct ft vs yr mg chg ok jan feb aug \
            sept sep oct nov dec tues wed fri ala ariz calif colo conn fla ga ill kan ky mich minn nev okla ore pa tenn va vt wash wis p.m a.m \
            u.s u.k u.n u.s.a u.s.s.r ph.d d.c a.d m.b.a n.y n.j n.c n.h n.d n.m n.v s.c w.va l.a r.i w.c sw
            """
        return Set(letters + words.split(whereSeparator: \.isWhitespace).map(String.init))
    }()
}

extension StringProtocol {
    fileprivate func trimmedEnd(_ isDropped: (Character) -> Bool) -> String { String(reversed().drop(while: isDropped).reversed()) }
}
