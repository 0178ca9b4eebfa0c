internal import CMicroHTTP
internal import Foundation
internal import Glibc
internal import Logging
internal import Synchronization

// What libmicrohttpd calls, on its own threads. They are functions of the file: a closure could be taken for an actor's.

extension Request {
    init(_ connection: OpaquePointer, method: String, path: String, version: String, peer: String) {
        self.init(method: method, path: path, peer: peer)
        self.version = version
        unsafe withUnsafeMutablePointer(to: &self) { request in
            _ = unsafe MHD_get_connection_values_n(connection, .HEADER_KIND, addHeader, request)
            _ = unsafe MHD_get_connection_values_n(connection, .GET_ARGUMENT_KIND, addArgument, request)
        }
    }
}

private func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
    guard let bytes = unsafe bytes else { return "" }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}

private func addHeader(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ key: UnsafePointer<CChar>?, _ keyCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    unsafe context?.assumingMemoryBound(to: Request.self).pointee.headers.add(
        text(key, keyCount), text(value, valueCount))
    return .YES
}

private func addArgument(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ key: UnsafePointer<CChar>?, _ keyCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    // libmicrohttpd has made spaces of the plus signs; the escapes it left to us.
    let name = unsafe text(key, keyCount)
    let value = unsafe text(value, valueCount)
    unsafe context?.assumingMemoryBound(to: Request.self).pointee.query.add(
        percentDecoded(name, requireUTF8: false) ?? name, percentDecoded(value, requireUTF8: false) ?? value)
    return .YES
}

/// Escapes stay in the path, so that an encoded slash does not become a separator.
func keepEscapes(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?
) -> Int {
    unsafe text.map { unsafe strlen($0) } ?? 0
}

func access(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadCount: UnsafeMutablePointer<Int>?, _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context = unsafe context, let connection = unsafe connection, let url = unsafe url,
        let method = unsafe method, let version = unsafe version, let uploadCount = unsafe uploadCount,
        let exchange = unsafe exchange
    else { return .NO }
    guard let current = unsafe exchange.pointee else {
        let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
        return unsafe core.begin(connection, method: method, target: url, version: version, exchange)
    }
    let running = unsafe Unmanaged<Exchange>.fromOpaque(current).takeUnretainedValue()
    if unsafe uploadCount.pointee > 0 {
        unsafe running.receive(UnsafeRawBufferPointer(start: upload, count: uploadCount.pointee))
        unsafe uploadCount.pointee = 0
        return .YES
    }
    return running.proceed()
}

func completed(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let pointer = unsafe exchange?.pointee else { return }
    unsafe exchange?.pointee = nil
    let ended = unsafe Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    ended.end()
    ended.record.requestID.withLock { $0 = "" }
    ended.record.expect(within: ended.core.service.limits.idleTime.milliseconds, else: .silence)
    ended.core.open.wrappingSubtract(1, ordering: .releasing)
}

func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ record: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ change: MHD_ConnectionNotificationCode
) {
    guard let context = unsafe context, let connection = unsafe connection, let record = unsafe record else { return }
    let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
    if change == .CONNECTION_NOTIFY_STARTED {
        let peer = unsafe cmh_peer(connection).map { unsafe numericAddress($0) } ?? "unknown"
        let opened = core.connections.open(socket: unsafe cmh_socket(connection), peer: peer)
        opened.expect(within: opened.isExcess ? 5000 : core.service.limits.requestTime.milliseconds, else: .timeout)
        unsafe record.pointee = Unmanaged.passRetained(opened).toOpaque()
    } else if let pointer = unsafe record.pointee {
        core.connections.close(unsafe Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeRetainedValue())
        unsafe record.pointee = nil
    }
}

/// The body of a streamed response, as libmicrohttpd asks for it.
final class BodySource {
    fileprivate let exchange: Exchange
    fileprivate let pipe: BytePipe?

    init(_ exchange: Exchange, _ pipe: BytePipe?) {
        self.exchange = exchange
        self.pipe = pipe
    }
}

func streamedResponse(_ source: BodySource, _ headers: Headers) -> OpaquePointer? {
    let retained = unsafe Unmanaged.passRetained(source)
    guard let handle = unsafe MHD_create_response_from_callback(.max, 32 << 10, readBody, retained.toOpaque(), freeBody)
    else {
        unsafe retained.release()
        return nil
    }
    guard unsafe addHeaders(headers, to: handle) else {
        unsafe MHD_destroy_response(handle)
        return nil
    }
    return unsafe handle
}

private func readBody(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ target: UnsafeMutablePointer<CChar>?, _ room: Int
) -> Int {
    let endOfStream = -1
    let endWithError = -2
    guard let context = unsafe context else { return endWithError }
    let source = unsafe Unmanaged<BodySource>.fromOpaque(context).takeUnretainedValue()
    guard let pipe = source.pipe else { return endOfStream }
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: target, count: room)
    switch unsafe pipe.read(into: buffer, whenEmpty: { source.exchange.suspendForBytes() }) {
    case .bytes(let count): return count
    case .empty: return 0
    case .end: return endOfStream
    case .failed:
        source.exchange.breakOff()
        return endWithError
    }
}

private func freeBody(_ context: UnsafeMutableRawPointer?) {
    if let context = unsafe context { unsafe Unmanaged<BodySource>.fromOpaque(context).release() }
}

func log(_ context: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?) {
    guard let context = unsafe context, let arguments = unsafe arguments else { return }
    var buffer = [CChar](repeating: 0, count: 512)
    _ = unsafe cmh_format(&buffer, 512, format, arguments)
    let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
    core.lastWords.withLock { $0 = words }
    core.service.logger.debug("libmicrohttpd: \(words)")
}
