/// A way of speaking: which synthesiser voice, how fast, how high.
package struct Voice: Sendable, Codable, Equatable {
    /// The name by which sets and reports refer to it.
    package let id: String
    /// The synthesiser's own name, such as `en-us+f3` of espeak-ng or `alloy` of an endpoint.
    package let name: String
    /// Words a minute.
    package let speed: Int
    /// 0–99, 50 in the middle.
    package let pitch: Int

    package init(id: String? = nil, name: String, speed: Int = 220, pitch: Int = 50) {
        self.id = id ?? "\(name)-\(speed)-\(pitch)"
        self.name = name
        self.speed = speed
        self.pitch = pitch
    }

    /// The voices of training clips.
    package static let training = [
        Voice(name: "en-us", speed: 200), Voice(name: "en-us+m1", speed: 230, pitch: 40),
        Voice(name: "en-us+m3", speed: 215, pitch: 55), Voice(name: "en-us+f1", speed: 240),
        Voice(name: "en-us+f3", speed: 205, pitch: 60), Voice(name: "en-gb", speed: 220),
        Voice(name: "en-gb+m2", speed: 245, pitch: 45), Voice(name: "en-gb+f4", speed: 210, pitch: 55),
        Voice(name: "en-gb-x-rp", speed: 225), Voice(name: "en-gb-scotland+f5", speed: 200, pitch: 50),
    ]

    /// The voices that are used only for measuring: other variants, other speeds.
    package static let heldOut = [
        Voice(name: "en-us+f2", speed: 215, pitch: 45), Voice(name: "en-gb+m4", speed: 235, pitch: 55),
        Voice(name: "en-us+m7", speed: 225, pitch: 40), Voice(name: "en-gb-scotland", speed: 205),
    ]

    /// Many speakers of espeak-ng: every accent with every variant, none of ``heldOut`` among them.
    package static let varied: [Voice] = {
        let variants = ["m1", "m2", "m3", "m5", "m6", "m8", "f1", "f3", "f4", "f5"]
        let names = accents.flatMap { accent in variants.map { "\(accent)+\($0)" } }
        // Strides that are coprime to the ranges spread speed and pitch over the names.
        return names.enumerated().map { index, name in
            Voice(name: name, speed: 190 + 5 * (index * 7 % 12), pitch: 35 + 5 * (index * 3 % 7))
        }
    }()

    /// Anyone: espeak-ng's variants from slow to fast, flite and festival, for ``Chorus``. Nobody of ``heldOut``, and not slt, whom
    /// flite and festival share, is among them.
    package static let anyone: [Voice] = {
        let variants = [
            "m1", "m2", "m3", "m5", "m6", "m8", "f1", "f3", "f4", "f5", "croak", "klatt", "klatt2", "klatt3", "whisper", "Annie", "steph",
            "linda", "Denis", "adam", "Michael", "belinda", "iven", "norbert",
        ]
        let names = accents.flatMap { accent in variants.map { "\(accent)+\($0)" } }
        let espeak = names.enumerated().map { index, name in
            Voice(name: name, speed: 120 + 5 * (index * 11 % 29), pitch: 25 + 5 * (index * 3 % 11))
        }
        let flite = ["kal16", "awb", "rms"].flatMap { name in (0..<26).map { Voice(name: "flite:\(name)", speed: 130 + 4 * $0) } }
        let festival = ["kal_diphone", "ked_diphone"].flatMap { name in (0..<22).map { Voice(name: "festival:\(name)", speed: 130 + 4 * $0) } }
        return espeak + flite + festival
    }()

    private static let accents = [
        "en-us", "en-us-nyc", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029",
    ]
}
