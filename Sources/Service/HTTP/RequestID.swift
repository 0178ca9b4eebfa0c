internal import Randomness
internal import Synchronization

/// Ids of requests that bring none of their own: `req_` and 16 hexadecimal digits, those of
///
///     mixed(base + n · step)      for the n-th request of a process, from a random base
///
/// Both steps are one-to-one, so no id comes twice in a process, and none asks the kernel for random bytes.
func newRequestID() -> String {
    let number = StableHash.mixed(position.wrappingAdd(step, ordering: .relaxed).newValue)
    return unsafe String(unsafeUninitializedCapacity: 20) { text in
        for (place, letter) in "req_".utf8.enumerated() { unsafe text[place] = letter }
        for place in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * place)) & 15
            unsafe text[4 + place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
        return 20
    }
}

/// Odd, so that its multiples fill all 64 bits before one comes again.
private let step: UInt64 = 0x9E37_79B9_7F4A_7C15
private let position = Atomic<UInt64>(.random(in: .min ... .max))
