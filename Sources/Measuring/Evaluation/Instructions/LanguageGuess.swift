/// Guesses which of IFEval's thirty languages a text is in: by its script, and if several languages share the script, by small words and letters.
///
///     Kannada, Thai, Hangul …    the script says it; most letters count
///     Devanagari, Arabic …       letters and small words of hi, mr, ne; ur, fa, ar; ru, uk, bg
///     Latin                      small words of en, es, pt, fr, de, it, pl, vi, sw, fi
enum LanguageGuess {
    static let codes: Set = [
        "en", "es", "pt", "ar", "hi", "fr", "ru", "de", "ja", "it", "bn", "uk", "th", "ur", "ta", "te", "bg", "ko", "pl", "he", "fa", "vi", "ne",
        "sw", "kn", "mr", "gu", "pa", "ml", "fi",
    ]

    /// Nil for a text without letters, of which nothing can be said.
    static func code(of text: String) -> String? {
        var counts: [Script: Int] = [:]
        for scalar in text.unicodeScalars { if let script = Script(scalar) { counts[script, default: 0] += 1 } }
        guard let (script, _) = counts.max(by: { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }) else { return nil }
        switch script {
        case .latin: return best(text, latin) ?? "unknown"
        case .cyrillic: return best(text, cyrillic) ?? "ru"
        case .arabic: return best(text, arabic) ?? "ar"
        case .devanagari: return best(text, devanagari) ?? "hi"
        // Japanese writes as many Chinese characters as its own.
        case .han: return counts[.kana, default: 0] > 0 ? "ja" : "zh"
        case .kana: return "ja"
        default: return script.rawValue
        }
    }

    static func isEnglish(_ text: String) -> Bool { code(of: text).map { $0 == "en" } ?? true }

    /// A script that one of the languages is written in; of those with one language, its code.
    private enum Script: String {
        case latin, cyrillic, arabic, devanagari, han, kana
        case bengali = "bn"
        case gurmukhi = "pa"
        case gujarati = "gu"
        case tamil = "ta"
        case telugu = "te"
        case kannada = "kn"
        case malayalam = "ml"
        case thai = "th"
        case hangul = "ko"
        case hebrew = "he"

        init?(_ scalar: Unicode.Scalar) {
            switch scalar.value {
            case 0x41...0x5A, 0x61...0x7A, 0xC0...0x24F, 0x1E00...0x1EFF: self = .latin
            case 0x400...0x52F: self = .cyrillic
            case 0x5D0...0x5EA: self = .hebrew
            case 0x620...0x6FF, 0x750...0x77F, 0xFB50...0xFDFF, 0xFE70...0xFEFC: self = .arabic
            case 0x900...0x97F: self = .devanagari
            case 0x980...0x9FF: self = .bengali
            case 0xA00...0xA7F: self = .gurmukhi
            case 0xA80...0xAFF: self = .gujarati
            case 0xB80...0xBFF: self = .tamil
            case 0xC00...0xC7F: self = .telugu
            case 0xC80...0xCFF: self = .kannada
            case 0xD00...0xD7F: self = .malayalam
            case 0xE00...0xE7F: self = .thai
            case 0x1100...0x11FF, 0xAC00...0xD7A3: self = .hangul
            case 0x3040...0x30FF: self = .kana
            case 0x4E00...0x9FFF: self = .han
            default: return nil
            }
        }
    }

    /// The marks of a language: small words, and letters that other languages of its script lack.
    private struct Traits: Sendable {
        let code: String
        let words: Set<Substring>
        let letters: Set<Character>

        init(_ code: String, _ words: String, letters: String = "") {
            self.code = code
            self.words = Set(words.split(separator: " "))
            self.letters = Set(letters)
        }
    }

    /// The language with the most small words and own letters; nil if there are none. On a tie the first.
    private static func best(_ text: String, _ candidates: [Traits]) -> String? {
        let lower = text.lowercased()
        let words = lower.split { !($0.isLetter || $0 == "'" || $0 == "’") }
        var (found, most) = (String?.none, 0)
        for candidate in candidates {
            let score =
                words.count { candidate.words.contains($0) } + (candidate.letters.isEmpty ? 0 : lower.count { candidate.letters.contains($0) })
            if score > most { (found, most) = (candidate.code, score) }
        }
        return found
    }

    private static let latin = [
        Traits(
            "en",
            """
            the of and to in is that it for was with as his he be not by on are this had at from or have an they which you were her she their we \
            been has will would more when who no if out so what up its about than into them can only other your my i'm it's don't how our i
            """),
        Traits(
            "es", "el la los las de que y en un una es por con para se del al lo como más pero su sus no le ya este esta son muy también",
            letters: "ñ¿¡"),
        Traits(
            "pt", "o os as de que e em um uma é por com para se do da dos das no na ao como mais mas seu sua não você são muito também", letters: "ãõ"
        ),
        Traits(
            "fr", "le la les de des et en un une est que qui dans pour pas sur au aux avec ce cette il elle je vous nous sont plus du par ou",
            letters: "œ"),
        Traits(
            "de", "der die das und in zu den von ist mit sich des auf für im nicht ein eine dem es auch als an werden aus er sie ich wir sind wie",
            letters: "ß"),
        Traits("it", "il la di che e un una per non in con del della dei delle sono è come più ma anche gli nel alla si lo le questo questa da"),
        Traits("pl", "i w na z do że się nie to jest o jak po co ale za dla od są przez który która być tym oraz", letters: "łąęśżź"),
        Traits(
            "vi", "và của là có cho không được một các trong những với này để người khi đã từ như",
            letters: "đơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữự"),
        Traits("sw", "na ya wa kwa ni za katika la cha kuwa hii yake huo hiyo pia kama watu sana lakini au yao vya kila hivyo"),
        Traits("fi", "ja on ei että se oli hän mutta ovat kun niin myös joka tai sen olla voi mitä kuin ole tämä jos sitä ovat minä"),
    ]

    private static let cyrillic = [
        Traits("ru", "и в не на что с как это по он она но из у за к от для его был", letters: "ыэё"),
        Traits("uk", "і в не на що з як це по він вона але із у за та від для його був", letters: "іїєґ"),
        Traits("bg", "и в не на че с как това по той тя но от за е са се да ще има като към които"),
    ]

    private static let arabic = [
        Traits("ar", "في من على إلى أن هذا هذه التي الذي ما لا كان هو هي مع عن أو كل", letters: "ةىأإؤ"),
        Traits("fa", "و در به از که این را با است برای آن یک تا می بر هم شود شده", letters: "پچژگ"),
        Traits("ur", "کے کی میں ہے اور سے کا کو نے پر یہ ہیں کہ ایک بھی تھا نہیں", letters: "ٹڈڑںےہھ"),
    ]

    private static let devanagari = [
        Traits("hi", "के में है की और से का को पर यह हैं एक ने कि नहीं भी था हो लिए"),
        Traits("mr", "आहे आणि या च्या ते आहेत एक हे तर किंवा होते करा नाही की ती असे साठी होता", letters: "ळ"),
        Traits("ne", "छ र को मा हो छन् पनि यो लागि एक भने गर्न तथा थियो हुन्छ गर्नुहोस् हुन् छैन छु"),
    ]
}
