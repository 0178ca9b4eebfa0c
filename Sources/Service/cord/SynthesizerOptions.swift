import ArgumentParser
import Files
import Foundation
import Remote
import Speech

/// Who speaks: espeak-ng, another command, or an endpoint.
struct SynthesizerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A command that speaks, instead of espeak-ng. {voice}, {speed}, {stretch} and {pitch} stand for the voice, {text_file} for a file with the text (without it: standard input), {output} for the file to write (without it: standard output).",
            valueName: "command"))
    var synthesizer: String?
    @Option(
        help: ArgumentHelp(
            "An OpenAI-compatible server that speaks, by its address with the version prefix. CORD_API_KEY is its key.", valueName: "url"))
    var synthesizerEndpoint: String?
    @Option(help: ArgumentHelp("The model's name at the endpoint.", valueName: "name")) var synthesizerModel: String?

    var isGiven: Bool { synthesizer != nil || synthesizerEndpoint != nil }

    func validate() throws {
        if synthesizer != nil, synthesizerEndpoint != nil { throw ValidationError("Give either --synthesizer or --synthesizer-endpoint.") }
        if (synthesizerEndpoint == nil) != (synthesizerModel == nil) {
            throw ValidationError("--synthesizer-endpoint and --synthesizer-model belong together.")
        }
        if let synthesizer, CommandWords.split(synthesizer).isEmpty { throw ValidationError("--synthesizer: the command is empty.") }
    }

    func make() throws -> any Synthesizer {
        if let synthesizerEndpoint, let synthesizerModel {
            guard let base = URL(string: synthesizerEndpoint), ["http", "https"].contains(base.scheme), base.host != nil else {
                throw ValidationError("--synthesizer-endpoint: expected an http or https address, found \(synthesizerEndpoint).")
            }
            let key = ProcessInfo.processInfo.environment["CORD_API_KEY"]
            return EndpointSynthesizer(endpoint: Endpoint(base: base, key: key), model: synthesizerModel)
        }
        guard let synthesizer else { return try CommandSynthesizer() }
        let words = CommandWords.split(synthesizer)
        return try CommandSynthesizer(command: words[0], arguments: Array(words.dropFirst()))
    }
}

/// What happens to the clean speech, each drawn from a range by the seed.
struct SpeechConditions: ParsableArguments {
    @Option(help: ArgumentHelp("White noise, by its signal-to-noise ratio.", valueName: "dB,dB")) var noise: String?
    @Option(help: ArgumentHelp("A factor of speed, from 0.25 to 4; pitch moves along.", valueName: "factor,factor")) var tempo: String?
    @Option(help: ArgumentHelp("A change of loudness; what passes full scale is clipped.", valueName: "dB,dB")) var gain: String?
    @Option(help: ArgumentHelp("Silence before the speech and behind it, from 0 to 60 s.", valueName: "s,s")) var silence: String?
    @Flag(help: "Lose what lies above 4 kHz.") var telephone = false
    @Option(help: ArgumentHelp("A room's echo: seconds in which it falls by 60 dB, from 0.05 to 5.", valueName: "s,s")) var room: String?

    func validate() throws { _ = try augmentation() }

    func augmentation() throws -> Augmentation {
        Augmentation(
            noise: try noise.map { try range($0, "--noise", in: -60...200) },
            speed: try tempo.map { try range($0, "--tempo", in: 0.25...4) } ?? 1...1,
            gain: try gain.map { try range($0, "--gain", in: -120...120) } ?? 0...0,
            silence: try silence.map { try range($0, "--silence", in: 0...60) } ?? 0...0, telephone: telephone,
            room: try room.map { try range($0, "--room", in: 0.05...5) })
    }

    /// `LOW,HIGH`, or one number for both.
    private func range(_ text: String, _ option: String, in bounds: ClosedRange<Double>) throws -> ClosedRange<Double> {
        let ends = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1], low <= high,
            bounds.contains(low), bounds.contains(high)
        else {
            throw ValidationError("\(option): expected LOW,HIGH or one number, from \(bounds.lowerBound) to \(bounds.upperBound), found \(text).")
        }
        return low...high
    }
}

extension Voice {
    /// `NAME`, `NAME:WORDS_A_MINUTE` or `NAME:WORDS_A_MINUTE:PITCH`.
    init(written text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let speed = parts.count > 1 ? Int(parts[1]) : 175
        let pitch = parts.count > 2 ? Int(parts[2]) : 50
        guard parts.count <= 3, !parts[0].isEmpty, let speed, let pitch, (20...1000).contains(speed), (0...99).contains(pitch) else {
            throw ValidationError("--voice: expected NAME, NAME:WORDS_A_MINUTE (20 to 1000) or NAME:WORDS_A_MINUTE:PITCH (0 to 99), found \(text).")
        }
        self.init(name: parts[0], speed: speed, pitch: pitch)
    }
}
