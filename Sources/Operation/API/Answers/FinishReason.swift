/// Why an answer ended: `stop` for a stop string or the model's end token, `length` for a token limit, `tool_calls` for an end after calls.
package enum FinishReason: String, Codable, Sendable {
    case stop, length
    case toolCalls = "tool_calls"
}
