import API
import Audio
import CordNano
import Foundation
import Generation
import HTTP
import Logging
import Server
import TestSupport
import Workshop

/// A model, most often the embedded one, behind every route; one runtime for all tests that change nothing.
struct Fixture: Sendable {
    static let shared = Result { try Fixture() }

    let state: ServerState
    let runtime: Runtime
    let service: Service

    /// - Parameter model: what answers; nil for what the configuration names.
    init(_ model: LoadedModel? = nil, _ change: (inout ServerConfiguration) -> Void = { _ in }) throws {
        var configuration = ServerConfiguration(ModelSettings(directory: CordNano.directory))
        configuration.model.name = "cord-nano"
        change(&configuration)
        state = ServerState(configuration)
        runtime = try model.map { Runtime(Engine($0)) } ?? state.load()
        state.begin(runtime)
        service = try state.service(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    var memory: MemoryClient { MemoryClient(service) }

    static func spoken(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixtures.appendingPathComponent("spoken/\(name).wav")))
    }

    static func flac(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixtures.appendingPathComponent("qwen2audio/cord-nano/\(name).flac")))
    }
}

extension ClientResponse {
    func json() async throws -> WireValue { try WireValue(json: Data(try await bytes())) }

    /// The `data:` fields of an event stream.
    func events() async throws -> [String] {
        try await text().components(separatedBy: "\n\n").compactMap { event in
            event.hasPrefix("data: ") ? String(event.dropFirst("data: ".count)) : nil
        }
    }
}

extension WireValue {
    subscript(index: Int) -> WireValue? {
        if case .array(let values) = self, values.indices.contains(index) { values[index] } else { nil }
    }

    var text: String? { if case .string(let value) = self { value } else { nil } }
    var count: Int? { if case .array(let values) = self { values.count } else { nil } }
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
