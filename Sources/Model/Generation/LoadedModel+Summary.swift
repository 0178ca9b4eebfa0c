import Foundation
import Models
import Tokenization
import Weights

extension LoadedModel {
    /// A one-line description: family, parts with their sizes, width, layers, context, the longest clip, and what was ignored.
    package var summary: String {
        let sizes = Dictionary(grouping: model.parameters, by: \.part).mapValues { $0.reduce(0) { $0 + $1.shape.reduce(1, *) } }
        let parts = Parameter.Part.allCases.reversed().compactMap { part in sizes[part].map { "\(part.rawValue) \(Self.millions($0))" } }
        let decoder = model.decoder.configuration
        var words = [
            "\(model.type), \(Self.millions(parameterCount)) parameters in \(dtype)", parts.joined(separator: ", "),
            "width \(decoder.hiddenSize), \(decoder.layers.count) layers, context \(model.contextLength)",
            model.audio.map { "clips of up to \(Int($0.longestSeconds)) s, \(Self.tenths(1 / $0.secondsPerToken)) tokens a second" } ?? "text alone",
        ]
        if let experts = decoder.layers.first?.experts { words.append("\(experts.chosen) of \(experts.count) experts a token in each layer") }
        if !model.passedOver.isEmpty {
            words.append("tensors passed over: " + model.passedOver.map { "\($0.module) \($0.count)" }.joined(separator: ", "))
        }
        if !self.parts.isEmpty { words.append("parts from " + self.parts.map(\.path).joined(separator: ", ")) }
        if !files.isEmpty { words.append("\(formats) from " + files.map(Self.sized).joined(separator: ", ")) }
        if let deafness { words.append("spoken questions will be refused: \(deafness)") }
        return words.joined(separator: "; ")
    }

    /// Why conversations cannot contain clips; nil if they can, or if the chat format requires more than a clip alone.
    private var deafness: (any Error)? {
        guard model.audio != nil else { return nil }
        do {
            let found = try known(try chat.encode([TemplateMessage(role: "user", parts: [.audio])])).count { $0 == placeholder }
            return found == 1 ? nil : TemplateError.placeholders(found: found, clips: 1)
        } catch TemplateError.refused {
            return nil
        } catch { return error }
    }

    /// The number of tensors in each format.
    private var formats: String {
        let counts = Dictionary(grouping: stored.values, by: \.dtype.name).mapValues(\.count)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    private static func sized(_ file: (url: URL, byteCount: Int)) -> String {
        "\(file.url.lastPathComponent) (\(tenths(Double(file.byteCount) / 1e6)) MB)"
    }

    private static func millions(_ count: Int) -> String { tenths(Double(count) / 1e6) + " M" }

    private static func tenths(_ number: Double) -> String { "\((10 * number).rounded() / 10)" }
}
