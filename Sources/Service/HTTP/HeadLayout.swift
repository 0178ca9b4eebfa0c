internal import CMicroHTTP
internal import Glibc

/// Whether the head of a request stood in the buffer as RFC 9112 writes it, told by where libmicrohttpd found its parts.
///
///     method ␣ target ␣ HTTP/1.1 CR LF name : ␣ value CR LF … name : ␣ value CR LF CR LF
///                                      └ next          └ next = value's end + 2      └ the head's end
///
/// libmicrohttpd before 1.0 ends a line at a bare LF, glues folded lines together, lets a zero byte end a value, and skips spaces
/// in the request line; it then hands on what it made of them. Its strings lie where the bytes arrived, though. Each part must
/// begin where the one before it ends plus the separator's length, or other bytes were there. Version 1.0 refuses all that by
/// itself, and leaves another layout.
///
/// Of the bytes themselves it checks what both versions let pass: names are tokens, nothing holds a control character.
struct HeadLayout {
    /// What is wrong with the head; `nil` where it is sound.
    private(set) var fault: String?
    /// Whether the head declares a body, in whatever way.
    private(set) var declaresBody = false
    private(set) var hosts = 0
    /// The address at which the next part has to begin.
    private var next: Int
    private let checksPlaces = cmh_reads_leniently() != 0

    /// - Parameter target: Without the query, as the callback gets it.
    init(
        _ connection: OpaquePointer, method: UnsafePointer<CChar>, target: UnsafePointer<CChar>, version: UnsafePointer<CChar>
    ) {
        let method = unsafe UnsafeBufferPointer(start: method, count: strlen(method))
        let target = unsafe UnsafeBufferPointer(start: target, count: strlen(target))
        let start = Int(bitPattern: method.baseAddress)
        let versionStart = Int(bitPattern: version)
        next = start + method.count + 1
        if unsafe !isToken(method) { fault = "its method is no token" }
        if unsafe target.contains(where: isControl) { fault = "its target holds a control character" }
        if Int(bitPattern: target.baseAddress) != next { misplaced("its first line has more than one space between its parts") }
        next += target.count + 1
        unsafe withUnsafeMutablePointer(to: &self) { layout in
            _ = unsafe MHD_get_connection_values_n(connection, .GET_ARGUMENT_KIND, checkArgument, layout)
        }
        // A separator at the query's end has no argument behind it.
        if next != versionStart && next + 1 != versionStart { misplaced("its target holds a zero byte") }
        next = versionStart + "HTTP/1.1".utf8.count + 2
        unsafe withUnsafeMutablePointer(to: &self) { layout in
            _ = unsafe MHD_get_connection_values_n(connection, .HEADER_KIND, checkField, layout)
        }
        if unsafe next + 2 != start + cmh_head_size(connection) { misplaced(Self.brokenLine) }
    }

    private static let brokenLine = "a line is folded, ends without CR LF, or holds a zero byte"

    private mutating func misplaced(_ reason: String) {
        if checksPlaces && fault == nil { fault = reason }
    }

    /// An argument of the query. The question mark, the ampersands and the equals signs have become zero bytes.
    fileprivate mutating func argument(_ key: UnsafeBufferPointer<CChar>, _ value: UnsafeBufferPointer<CChar>) {
        if Int(bitPattern: key.baseAddress) != next { misplaced("its target holds a zero byte") }
        next += key.count + 1
        if unsafe value.baseAddress != nil { next += value.count + 1 }
        if unsafe key.contains(where: isControl) || value.contains(where: isControl) {
            fault = fault ?? "its query holds a control character"
        }
    }

    fileprivate mutating func field(_ name: UnsafeBufferPointer<CChar>, _ value: UnsafeBufferPointer<CChar>) {
        let (start, valueStart) = (Int(bitPattern: name.baseAddress), Int(bitPattern: value.baseAddress))
        if start != next || valueStart <= start + name.count { misplaced(Self.brokenLine) }
        next = valueStart + value.count + 2
        if unsafe !isToken(name) {
            fault =
                fault ?? "the name of a field is no token: no line begins with a space, and none stands before a colon"
        }
        if unsafe value.contains(where: { isControl($0) && $0 != 9 }) { fault = fault ?? "a field holds a control character" }
        switch name.count {
        case 4: if unsafe isEqual(name, "host") { hosts += 1 }
        case 14: if unsafe isEqual(name, "content-length") { declaresBody = true }
        case 17: if unsafe isEqual(name, "transfer-encoding") { declaresBody = true }
        default: break
        }
    }
}

/// Whether a name is `wanted`, which is in small letters. The bit that tells them from capitals is set in the hyphen.
private func isEqual(_ name: UnsafeBufferPointer<CChar>, _ wanted: StaticString) -> Bool {
    unsafe zip(name, UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount)).allSatisfy {
        UInt8(bitPattern: $0) | 0x20 == $1
    }
}

private func isControl(_ byte: CChar) -> Bool { (0..<0x20).contains(byte) || byte == 0x7F }

/// RFC 9110, 5.6.2.
private func isToken(_ text: UnsafeBufferPointer<CChar>) -> Bool {
    unsafe !text.isEmpty
        && text.allSatisfy { byte in
            switch UInt8(bitPattern: byte) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case let other: "-_!#$%&'*+.^`|~".utf8.contains(other)
            }
        }
}

private func checkArgument(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ key: UnsafePointer<CChar>?, _ keyCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    unsafe context?.assumingMemoryBound(to: HeadLayout.self).pointee.argument(
        UnsafeBufferPointer(start: key, count: keyCount),
        UnsafeBufferPointer(start: value, count: value == nil ? 0 : valueCount))
    return .YES
}

private func checkField(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    unsafe context?.assumingMemoryBound(to: HeadLayout.self).pointee.field(
        UnsafeBufferPointer(start: name, count: nameCount),
        UnsafeBufferPointer(start: value, count: value == nil ? 0 : valueCount))
    return .YES
}
