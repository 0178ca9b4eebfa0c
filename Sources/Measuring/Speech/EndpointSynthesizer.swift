import Foundation
package import Remote

/// Speech by an OpenAI-compatible `/v1/audio/speech`.
package struct EndpointSynthesizer: Synthesizer {
    package let endpoint: Endpoint
    package let model: String
    /// Words a minute at the endpoint's speed 1.
    package let normalSpeed: Int

    package init(endpoint: Endpoint, model: String, normalSpeed: Int = 180) {
        self.endpoint = endpoint
        self.model = model
        self.normalSpeed = normalSpeed
    }

    package var fingerprint: String { "\(endpoint.base.absoluteString)\u{1F}\(model)\u{1F}\(normalSpeed)" }

    package func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        struct Request: Encodable {
            let model: String
            let input: String
            let voice: String
            let format: String
            let speed: Double

            enum CodingKeys: String, CodingKey {
                case model, input, voice, speed
                case format = "response_format"
            }
        }
        // The interface allows 0.25 to 4.
        let speed = min(4, max(0.25, Double(voice.speed) / Double(normalSpeed)))
        let body = Request(model: model, input: text, voice: voice.name, format: "wav", speed: speed)
        let audio = try await endpoint.post("audio/speech", json: JSONEncoder().encode(body))
        guard !audio.isEmpty else {
            throw SpeechError.noAudio(source: endpoint.base.absoluteString, text: text, reason: "the answer was empty")
        }
        return [UInt8](audio)
    }
}
