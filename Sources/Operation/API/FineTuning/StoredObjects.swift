/// OpenAI's file objects, and the weight versions that training makes.

/// An uploaded file.
package struct FileObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "file"
    package var bytes: Int
    package var createdAt: Int
    package var filename: String
    package var purpose: String
    /// `uploaded`, `processed` or `error`.
    package var status: String
    /// Null if the file stays until it is deleted.
    @Nullable package var expiresAt: Int?
    @Nullable package var statusDetails: String?
    package var sha256: String?

    package init(
        id: String, bytes: Int, createdAt: Int, filename: String, purpose: String, status: String, expiresAt: Int?, statusDetails: String?,
        sha256: String?
    ) {
        (self.expiresAt, self.id, self.bytes, self.createdAt, self.filename, self.purpose) = (expiresAt, id, bytes, createdAt, filename, purpose)
        (self.status, self.statusDetails, self.sha256) = (status, statusDetails, sha256)
    }
}

/// The lifetime of an upload: OpenAI's `expires_after`, in the spelling of form fields.
package struct FileExpiry: Decodable, Equatable, Sendable {
    /// From an hour to thirty days.
    static let range = 3600...2_592_000

    /// Seconds after the upload; nil for a file that stays.
    package var seconds: Int?

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        let (anchor, time) = ("expires_after[anchor]", "expires_after[seconds]")
        try fields.constant(anchor, "created_at")
        seconds = try fields.integer(time, in: Self.range)
        if fields.has(anchor), seconds == nil { throw fields.missing(time, "seconds beside the anchor") }
        // The form's purpose was read before.
        fields.ignore("purpose")
        try fields.end()
    }
}

/// An immutable set of tensors over a base model.
package struct VersionObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "weights.version"
    package var name: String
    @Nullable package var parent: String?
    package var kind: WeightVersionKind
    package var createdAt: Int
    /// The hash of the stored content.
    package var hash: String
    /// Whether the base's name is answered by this version.
    package var promoted: Bool
    package var step: Int?
    package var bytes: Int?
    package var metrics: [String: Double]
    package var reportIds: [String]

    package init(
        id: String, name: String, parent: String? = nil, kind: WeightVersionKind, createdAt: Int, hash: String, promoted: Bool, step: Int? = nil,
        bytes: Int? = nil, metrics: [String: Double] = [:], reportIds: [String] = []
    ) {
        (self.id, self.name, self.parent, self.kind, self.createdAt, self.hash) = (id, name, parent, kind, createdAt, hash)
        (self.promoted, self.step, self.bytes, self.metrics, self.reportIds) = (promoted, step, bytes, metrics, reportIds)
    }
}

package enum WeightVersionKind: String, Codable, CaseIterable, Sendable { case base, adapter, full }

/// The response of `promote` and `rollback`.
package struct Promotion: Codable, Equatable, Sendable {
    package var object = "weights.promotion"
    /// The version now in force.
    package var weightVersion: String
    @Nullable package var previous: String?
    package var createdAt: Int

    package init(weightVersion: String, previous: String? = nil, createdAt: Int) {
        (self.weightVersion, self.previous, self.createdAt) = (weightVersion, previous, createdAt)
    }
}
