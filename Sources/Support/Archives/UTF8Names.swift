import CArchive

/// Runs `body`. Meanwhile libarchive reads this thread's names as UTF-8, independent of the process's locale.
func withUTF8Names<Value>(_ body: () throws -> Value) rethrows -> Value {
    let before = unsafe ca_speak_utf8()
    defer { unsafe ca_speak_as_before(before) }
    return try body()
}
