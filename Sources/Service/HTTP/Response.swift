internal import CMicroHTTP

/// A handler's response: a status, header fields and a body, which is complete or produced while it is sent.
package struct Response: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Runs in the handler's task after the head was sent. Writing suspends while the client reads slowly, and throws `CancellationError` if it
        /// has gone. Throwing any error breaks the connection, so that the client cannot take a partial body for the whole.
        case stream(@Sendable (BytePipe) async throws -> Void)
    }

    package var status: Int
    package var headers: Headers
    package var body: Body

    package init(status: Int = 200, headers: Headers = Headers(), body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(status: Int = 200, contentType: String, bytes: [UInt8], headers: Headers = Headers()) {
        self.init(status: status, headers: headers, body: .bytes(bytes))
        self.headers["content-type"] = contentType
    }

    /// Bytes that are JSON already.
    package static func json(_ bytes: some Sequence<UInt8>, status: Int = 200, headers: Headers = Headers()) -> Response {
        Response(status: status, contentType: "application/json", bytes: Array(bytes), headers: headers)
    }

    package static func text(_ text: String, contentType: String = "text/plain; charset=utf-8", status: Int = 200)
        -> Response
    {
        Response(status: status, contentType: contentType, bytes: Array(text.utf8))
    }

    package static func stream(
        contentType: String, status: Int = 200, headers: Headers = Headers(),
        _ produce: @escaping @Sendable (BytePipe) async throws -> Void
    ) -> Response {
        var response = Response(status: status, headers: headers, body: .stream(produce))
        response.headers["content-type"] = contentType
        return response
    }
}

/// A C response with a copy of the bytes; `nil` if memory is short or a header cannot be sent.
func wholeResponse(_ bytes: [UInt8], _ headers: Headers) -> OpaquePointer? {
    let created = unsafe bytes.withUnsafeBytes { buffer in
        unsafe MHD_create_response_from_buffer(
            buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let handle = unsafe created else { return nil }
    guard unsafe addHeaders(headers, to: handle) else {
        unsafe MHD_destroy_response(handle)
        return nil
    }
    return unsafe handle
}

/// Whether every field could be added. libmicrohttpd refuses fields with line breaks. Empty ones are left out.
func addHeaders(_ headers: Headers, to handle: OpaquePointer) -> Bool {
    headers.fields.allSatisfy { field in
        unsafe field.value.isEmpty || MHD_add_response_header(handle, field.name, field.value) == .YES
    }
}
