import Models

extension LoadedModel {
    /// What was recognised, in a line: family, parts with their sizes, width, layers, context, the longest clip, and what was passed over.
    package var summary: String {
        let sizes = Dictionary(grouping: model.parameters, by: \.part).mapValues { $0.reduce(0) { $0 + $1.shape.reduce(1, *) } }
        let parts = Parameter.Part.allCases.reversed().compactMap { part in sizes[part].map { "\(part.rawValue) \(Self.millions($0))" } }
        let decoder = model.decoder.configuration
        var words = [
            "\(model.family.rawValue), \(Self.millions(parameterCount)) parameters in \(precision.rawValue)", parts.joined(separator: ", "),
            "width \(decoder.hiddenSize), \(decoder.layers.count) layers, context \(model.contextLength)",
            model.audio.map { "clips of up to \(Int($0.longestSeconds)) s" } ?? "text alone",
        ]
        if !model.passedOver.isEmpty {
            words.append("tensors passed over: " + model.passedOver.map { "\($0.module) \($0.count)" }.joined(separator: ", "))
        }
        return words.joined(separator: "; ")
    }

    private static func millions(_ count: Int) -> String { "\((Double(count) / 1e5).rounded() / 10) M" }
}
