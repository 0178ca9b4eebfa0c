import Generation
import Models
import Structure
import Synchronization
import Tokenization
import Workers

/// Compiled forms of answers over the model's vocabulary, cached for requests that ask for the same form again.
final class Structures: Sendable {
    private let model: LoadedModel
    private let kept = Mutex<[(form: StructureForm, structure: Structure)]>([])
    private let words = Mutex<Vocabulary?>(nil)
    /// The cached states of one automaton may take forty megabytes.
    private static let most = 8

    init(_ model: LoadedModel) { self.model = model }

    /// Blocks until the form is compiled; the first call also sorts the vocabulary.
    func structure(_ form: StructureForm) throws(StructureError) -> Structure {
        if let known = kept.withLock({ $0.first { $0.form == form }?.structure }), !known.isLarge { return known }
        let made = try Structure(form, vocabulary)
        kept.withLock { kept in
            kept.removeAll { $0.form == form }
            kept.insert((form, made), at: 0)
            if kept.count > Self.most { kept.removeLast() }
        }
        return made
    }

    private var vocabulary: Vocabulary {
        words.withLock { known in
            if let known { return known }
            let tokenizer = model.tokenizer
            var controls: [Int32: [UInt8]] = [:]
            for control in model.chat.calls?.style.controls ?? [] {
                if let id = tokenizer.id(of: control) { controls[Int32(id)] = ToolCallForm.Style.spelling(ofControl: control) }
            }
            let count = model.model.decoder.configuration.vocabularySize
            let made = Vocabulary(count: count, ends: model.endTokens, controls: controls) { id in
                // Control tokens are no part of an answer's text.
                if tokenizer.specialIDs.contains(id) { return [] }
                if let name = tokenizer.token(for: id), name.hasPrefix("<|"), name.hasSuffix("|>") { return [] }
                return tokenizer.bytes(of: id)
            }
            known = made
            return made
        }
    }
}

extension CallWriting {
    /// The form in which this style writes calls.
    var style: ToolCallForm.Style {
        switch self {
        case .hermes: .hermes
        case .mistral: .mistral
        case .mistralNamed: .mistralNamed
        case .llama: .llama
        case .stepAudio: .stepAudio
        }
    }
}
