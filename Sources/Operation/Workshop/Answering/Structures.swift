package import API
import Foundation
import Generation
import JSON
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
    /// What an automaton has learnt may take forty megabytes.
    private static let most = 8

    init(_ model: LoadedModel) { self.model = model }

    /// Blocks for as long as the form takes to be understood, and at first the vocabulary to be sorted.
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
    /// - Parameters:
    ///   - body: the request's JSON, whose order of members the answer keeps. Only where there is a form it is read for that.
    ///   - path: the member of the request that holds the schema of `format`.
    /// - Throws: ``WorkshopError`` that names the keyword which is not supported.
    package func structure(
        _ format: ResponseFormat, _ outputs: StructuredOutputs? = nil, body: [UInt8], path: [String] = ["response_format", "json_schema", "schema"]
    ) async throws -> Structure? {
        if format == .text, outputs == nil { return nil }
        return try await queues.reading.run { [structures] in
            let (form, place) = try Self.form(format, outputs, body: body, path: path)
            do { return try structures.structure(form) } catch let error as StructureError {
                throw WorkshopError(.unsupportedForm, "\(place): \(error.description).", at: place)
            }
        }
    }

    private static func form(
        _ format: ResponseFormat, _ outputs: StructuredOutputs?, body: [UInt8], path: [String]
    ) throws -> (StructureForm, place: String) {
        func schema(_ path: [String]) throws -> JSONValue {
            do {
                let whole = try JSONValue(parsing: Data(body))
                return path.reduce(whole) { $0[$1] ?? .boolean(true) }
            } catch {
                throw WorkshopError(.invalidValue, "Expected JSON; \(error).", at: path.joined(separator: "."))
            }
        }
        switch (format, outputs) {
        case (.jsonSchema, _): return (.schema(try schema(path)), path.joined(separator: "."))
        case (.text, .choice(let texts)): return (.choice(texts), "structured_outputs.choice")
        case (.text, .regex(let pattern)): return (.pattern(pattern), "structured_outputs.regex")
        case (.text, .json(let written)):
            let place = "structured_outputs.json"
            guard case .string(let text) = written else { return (.schema(try schema(["structured_outputs", "json"])), place) }
            do { return (.schema(try JSONValue(parsing: text)), place) } catch {
                throw WorkshopError(.invalidValue, "\(place): expected a JSON schema; \(error).", at: place)
            }
        case (.jsonObject, _), (.text, .jsonObject), (.text, nil): return (.object, path[0])
        }
    }
}
