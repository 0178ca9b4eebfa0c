package import Foundation
import JSON
package import Tensors
package import Weights

/// A model that reads text and, where its family hears, sound.
///
///     tokens, audio embeddings in their slots → decoder → hidden states → logits
///     clips → audio path → audio embeddings
package struct AudioLanguageModel: Sendable {
    package let family: any ModelFamily.Type
    /// What its configuration calls it.
    package let type: String
    /// Nil where the model reads text alone.
    package let audio: AudioPath?
    package let decoder: Decoder
    package let ends: EndTokens
    /// Tokens that are no text, which no answer has; empty for most families.
    package let unwritten: Range<Int32>
    package let transcription: TranscriptionPrompt
    /// How its modules are called on disk and in adapters.
    package let names: ModuleNames
    /// By their numbers.
    package let parameters: [Parameter]
    /// Modules of the checkpoint for other purposes than reading sound and text, with the number of their tensors.
    package let passedOver: [(module: String, count: Int)]

    /// Builds the model of a checkpoint; every tensor must be consumed or belong to what the family passes over.
    ///
    /// - Parameter family: nil for the one that the configuration names.
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

    /// Longest sequence of tokens, prompt and answer together.
    package var contextLength: Int { decoder.configuration.maxPositions }

    package var vocabularySize: Int { decoder.configuration.vocabularySize }

    /// Audio embeddings [Σ slots, hidden] of clips, each given as its segments, one clip after the other. The model must hear.
    ///
    /// - Parameter dropout: what adapters under training do not see of a clip that is alone.
    package func embed(
        _ clips: [[AudioSegment]], versions: [WeightVersion?], arithmetic: Arithmetic, dropout: Dropout? = nil, _ tape: Tape? = nil
    ) -> Tensor {
        guard let audio else { preconditionFailure("\(type) reads text alone") }
        return audio.embed(clips, versions: versions, arithmetic: arithmetic, dropout: dropout, tape)
    }
}

extension Checkpoint {
    /// A model's directory, with those of its parts where its family's checkpoints name them.
    package init(model directory: URL) throws {
        let own = try Checkpoint(directory: directory)
        self = try own.joining(Family(own.config).definition.parts)
    }
}
