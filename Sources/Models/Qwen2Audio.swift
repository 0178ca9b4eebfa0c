package import Tensors
package import Weights

/// Qwen2-Audio (Chu et al., 2024): an audio encoder, a linear projector and a Qwen2 decoder.
///
///     clip → log-mel → encoder → projector → embeddings in the `<|AUDIO|>` slots of the prompt → decoder
///
/// Reference: transformers' `Qwen2AudioForConditionalGeneration`.
package struct Qwen2Audio: Sendable {
    package let configuration: Qwen2AudioConfiguration
    package let encoder: WhisperEncoder
    package let projector: Linear
    package let decoder: Qwen2Decoder
    package let parameters: [Parameter]

    package init(_ weights: WeightCursor, _ configuration: Qwen2AudioConfiguration, storage: WeightStorage) throws {
        self.configuration = configuration
        let table = ParameterTable(storage: storage)
        encoder = try WhisperEncoder(weights["audio_tower"], configuration.audio, table)
        projector = try Linear(
            weights["multi_modal_projector"]["linear"], table, in: configuration.audio.size,
            out: configuration.text.hiddenSize, bias: true)
        decoder = try Qwen2Decoder(weights["language_model"], configuration.text, table)
        parameters = table.all
    }

    /// Audio embeddings [Σ tokens, hidden] of clips, one after the other; `versions` names each clip's weights.
    package func embed(
        _ clips: [AudioFeatures], versions: [WeightVersion?], arithmetic: Arithmetic, _ tape: Tape? = nil
    ) -> Tensor {
        precondition(clips.count == versions.count && !clips.isEmpty, "\(clips.count) clips, \(versions.count) versions")
        let (encoded, pass) = encoder(clips, versions: versions, arithmetic: arithmetic, tape)
        return projector(encoded, pass)
    }
}
