/// OpenAI's files, and the weight versions that training makes.

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
    /// Always null: files stay until they are deleted.
    @Nullable package var expiresAt: Int?
    @Nullable package var statusDetails: String?
    package var sha256: String?

    package init(
        id: String, bytes: Int, createdAt: Int, filename: String, purpose: String, status: String, statusDetails: String?,
        sha256: String?
    ) {
        self.id = id
        self.bytes = bytes
        self.createdAt = createdAt
        self.filename = filename
        self.purpose = purpose
        self.status = status
        self.statusDetails = statusDetails
        self.sha256 = sha256
    }
}

/// An immutable set of tensors over a base.
package struct VersionObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "weights.version"
    package var name: String
    @Nullable package var parent: String?
    package var kind: WeightVersionKind
    package var createdAt: Int
    /// Of the content.
    package var hash: String
    /// Whether the base's name answers with it.
    package var promoted: Bool
    package var step: Int?
    package var bytes: Int?
    package var metrics: [String: Double]
    package var reportIds: [String]

    package init(
        id: String, name: String, parent: String? = nil, kind: WeightVersionKind, createdAt: Int, hash: String,
        promoted: Bool, step: Int? = nil, bytes: Int? = nil, metrics: [String: Double] = [:],
        reportIds: [String] = []
    ) {
        self.id = id
        self.name = name
        self.parent = parent
        self.kind = kind
        self.createdAt = createdAt
        self.hash = hash
        self.promoted = promoted
        self.step = step
        self.bytes = bytes
        self.metrics = metrics
        self.reportIds = reportIds
    }
}

package enum WeightVersionKind: String, Codable, CaseIterable, Sendable { case base, adapter, full }

/// What `promote` and `rollback` answer.
package struct Promotion: Codable, Equatable, Sendable {
    package var object = "weights.promotion"
    /// In force now.
    package var weightVersion: String
    @Nullable package var previous: String?
    package var createdAt: Int

    package init(weightVersion: String, previous: String? = nil, createdAt: Int) {
        self.weightVersion = weightVersion
        self.previous = previous
        self.createdAt = createdAt
    }
}
