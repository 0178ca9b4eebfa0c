package import API

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
    @Nullable package var expiresAt: Int? = nil
    @Nullable package var statusDetails: String? = nil
    package var sha256: String?
}

/// An immutable set of tensors over a base model.
package struct VersionObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "weights.version"
    package var name: String
    @Nullable package var parent: String? = nil
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
}

package enum WeightVersionKind: String, Codable, CaseIterable, Sendable { case base, adapter, full }

/// The response of `promote` and `rollback`.
package struct Promotion: Codable, Equatable, Sendable {
    package var object = "weights.promotion"
    /// The version now in force.
    package var weightVersion: String
    @Nullable package var previous: String? = nil
    package var createdAt: Int
}
