import CSoxr

/// Band-limited resampling of a mono stream to 16 kHz by libsoxr at its HQ setting (20-bit precision), the numbers of
/// `librosa.resample(res_type="soxr_hq")`.
///
/// The value owns the C handle. Feed it blocks with ``append(_:count:to:)``, then call ``finish(_:)`` once.
@safe struct Resampler: ~Copyable {
    private let handle: soxr_t?
    private let ratio: Double
    private var consumed = 0

    /// Nil handle and a plain copy when the source is at 16 kHz already.
    init(sourceRate: Int) throws(AudioError) {
        ratio = Double(AudioClip.sampleRate) / Double(sourceRate)
        guard sourceRate != AudioClip.sampleRate else {
            unsafe handle = nil
            return
        }
        var format = unsafe soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
        var quality = unsafe soxr_quality_spec(UInt(SOXR_HQ), 0)
        var failure: soxr_error_t?
        let created = unsafe soxr_create(
            Double(sourceRate), Double(AudioClip.sampleRate), 1, &failure, &format, &quality, nil)
        guard let created = unsafe created, unsafe failure == nil else {
            throw .undecodable(
                format: "\(sourceRate) Hz audio",
                reason: unsafe failure.map { unsafe String(cString: $0) } ?? "no memory")
        }
        unsafe handle = unsafe created
    }

    deinit { unsafe soxr_delete(handle) }

    /// Resamples the first `count` samples of `block` onto the end of `output`.
    mutating func append(_ block: [Float], count: Int, to output: inout [Float]) {
        consumed += count
        guard let handle = unsafe handle else {
            output.append(contentsOf: block[..<count])
            return
        }
        unsafe block.withUnsafeBufferPointer { input in
            var taken = 0
            while taken < count {
                var used = 0
                unsafe Self.extend(&output, by: Int(Double(count - taken) * ratio) + 64) { room in
                    var written = 0
                    unsafe soxr_process(
                        handle, input.baseAddress! + taken, count - taken, &used, room.baseAddress!, room.count,
                        &written)
                    return written
                }
                taken += used
            }
        }
    }

    /// Drains the filter. The length is ⌈samples · 16000 / rate⌉; where libsoxr rounds down a zero is added, as librosa does.
    consuming func finish(_ output: inout [Float]) {
        let length = Int((Double(consumed) * ratio).rounded(.up))
        if let handle = unsafe handle {
            var written = 1
            while written > 0 {
                unsafe Self.extend(&output, by: 8192) { room in
                    unsafe soxr_process(handle, nil, 0, nil, room.baseAddress!, room.count, &written)
                    return written
                }
            }
        }
        if output.count > length { output.removeLast(output.count - length) }
        if output.count < length { output.append(contentsOf: repeatElement(0, count: length - output.count)) }
    }

    private static func extend(
        _ output: inout [Float], by room: Int, with fill: (UnsafeMutableBufferPointer<Float>) -> Int
    ) {
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: room))
        let written = unsafe output.withUnsafeMutableBufferPointer { unsafe fill(.init(rebasing: $0[start...])) }
        output.removeLast(room - written)
    }
}
