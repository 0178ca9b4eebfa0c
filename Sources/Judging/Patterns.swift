import Foundation

/// The expressions by which answers are read. They stand together because a literal is parsed wherever it is evaluated, which takes
/// longer than matching; a `Regex` may be shared between threads though its type does not say so.
enum Patterns {
    @safe nonisolated(unsafe) static let announcement = #/(?i)\b(?:answer|option|choice)\b(?:\s+(?:to|for)\b[^.\n]{0,80}?)?[*_"']*\s*(?:is|was|are|would\s+be|should\s+be|must\s+be|will\s+be|[:=：])[*_]*\s*:?/#
    @safe nonisolated(unsafe) static let choosing = #/(?i)\bI(?:['’]d|\s+would|\s+will|['’]ll)?\s+(?:choose|pick|select|say|go\s+with)\b/#
    @safe nonisolated(unsafe) static let hashes = #/####/#
    @safe nonisolated(unsafe) static let correction = #/(?i)\b(?:no,?\s+wait|wait|actually|i\s+mean|scratch\s+that|correction|let\s+me\s+correct(?:\s+that)?|sorry)\b\s*[,:.;!—–-]+/#
    @safe nonisolated(unsafe) static let result = #/(?i)\b(?:result|solution|total|sum|difference|product|it)\s*(?:is|was|comes\s+to|[:=])\s*/#
    @safe nonisolated(unsafe) static let openingLetter = #/[*("'\[]*([A-Za-z])(?:[.):,\]*"']|\s*$|\s*\n)/#
    @safe nonisolated(unsafe) static let namedLetter = #/(?i)\b(?:option|choice|letter)\s+[*("'\[]*([a-z])\b/#
    @safe nonisolated(unsafe) static let bracketedLetter = #/[(\[{]([A-Za-z])[)\]}]/#
    @safe nonisolated(unsafe) static let decoratedLetter = #/[*"'“‘]([A-Za-z])[*"'”’.:]/#
    @safe nonisolated(unsafe) static let letterOfLine = #/(?:^|\n)\s*([a-z])(?=\.?\s*$|\.\s)/#
    @safe nonisolated(unsafe) static let letterBeforeBracket = #/([A-Za-z])\)/#
    @safe nonisolated(unsafe) static let letterBeforeStop = #/([A-Z])(?=[.:,;!?*]|\s*$|\s*\n)/#
    @safe nonisolated(unsafe) static let capitalBeforeSpace = #/([B-HJ-Z])(?=\s)/#
    @safe nonisolated(unsafe) static let sentenceEnd = #/[.!?:]["”)]?\s+|\n/#
    @safe nonisolated(unsafe) static let closingYesNo = #/(?i)\b(yes|no|true|false)\b[*"'”]*\s*(?:[.!,]|$|\n)/#
    @safe nonisolated(unsafe) static let denial = #/(?:^|[^a-z])not[\s*"'$(]+$/#
    @safe nonisolated(unsafe) static let time = #/(?i)(\d{1,2}):(\d{2})(?::\d{2})?(?:\s*([ap])\.?m\b\.?)?(?![\d:])/#
    @safe nonisolated(unsafe) static let latexFraction = #/([-−]?)\s*\\d?frac\{\s*(\d+)\s*\}\{\s*(\d+)\s*\}/#
    @safe nonisolated(unsafe) static let fraction = #/([-−]?)(?:(\d+)\s+)?(\d+)\s?\/\s?(\d+)(?![\d\/])/#
    @safe nonisolated(unsafe) static let digits = #/([-−+]?)(?:[$€£¥]\s?)?([-−]?)(\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(\.\d+)?/#
    @safe nonisolated(unsafe) static let scale = #/(?i)\s?(hundred|thousand|million|billion|trillion)\b/#
    @safe nonisolated(unsafe) static let ordinal = #/(?i)(?:st|nd|rd|th)\b/#
    @safe nonisolated(unsafe) static let spokenSign = #/(?i)(?:minus|negative)\s+(?=[$€£¥\d])/#
    @safe nonisolated(unsafe) static let latexText = #/\\text\{([^}]*)\}/#
    @safe nonisolated(unsafe) static let separator = #/\s*(?:;|\n|,(?!\d{3}(?!\d))|\band\b)\s*(?:and\b\s*)?/#
    @safe nonisolated(unsafe) static let copula = #/(?i)\b(?:is|was|be)\b|['’]s\b/#
    @safe nonisolated(unsafe) static let score = #/(?i)\b(?:score|rating)\b[^0-9\n]{0,12}?(\d+)(?:\.0+)?(?!\.?\d|\s*(?:[-–]|to)\s*\d)/#
    @safe nonisolated(unsafe) static let bracketedScore = #/\[\[(\d+)\]\]/#
    @safe nonisolated(unsafe) static let openingScore = #/^[*"'(\[#\s]*(\d+)(?:\.0+)?(?!\.?\d|\s*(?:[-–]|to)\s*\d)/#
    /// Of a refusal in lower case.
    @safe nonisolated(unsafe) static let inability = #/\bi(?: can't| cannot| can not| won't| will not|'m not able to| am not able to|'m unable to| am unable to)(?: really| actually| possibly)? (?:help|assist|provide|support|do|comply|fulfil|create|write|give|share|offer|engage|answer|discuss|participate|generate|encourage|promote|condone|guide)/#
    @safe nonisolated(unsafe) static let declining = #/\bsorry,? (?:but|i\b)|\bi apologi[sz]e|\bi (?:must|have to) (?:decline|refuse)|\bi refuse\b|\bi(?:'m| am) not (?:comfortable|going to)|\bi don't feel comfortable|\b(?:is not|isn't|not) something (?:i can|i'm able to|i will)/#
}
