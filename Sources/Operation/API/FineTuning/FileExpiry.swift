/// The lifetime of an upload: OpenAI's `expires_after`, in the spelling of form fields.
package struct FileExpiry: WireObject, Equatable, Sendable {
    /// From an hour to thirty days.
    static let range = 3600...2_592_000

    /// Seconds after the upload; nil for a file that stays.
    package var seconds: Int?

    package init(_ fields: Fields) throws {
        let (anchor, time) = ("expires_after[anchor]", "expires_after[seconds]")
        try fields.constant(anchor, "created_at")
        seconds = try fields.integer(time, in: Self.range)
        if fields.has(anchor), seconds == nil { throw fields.missing(time, "seconds beside the anchor") }
        // The form's purpose was read before.
        fields.ignore("purpose")
    }
}
