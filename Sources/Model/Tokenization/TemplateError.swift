/// An error of a chat template, or of a conversation given to it.
package enum TemplateError: Error, Equatable, CustomStringConvertible {
    /// The directory has no chat template, or several and not the one asked for.
    case missing(path: String, reason: String)
    /// The template does not parse.
    case syntax(line: Int, reason: String)
    /// The template uses a construct that this interpreter does not have.
    case unsupported(line: Int, construct: String)
    /// The template called `raise_exception`: it refuses the conversation.
    case refused(String)
    /// An operation that has no meaning for its values.
    case evaluation(line: Int, reason: String)
    /// The template does not write one placeholder for each clip, or none that the tokenizer knows.
    case placeholders(found: Int, clips: Int)
    /// The template computes or writes more than a chat can need.
    case limit(line: Int, reason: String)

    package var description: String {
        switch self {
        case .missing(let path, let reason): "no chat template in \(path): \(reason)"
        case .syntax(let line, let reason): "chat template, line \(line): \(reason)"
        case .unsupported(let line, let construct): "chat template, line \(line): \(construct) is not supported"
        case .refused(let message): "the chat template refuses the conversation: \(message)"
        case .evaluation(let line, let reason): "chat template, line \(line): \(reason)"
        case .placeholders(let found, let clips) where 0 < found && found < clips:
            "the chat template has places for \(found) of the \(clips) clips; give each clip a message of its own"
        case .placeholders(let found, let clips):
            """
            the chat template writes \(found) placeholders that the tokenizer knows for \(clips) clips: template or tokenizer are of a model without \
            sound
            """
        case .limit(let line, let reason): "chat template, line \(line): stopped, \(reason)"
        }
    }
}
