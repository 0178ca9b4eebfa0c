import Foundation

/// The expressions by which answers are read. They stand together because a literal is parsed wherever it is evaluated, which takes
/// longer than matching; a `Regex` may be shared between threads though its type does not say so.
enum Patterns {
    @safe nonisolated(unsafe) static let announcement =
        #/(?i)\b(?:answer|option|choice)\b(?:\s+(?:to|for)\b[^.\n]{0,80}?)?[*_"']*\s*(?:is|was|are|would\s+be|should\s+be|must\s+be|will\s+be|[:=：→]|[-=]+>|[-–—](?=\s))[*_]*\s*:?/#
    @safe nonisolated(unsafe) static let abbreviation = #/(?i)\bans\b\s*(?:\.\s*:?|[:=])/#
    @safe nonisolated(unsafe) static let heading = #/(?i)\banswer[*:_ ]*\n/#
    /// An answer's name in other languages with what may stand between it and the answer: a quality, a copula, a colon.
    @safe nonisolated(unsafe) static let foreign =
        #/(?i)(?:答案|正解|答え|解答|回答|[选選]项?(?=\s*[*"(]*[A-Z])|正[确確][选選][项項]|[选選][择擇択]肢?|정답|답|ответ|відповідь|الجواب|الإجابة|الاجابة|پاسخ|תשובה|उत्तर|คำตอบ|απάντηση|\b(?:respuesta|r[ée]ponse|antwort|resposta|risposta|antwoord|odpowied[zź]|odpov[ěe][ďd]|cevap|đáp\s*án|jawaban(?:nya)?|svar(?:et)?|vastaus)\b)(?:\s+(?:correct[ae]|correta|corretta|richtige?|final[e]?|الصحيحة|הנכונה|đúng))?[*_"']*(?:\s*(?:是|为|為|选|選|は|[은는이가]|[:=：→]|[-–—](?=\s)))*(?:\s+(?:es|est|ist|is|é|è|e|är|er|je|jest|to|là|adalah|ialah|είναι|هي|هو|היא|הוא)\b|คือ|\s*[:：])*[*_]*/#
    @safe nonisolated(unsafe) static let openingLetter = #/[*("'\[]*([A-Za-z])(?:[.):,\]*"']|\s*$|\s*\n)/#
    /// "B is the correct answer", "C would be my choice".
    @safe nonisolated(unsafe) static let approval =
        #/\b([A-Z])[)*"'\]}]*(?:\s+\w+)?\s+(?:is|was|seems|looks|sounds|would\s+be|must\s+be|should\s+be)\s+(?:definitely\s+|clearly\s+|probably\s+)?(?:the\s+|my\s+)?(?:only\s+|most\s+|final\s+)?(?:correct|right|best|answer|true|likely)\b/#
    /// "I would choose", "it must be (B)".
    @safe nonisolated(unsafe) static let choosing =
        #/(?i)\bI(?:['’]d|\s+would|\s+will|['’]ll)?\s+(?:choose|pick|select|say|go\s+with)\b|\b(?:it|this)\s+(?:must|has\s+to)\s+be(?=\s+[*"]*\([A-Za-z]\))/#
    @safe nonisolated(unsafe) static let hashes = #/####/#
    @safe nonisolated(unsafe) static let correction =
        #/(?i)\b(?:no,?\s+wait|wait|actually|i\s+mean|scratch\s+that|correction|let\s+me\s+correct(?:\s+that)?|sorry)\b\s*[,:.;!—–-]+/#
    @safe nonisolated(unsafe) static let result = #/(?i)\b(?:result|solution|total|sum|difference|product|it)\s*(?:is|was|comes\s+to|[:=])\s*/#
    /// "x = 2 or x": another solution follows the first.
    @safe nonisolated(unsafe) static let otherSolution = #/=[^=]*?(?:\bor\b|\band\s+[a-zA-Z]\s*$|,\s*[a-zA-Z]\s*$)/#
    /// A number that follows is one that the answer stays below or above.
    @safe nonisolated(unsafe) static let bound = #/(?i)\b(?:less|more|fewer|greater|larger|smaller)\s+than\s*[*_$€£"]*$/#
    /// "No more than 7" names 7 itself.
    @safe nonisolated(unsafe) static let limit = #/(?i)\b(?:no|not)\s+(?:less|more|fewer|greater|larger|smaller)\s+than\s*[*_$€£"]*$/#
    @safe nonisolated(unsafe) static let ignorance =
        #/(?i)\bI\s+(?:do\s+not|don['’]t|cannot|can['’]t|can\s+not)\s+(?:know|tell|say|determine)\b|\bno\s+(?:idea|answer)\b|\b(?:impossible|hard|difficult)\s+to\s+(?:say|tell|know|determine)\b|\b(?:cannot|can['’]t|can\s+not)\s+(?:be\s+(?:determined|answered|known)|tell)\b|\bnot\s+enough\s+information\b|\btoo\s+(?:hard|difficult)\s+for\s+me\b/#
    @safe nonisolated(unsafe) static let bothVerdicts = #/(?i)\b(?:yes\s*(?:and|or|\/)\s*no|no\s*(?:and|or|\/)\s*yes|true\s*(?:and|or|\/)\s*false)\b/#
    /// What stands before the second of "\boxed{3} or \boxed{5}".
    @safe nonisolated(unsafe) static let afterBox = #/\}\s*\$*\s*(?:,|or|and)\s*\$*\s*$/#
    @safe nonisolated(unsafe) static let sentenceEnd = #/[.!?:]["”)]?\s+|\n/#
    @safe nonisolated(unsafe) static let closingYesNo = #/(?i)\b(yes|no|true|false)\b[*"'”]*\s*(?:[.!,]|$|\n)/#
    @safe nonisolated(unsafe) static let time = #/(?i)(\d{1,2}):(\d{2})(?::\d{2})?(?:\s*([ap])\.?m\b\.?)?(?![\d:])/#
    @safe nonisolated(unsafe) static let latexText = #/\\text\{([^}]*)\}/#
    @safe nonisolated(unsafe) static let separator = #/\s*(?:;|\n|,(?!\d{3}(?!\d))|\band\b)\s*(?:and\b\s*)?/#
    @safe nonisolated(unsafe) static let copula = #/(?i)\b(?:is|was|be)\b|['’]s\b/#
    @safe nonisolated(unsafe) static let score = #/(?i)\b(?:score|rating)\b[^0-9\n]{0,12}?(\d+)(?:\.0+)?(?!\.?\d|\s*(?:[-–]|to)\s*\d)/#
    @safe nonisolated(unsafe) static let bracketedScore = #/\[\[(\d+)\]\]/#
    @safe nonisolated(unsafe) static let openingScore = #/^[*"'(\[#\s]*(\d+)(?:\.0+)?(?!\.?\d|\s*(?:[-–]|to)\s*\d)/#
    /// Of a refusal in lower case.
    @safe nonisolated(unsafe) static let inability =
        #/\bi(?: can't| cannot| can not| won't| will not|'m not able to| am not able to|'m unable to| am unable to)(?: really| actually| possibly)? (?:help|assist|provide|support|do|comply|fulfil|create|write|give|share|offer|engage|answer|discuss|participate|generate|encourage|promote|condone|guide)/#
    @safe nonisolated(unsafe) static let declining =
        #/\bsorry,? (?:but|i\b)|\bi apologi[sz]e|\bi (?:must|have to) (?:decline|refuse)|\bi refuse\b|\bi(?:'m| am) not (?:comfortable|going to)|\bi don't feel comfortable|\b(?:is not|isn't|not) something (?:i can|i'm able to|i will)/#
}
