package import Audio

/// Why the workshop refuses a request. Nothing has changed in that case.
///
/// `description` says what was attempted, expected and found. The server decides which HTTP status a refusal has.
package struct WorkshopError: Error, Equatable, CustomStringConvertible, Sendable {
    package enum Kind: Sendable {
        /// A member of the request is out of range, missing or not supported.
        case invalidValue, missingValue, unsupported
        case unknownModel, unknownAdapter, modelNameTaken, baseStaysLoaded
        /// Training cannot continue from the version: it is only in memory, belongs to another base, or is of another kind.
        case unstoredAdapter, otherBase, untrainable
        case adaptersDisabled, noAdapterDirectory, unfitAdapter, unfitUpload
        case pathsDisabled, pathNotAllowed, notFound
        case invalidURL, urlNotAllowed, fetchFailed, fetchTooLarge
        case unknownToken
        /// The form of answers is not supported.
        case unsupportedForm
        case tooManyClips, contextExceeded, emptyAnswer, timeIsOver
        case unknownBenchmark, invalidBenchmark
        case conflict, fileInUse, versionInUse
        case endpointNotAllowed, unknownReward, queueFull
        /// The step produced weights that are not finite.
        case notFinite
    }

    package let kind: Kind
    package let description: String
    /// The path of the offending member, as in `messages[0].content[1].audio_url.url`.
    package let place: String?

    package init(_ kind: Kind, _ description: String, at place: String? = nil) {
        self.kind = kind
        self.description = description
        self.place = place
    }
}

/// A submitted clip that cannot be decoded.
package struct UnheardClip: Error, Equatable, CustomStringConvertible, Sendable {
    package let error: AudioError
    /// The clip's path in the request.
    package let place: String

    package var description: String { error.description }
}
