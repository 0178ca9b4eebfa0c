package import API
import Generation
package import JSON
import Models
package import Structure
import Synchronization
import Tokenization
import Workers

/// Forms of answers over the model's vocabulary, made once and kept for those who ask for the same again.
final class Structures: Sendable {
    private let model: LoadedModel
    private let kept = Mutex<[(form: StructureForm, structure: Structure)]>([])
    private let words = Mutex<Vocabulary?>(nil)
    /// What an automaton has learnt may take some megabytes.
    private static let most = 16

    init(_ model: LoadedModel) { self.model = model }

    /// Blocks for as long as the form takes to be understood, and at first the vocabulary to be sorted.
    func structure(_ form: StructureForm) throws(StructureError) -> Structure {
        if let known = kept.withLock({ $0.first { $0.form == form }?.structure }) { return known }
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
            let made = Vocabulary(count: model.model.decoder.configuration.vocabularySize, ends: model.endTokens) { id in
                // Control tokens spell nothing that an answer says.
                if tokenizer.specialIDs.contains(id) { return [] }
                if let name = tokenizer.token(for: id), name.hasPrefix("<|"), name.hasSuffix("|>") { return [] }
                return tokenizer.bytes(of: id)
            }
            known = made
            return made
        }
    }
}

extension Runtime {
    /// The form that a request asks of its answers; nil for any.
    ///
    /// - Parameter body: the request's JSON, whose order of members the answer keeps.
    /// - Throws: ``WorkshopError`` that names the keyword which is not supported.
    package func structure(_ wanted: ChatCompletionRequest, body: JSONValue) async throws -> Structure? {
        let (form, place): (StructureForm, String)
        switch (wanted.responseFormat, wanted.structuredOutputs) {
        case (.text, nil): return nil
        case (.jsonObject, _): (form, place) = (.object, "response_format")
        case (.jsonSchema, _):
            let schema = body["response_format"]?["json_schema"]?["schema"] ?? .boolean(true)
            (form, place) = (.schema(schema), "response_format.json_schema.schema")
        case (.text, .choice(let texts)): (form, place) = (.choice(texts), "structured_outputs.choice")
        case (.text, .regex(let pattern)): (form, place) = (.pattern(pattern), "structured_outputs.regex")
        case (.text, .jsonObject): (form, place) = (.object, "structured_outputs.json_object")
        case (.text, .json(let text)):
            place = "structured_outputs.json"
            guard let text else {
                form = .schema(body["structured_outputs"]?["json"] ?? .boolean(true))
                break
            }
            do { form = .schema(try JSONValue(parsing: text)) } catch {
                throw WorkshopError(.invalidValue, "\(place): expected a JSON schema; \(error).", at: place)
            }
        }
        return try await queues.reading.run { [structures] in
            do { return try structures.structure(form) } catch let error as StructureError {
                throw WorkshopError(.unsupportedForm, "\(place): \(error.description).", at: place)
            }
        }
    }
}
