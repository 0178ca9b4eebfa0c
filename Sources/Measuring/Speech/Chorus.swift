/// Several synthesisers as one: a voice's name begins with its engine's, as `flite:rms`; without one it is espeak-ng's.
package struct Chorus: Synthesizer {
    private let engines: [String: any Synthesizer]

    /// espeak-ng, flite and festival, from Debian's packages of these names and festvox-kallpc16k and festvox-kdlpc16k.
    ///
    /// Throws ``SpeechError/commandMissing(command:)`` where one of the commands cannot be found.
    package init() throws(SpeechError) {
        self.init(engines: [
            "espeak": try CommandSynthesizer(),
            "flite": try CommandSynthesizer(
                command: "flite",
                arguments: ["-voice", "{voice}", "--setf", "duration_stretch={stretch}", "-f", "{text_file}", "-o", "{output}"]),
            "festival": try CommandSynthesizer(
                command: "text2wave",
                arguments: [
                    "-eval", "(voice_{voice})", "-eval", "(Parameter.set 'Duration_Stretch {stretch})", "-o", "{output}", "{text_file}",
                ]),
        ])
    }

    package init(engines: [String: any Synthesizer]) { self.engines = engines }

    package var fingerprint: String {
        engines.sorted { $0.key < $1.key }.map { "\($0.key)\u{1F}\($0.value.fingerprint)" }.joined(separator: "\u{1E}")
    }

    package func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        let parts = voice.name.split(separator: ":", maxSplits: 1).map(String.init)
        let (engine, name) = parts.count == 2 ? (parts[0], parts[1]) : ("espeak", voice.name)
        guard let synthesizer = engines[engine] else {
            let known = engines.keys.sorted().joined(separator: ", ")
            throw SpeechError.noAudio(source: "'\(voice.name)'", text: text, reason: "there is no engine of that name; known are \(known)")
        }
        return try await synthesizer.speak(text, voice: Voice(id: voice.id, name: name, speed: voice.speed, pitch: voice.pitch))
    }
}
