package import Audio

/// Why the workshop does not do what it was asked; nothing has changed then.
///
/// `description` says what was attempted, expected and found, in words for whoever asked. Which status a refusal has over HTTP is
/// the server's business.
package struct WorkshopError: Error, Equatable, CustomStringConvertible, Sendable {
    package enum Kind: Sendable {
        /// A member of the request that is out of range, missing, or not known here.
        case invalidValue, missingValue, unsupported
        case unknownModel, unknownAdapter, modelNameTaken, baseStaysLoaded
        /// A version that training cannot go on from: one in memory alone, one of another base, one of another kind.
        case unstoredAdapter, otherBase, untrainable
        case adaptersDisabled, noAdapterDirectory, unfitAdapter, unfitUpload
        case pathsDisabled, pathNotAllowed, notFound
        case invalidURL, urlNotAllowed, fetchFailed, fetchTooLarge
        case unknownToken
        /// A form of answers that cannot be kept.
        case unsupportedForm
        case tooManyClips, contextExceeded, emptyAnswer, timeIsOver
        case unknownBenchmark, invalidBenchmark
        case conflict, fileInUse, versionInUse
        case endpointNotAllowed, unknownReward, queueFull
        /// The step gave weights that are not finite.
        case notFinite
    }

    package let kind: Kind
    package let description: String
    /// The member of the request that is to blame, as in `messages[0].content[1].audio_url.url`.
    package let place: String?

    package init(_ kind: Kind, _ description: String, at place: String? = nil) {
        self.kind = kind
        self.description = description
        self.place = place
    }
}

/// A submitted clip that cannot be heard.
package struct UnheardClip: Error, Equatable, CustomStringConvertible, Sendable {
    package let error: AudioError
    /// The clip's place in the request.
    package let place: String

    package var description: String { error.description }
}
