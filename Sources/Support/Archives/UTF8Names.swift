import CArchive

/// Runs `body`; meanwhile libarchive takes this thread's names for UTF-8, whatever the process's locale says.
func withUTF8Names<Value>(_ body: () throws -> Value) rethrows -> Value {
    let before = unsafe ca_speak_utf8()
    defer { unsafe ca_speak_as_before(before) }
    return try body()
}
