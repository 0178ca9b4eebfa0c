package import JSON
import Tensors
package import Weights

extension AudioLanguageModel {
    /// Metadata and tensors of one GGUF file.
    package struct GGUFPart {
        package var metadata: [(key: String, value: GGUFWriter.Value)]
        package let tensors: [GGUFWriter.Item]
    }

    /// The model in the layout of llama.cpp's converter and the formats of `storage`. A load of the two files gives
    /// the same as a load of the checkpoint with `storage`. The caller writes the metadata of the decoder's text.
    ///
    /// - Parameter config: The `config.json` of this model's checkpoint.
    /// - Throws: ``ModelError`` if the family has no such layout.
    package func gguf(_ storage: WeightStorage, config: JSONValue) throws -> (decoder: GGUFPart, projector: GGUFPart) {
        guard let layout = GGUFFamily(of: family), layout.isWritten, let audio else {
            let list = GGUFFamily.all.filter(\.isWritten).map(\.family.rawValue).joined(separator: ", ")
            throw ModelError("models of the family \(type) are not written as GGUF files; those of \(list) are")
        }
        let (own, theirs) = (parameters.filter { $0.part == .decoder }, parameters.filter { $0.part != .decoder })
        return (
            GGUFPart(metadata: decoderMetadata(layout), tensors: try own.map { try item($0, storage, layout) }),
            GGUFPart(
                metadata: try projectorMetadata(layout, audio, config), tensors: try theirs.map { try item($0, storage, layout) })
        )
    }

    private func item(_ parameter: Parameter, _ storage: WeightStorage, _ layout: GGUFFamily) throws -> GGUFWriter.Item {
        guard let name = layout.names.stored(parameter.name) else {
            throw ModelError("the tensor \(parameter.name) has no name in GGUF")
        }
        let stored = parameter.stored
        switch parameter.kind {
        case .linear, .router, .table:
            let use: WeightStorage.Use =
                parameter.index == decoder.head.weight.index ? .head : parameter.kind == .table ? .table : .linear
            let format = storage.format(for: use, in: parameter.part, columns: stored.columns)
            return GGUFWriter.Item(name, stored, shape: parameter.shape, as: format ?? stored.format)
        case .vector: return GGUFWriter.Item(name, stored, shape: parameter.shape, as: .float32)
        case .convolution(let taps):
            let published = StoredMatrix(parameter.published(stored.widened()))
            return GGUFWriter.Item(name, published, shape: [stored.rows, stored.columns / taps.reduce(1, *)] + taps, as: .float32)
        }
    }

    private func decoderMetadata(_ layout: GGUFFamily) -> [(key: String, value: GGUFWriter.Value)] {
        let configuration = decoder.configuration, layer = configuration.layers[0], shape = layer.attention
        func key(_ name: String) -> String { layout.architecture + "." + name }
        return [
            ("general.architecture", .string(layout.architecture)), (key("block_count"), .uint32(configuration.layers.count)),
            (key("context_length"), .uint32(configuration.maxPositions)), (key("embedding_length"), .uint32(configuration.hiddenSize)),
            (key("feed_forward_length"), .uint32(layer.innerSize)), (key("attention.head_count"), .uint32(shape.heads)),
            (key("attention.head_count_kv"), .uint32(shape.keyValueHeads)), (key("attention.key_length"), .uint32(shape.headSize)),
            (key("attention.value_length"), .uint32(shape.headSize)),
            (key("attention.layer_norm_rms_epsilon"), .float32(Double(configuration.normEpsilon))),
            (key("rope.freq_base"), .float32(configuration.theta)),
        ]
    }

    private func projectorMetadata(
        _ layout: GGUFFamily, _ audio: AudioPath, _ config: JSONValue
    ) throws -> [(key: String, value: GGUFWriter.Value)] {
        let encoder = audio.encoder.configuration
        func key(_ name: String) -> String { "clip.audio." + name }
        return [
            ("general.architecture", .string("clip")), ("clip.has_audio_encoder", .boolean(true)),
            ("clip.projector_type", .string(layout.projectors.sorted()[0])), (key("projection_dim"), .uint32(decoder.configuration.hiddenSize)),
            (key("embedding_length"), .uint32(encoder.size)), (key("feed_forward_length"), .uint32(encoder.innerSize)),
            (key("block_count"), .uint32(encoder.layers)), (key("attention.head_count"), .uint32(encoder.heads)),
            (key("num_mel_bins"), .uint32(encoder.mels)), (key("attention.layer_norm_epsilon"), .float32(1e-5)),
        ] + (try layout.chunk(config).map { [(GGUFFamily.chunkKey, .uint32($0))] } ?? [])
    }
}
