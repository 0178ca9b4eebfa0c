import JSON
package import Tensors
package import Weights

/// The model families that can be served, one case each: the one switch that the compiler keeps complete.
package enum AudioLanguageModel: Sendable {
    case qwen2Audio(Qwen2Audio)

    /// Builds the model of a Hugging Face directory; every tensor must be consumed.
    package init(_ checkpoint: Checkpoint, storage: WeightStorage) throws {
        let family = try checkpoint.config.string("model_type", default: "")
        switch family {
        case "qwen2_audio":
            let weights = try checkpoint.weights(renaming: ModuleName.canonical)
            self = .qwen2Audio(
                try Qwen2Audio(weights, try Qwen2AudioConfiguration(checkpoint.config), storage: storage))
            try weights.finish(allowing: ["rotary_emb.inv_freq"])
        default:
            throw ModelError(
                "config.json: model_type is \(family.isEmpty ? "missing" : "\"\(family)\""); served families: qwen2_audio")
        }
    }

    package var decoder: Qwen2Decoder {
        switch self { case .qwen2Audio(let model): model.decoder }
    }

    package var encoder: WhisperEncoder {
        switch self { case .qwen2Audio(let model): model.encoder }
    }

    package var audioToken: Int32 {
        switch self { case .qwen2Audio(let model): model.configuration.audioToken }
    }

    package var parameters: [Parameter] {
        switch self { case .qwen2Audio(let model): model.parameters }
    }

    /// Longest sequence of tokens, prompt and answer together.
    package var contextLength: Int { decoder.configuration.maxPositions }

    /// Log-mel bins that the encoder hears.
    package var mels: Int { encoder.configuration.mels }

    /// Audio embeddings [Σ tokens, hidden] of clips, one after the other.
    package func embed(
        _ clips: [AudioFeatures], versions: [WeightVersion?], arithmetic: Arithmetic, _ tape: Tape? = nil
    ) -> Tensor {
        switch self {
        case .qwen2Audio(let model): model.embed(clips, versions: versions, arithmetic: arithmetic, tape)
        }
    }
}
