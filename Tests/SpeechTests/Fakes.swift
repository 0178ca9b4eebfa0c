import Audio
import Foundation
import Speech
import Synchronization

/// A synthesiser that hums: the text decides the length, the voice's pitch the note.
final class Humming: Synthesizer {
    private let count = Mutex(0)
    private let running = Mutex((now: 0, most: 0))

    var calls: Int { count.withLock { $0 } }
    var mostAtOnce: Int { running.withLock { $0.most } }
    var fingerprint: String { "humming" }

    func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        count.withLock { $0 += 1 }
        running.withLock { state in
            state.now += 1
            state.most = max(state.most, state.now)
        }
        defer { running.withLock { $0.now -= 1 } }
        try await Task.sleep(for: .milliseconds(2))
        let samples = (0..<text.count * 400).map { 0.4 * sin(Float($0) * Float(voice.pitch) / 200) }
        return WAVWriter.bytes(samples)
    }
}

/// A folder that goes away with the value.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("speech-tests-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// An executable shell script of the tests.
    func script(_ name: String, _ body: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data("#!/bin/sh\n\(body)\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return file.path
    }

    func store(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        return file.path
    }
}
