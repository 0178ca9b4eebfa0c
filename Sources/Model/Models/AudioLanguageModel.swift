package import Foundation
import JSON
package import Tensors
package import Weights

/// A model that reads text and, if its family has an audio path, sound.
///
///     tokens, audio embeddings in their slots → decoder → hidden states → logits
///     clips → audio path → audio embeddings
package struct AudioLanguageModel: Sendable {
    package let family: any ModelFamily.Type
    /// The `model_type` of its configuration.
    package let type: String
    /// Nil if the model reads text alone.
    package let audio: AudioPath?
    package let decoder: Decoder
    package let ends: EndTokens
    /// Tokens that are not text and that no answer contains; empty for most families.
    package let unwritten: Range<Int32>
    package let transcription: TranscriptionPrompt
    /// The names of its modules on disk and in adapters.
    package let names: ModuleNames
    /// The parameters, by their index.
    package let parameters: [Parameter]
    /// The checkpoint's unused modules, such as those for images, with the number of their tensors.
    package let passedOver: [(module: String, count: Int)]

    /// Builds the model of a checkpoint. Every tensor must be read or belong to a module that the family skips.
    ///
    /// - Parameter family: The family; nil for the one that the configuration names.
    package init(_ checkpoint: Checkpoint, of family: (any ModelFamily.Type)? = nil, storage: WeightStorage) throws {
        let family = try family ?? Family(checkpoint.config).definition
        self.family = family
        type = try checkpoint.config.string("model_type", default: "")
        names = family.names
        transcription = family.transcription
        let reader = ModelReader(checkpoint, weights: try checkpoint.weights(renaming: names.published), storage)
        let parts = try family.build(reader)
        (audio, decoder, ends, unwritten) = (parts.audio, parts.decoder, parts.ends, parts.unwritten)
        parameters = reader.parameters
        let unread = try reader.weights.finish(allowing: ["rotary_emb.inv_freq"], modules: family.passedOver)
        passedOver = family.passedOver.compactMap { module in
            let count = unread.count { $0.hasPrefix(module + ".") }
            return count > 0 ? (module, count) : nil
        }
    }

    /// The longest sequence of tokens, prompt and answer together.
    package var contextLength: Int { decoder.configuration.maxPositions }

    package var vocabularySize: Int { decoder.configuration.vocabularySize }

    /// The audio embeddings [Σ slots, hidden] of clips, each given as its segments, one clip after the other. The model must have an audio path.
    ///
    /// - Parameter dropout: The dropout of adapters under training; for a single clip only.
    package func embed(
        _ clips: [[AudioSegment]], versions: [WeightVersion?], arithmetic: Arithmetic, dropout: Dropout? = nil, _ tape: Tape? = nil
    ) -> Tensor {
        guard let audio else { preconditionFailure("\(type) reads text alone") }
        return audio.embed(clips, versions: versions, arithmetic: arithmetic, dropout: dropout, tape)
    }
}

extension Checkpoint {
    /// Opens a model's directory, and the directories of parts that its checkpoint names instead of containing them.
    package init(model directory: URL) throws {
        let own = try Checkpoint(directory: directory)
        self = try own.joining(Family(own.config).definition.parts)
    }
}
