import Audio
import Hashing
import Files
package import Foundation

/// Spoken texts on disk, found by what was said and how:
///
///     SHA-256(fingerprint of the synthesiser, voice, speed, pitch, text)  →  16-bit WAV, mono, 16 kHz
///
/// Files appear whole or not at all, so an interrupted run goes on where it stopped, and several runs may share a folder.
package struct SpeechCache: Sendable {
    package let folder: URL

    /// Throws ``SpeechError/fileSystem(path:reason:)`` where the folder cannot be made.
    package init(folder: URL) throws {
        self.folder = folder
        try SpeechFiles.makeFolder(folder)
    }

    func key(text: String, voice: Voice, fingerprint: String) -> String {
        // Fields are measured, so that no two different lists of them read the same.
        let fields = [fingerprint, voice.name, String(voice.speed), String(voice.pitch), text]
        return SHA256.hex(fields.flatMap { Array("\($0.utf8.count):\($0)".utf8) })
    }

    private func file(_ key: String) -> URL {
        folder.appendingPathComponent(String(key.prefix(2))).appendingPathComponent(key + ".wav")
    }

    /// The clip of a key; nil if there is none, or where the file is damaged and must be made again.
    func clip(_ key: String) -> AudioClip? {
        guard let bytes = try? Data(contentsOf: file(key)) else { return nil }
        return try? AudioDecoder.decode([UInt8](bytes), limits: AudioLimits(maxSeconds: 600))
    }

    func store(_ clip: AudioClip, _ key: String) throws {
        let file = file(key)
        try SpeechFiles.makeFolder(file.deletingLastPathComponent())
        try SpeechFiles.write(WAVWriter.bytes(clip.samples), to: file)
    }
}

/// Writes that name the path where they fail.
enum SpeechFiles {
    static func makeFolder(_ folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw SpeechError.fileSystem(path: folder.path, reason: FileError.reason(error))
        }
    }

    /// The file appears whole or not at all.
    static func write(_ bytes: [UInt8], to file: URL) throws {
        do {
            try Data(bytes).write(to: file, options: .atomic)
        } catch {
            throw SpeechError.fileSystem(path: file.path, reason: FileError.reason(error))
        }
    }
}
