import Audio
import Foundation
import Speech
import Testing

@Suite struct CommandSynthesizerTests {
    private let voice = Voice(name: "en-us+f3", speed: 240, pitch: 60)

    @Test func aMissingCommandSaysHowToInstallIt() {
        let error = #expect(throws: SpeechError.self) {
            try CommandSynthesizer(command: "no-such-synthesiser-anywhere")
        }
        #expect(error == .commandMissing(command: "no-such-synthesiser-anywhere"))
        #expect(SpeechError.commandMissing(command: "espeak-ng").description.contains("apt-get install espeak-ng"))
    }

    @Test func textReachesStandardInputUnharmed() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script(
            "echo-text", "cat > \"$0.heard\"; printf '%s|' \"$@\" >> \"$0.heard\"; echo audio")
        let synthesizer = try CommandSynthesizer(command: script, arguments: ["{voice}", "{speed}", "{pitch}"])
        let text = "-x; rm -rf $HOME `id` \"quoted\" 'single' {voice} é\n"
        let bytes = try await synthesizer.speak(text, voice: voice)
        #expect(bytes == Array("audio\n".utf8))
        #expect(try String(contentsOfFile: script + ".heard", encoding: .utf8) == text + "en-us+f3|240|60|")
    }

    @Test func durationsStretchAsTheSpeedFalls() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("stretch", "echo \"$1\"")
        let synthesizer = try CommandSynthesizer(command: script, arguments: ["{stretch}"])
        #expect(try await synthesizer.speak("hello", voice: Voice(name: "rms", speed: 140)) == Array("1.25\n".utf8))
    }

    @Test func aChorusGivesEachVoiceToItsEngine() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("who", "echo \"$1 $2\"")
        let engines = ["espeak", "flite"].map { ($0, try! CommandSynthesizer(command: script, arguments: [$0, "{voice}"])) }
        let chorus = Chorus(engines: Dictionary(uniqueKeysWithValues: engines))
        #expect(try await chorus.speak("hello", voice: Voice(name: "en-us+f3")) == Array("espeak en-us+f3\n".utf8))
        #expect(try await chorus.speak("hello", voice: Voice(name: "flite:rms")) == Array("flite rms\n".utf8))
        let error = await #expect(throws: SpeechError.self) { try await chorus.speak("hello", voice: Voice(name: "mbrola:us1")) }
        #expect(error?.description.contains("known are espeak, flite") == true)
    }

    @Test func anyoneIsNobodyWhoIsMeasuredWith() {
        let measured = Set(Voice.heldOut.map(\.name))
        #expect(Voice.anyone.allSatisfy { !measured.contains($0.name) && !$0.name.contains("slt") })
        #expect(Set(Voice.anyone.map(\.id)).count == Voice.anyone.count)
        #expect(
            Set(Voice.anyone.map { $0.name.split(separator: ":").count == 2 ? String($0.name.split(separator: ":")[0]) : "espeak" }) == [
                "espeak", "flite", "festival",
            ])
    }

    @Test func textAndAudioMayBeFiles() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("copy", "cp \"$1\" \"$2\"")
        let synthesizer = try CommandSynthesizer(command: script, arguments: ["{text_file}", "{output}"])
        #expect(try await synthesizer.speak("hello", voice: voice) == Array("hello".utf8))
    }

    @Test func muchOutputOnBothChannelsDoesNotBlock() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("loud", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")
        let synthesizer = try CommandSynthesizer(command: script, arguments: [])
        #expect(try await synthesizer.speak("hello", voice: voice).count == 3_000_000)
    }

    @Test func aFailingCommandIsReportedWithItsMessage() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("fail", "echo 'no such voice' >&2; exit 3")
        let synthesizer = try CommandSynthesizer(command: script, arguments: [])
        await #expect(throws: SpeechError.commandFailed(command: script, status: 3, message: "no such voice")) {
            try await synthesizer.speak("hello", voice: voice)
        }
    }

    @Test func aHangingCommandIsStopped() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("hang", "trap '' TERM; exec sleep 60")
        let synthesizer = try CommandSynthesizer(command: script, arguments: [], timeout: 0.3)
        let start = ContinuousClock.now
        await #expect(throws: SpeechError.commandTimedOut(command: script, seconds: 0.3)) {
            try await synthesizer.speak("hello", voice: voice)
        }
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func aCancelledTaskStopsItsCommand() async throws {
        let folder = try TemporaryFolder()
        let script = try folder.script("hang", "exec sleep 60")
        let synthesizer = try CommandSynthesizer(command: script, arguments: [])
        let start = ContinuousClock.now
        let task = Task { try await synthesizer.speak("hello", voice: voice) }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func silenceAndNoiseThatIsNoAudioAreRefused() async throws {
        let folder = try TemporaryFolder()
        let silence = try folder.store(WAVWriter.bytes([Float](repeating: 0, count: 16_000)), "silence.wav")
        for source in ["cat \(silence)", "echo not a sound file"] {
            let script = try folder.script("speak", source)
            let speaker = Speaker(synthesizer: try CommandSynthesizer(command: script, arguments: []))
            await #expect(throws: SpeechError.self) { try await speaker.clip("hello", voice: voice) }
        }
    }

    /// Needs the default command; elsewhere there is nothing to ask.
    @Test(.enabled(if: (try? CommandSynthesizer()) != nil))
    func theDefaultCommandSpeaks() async throws {
        let speaker = Speaker(synthesizer: try CommandSynthesizer())
        for voice in Voice.training + Voice.heldOut {
            let clip = try await speaker.clip("Tom has 12 apples. How many apples are there now?", voice: voice)
            #expect((1.5...6).contains(clip.seconds), "\(voice.id): \(clip.seconds) s")
        }
    }
}
