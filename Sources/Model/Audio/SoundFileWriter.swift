import CSndFile
import Synchronization

/// Mono samples to the bytes of a compressed sound file, by libsndfile.
package enum SoundFileWriter {
    package enum Encoding: String, Sendable, CaseIterable {
        /// Lossless at 16 bits: about 20 KB a second of speech at 16 kHz.
        case flac
        /// Opus in Ogg at 20 kbit/s, wide-band speech that is hard to tell from the original: about 2.5 KB a second.
        case opus
    }

    /// libsndfile keeps the error of a failed open in a global.
    private static let opening = Mutex<Void>(())

    /// `samples` full scale ±1 at 16 kHz, the rate of every ``AudioClip``.
    package static func bytes(_ samples: [Float], encoding: Encoding) throws(AudioError) -> [UInt8] {
        var info = SF_INFO()
        info.samplerate = Int32(AudioClip.sampleRate)
        info.channels = 1
        info.format =
            switch encoding {
            case .flac: Int32(SF_FORMAT_FLAC) | Int32(SF_FORMAT_PCM_16)
            case .opus: Int32(SF_FORMAT_OGG) | Int32(SF_FORMAT_OPUS)
            }
        let target = UnsafeMutablePointer<Target>.allocate(capacity: 1)
        unsafe target.initialize(to: Target())
        defer {
            unsafe target.deinitialize(count: 1)
            unsafe target.deallocate()
        }
        var writing = unsafe SF_VIRTUAL_IO(
            get_filelen: targetLength, seek: targetSeek, read: targetRead, write: targetWrite, tell: targetTell)
        var reason = ""
        var opened: OpaquePointer?
        opening.withLock { _ in
            unsafe opened = unsafe sf_open_virtual(&writing, Int32(SFM_WRITE), &info, target)
            if unsafe opened == nil { reason = unsafe String(cString: sf_strerror(nil)) }
        }
        guard let handle = unsafe opened else { throw .undecodable(format: encoding.rawValue, reason: reason) }
        if encoding == .opus {
            // libsndfile maps levels 0–1 to 256–6 kbit/s.
            var level = 1 - (20.0 - 6) / 250
            unsafe sf_command(handle, Int32(SFC_SET_COMPRESSION_LEVEL), &level, Int32(MemoryLayout<Double>.size))
        }
        // 16-bit formats would wrap around beyond full scale.
        unsafe sf_command(handle, Int32(SFC_SET_CLIPPING), nil, 1)
        let written = unsafe sf_writef_float(handle, samples, sf_count_t(samples.count))
        let failure = unsafe written == samples.count ? nil : String(cString: sf_strerror(handle))
        let closed = unsafe sf_close(handle)
        if let failure { throw .undecodable(format: encoding.rawValue, reason: failure) }
        guard closed == 0 else { throw .undecodable(format: encoding.rawValue, reason: "closing failed (\(closed))") }
        return unsafe target.pointee.bytes
    }
}

/// The bytes written so far and where libsndfile stands in them.
private struct Target {
    var bytes: [UInt8] = []
    var position = 0
}

private func target(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Target> {
    unsafe context!.assumingMemoryBound(to: Target.self)
}

private func targetLength(_ context: UnsafeMutableRawPointer?) -> sf_count_t {
    unsafe sf_count_t(target(context).pointee.bytes.count)
}

private func targetTell(_ context: UnsafeMutableRawPointer?) -> sf_count_t {
    unsafe sf_count_t(target(context).pointee.position)
}

private func targetSeek(_ offset: sf_count_t, _ origin: Int32, _ context: UnsafeMutableRawPointer?) -> sf_count_t {
    let target = unsafe target(context)
    let start =
        switch origin {
        case SEEK_SET: 0
        case SEEK_CUR: unsafe target.pointee.position
        default: unsafe target.pointee.bytes.count
        }
    unsafe target.pointee.position = max(0, start + Int(offset))
    return unsafe sf_count_t(target.pointee.position)
}

private func targetRead(
    _ destination: UnsafeMutableRawPointer?, _ count: sf_count_t, _ context: UnsafeMutableRawPointer?
) -> sf_count_t {
    let target = unsafe target(context)
    let (size, position) = unsafe (target.pointee.bytes.count, target.pointee.position)
    let length = max(0, min(Int(count), size - position))
    guard length > 0 else { return 0 }
    unsafe target.pointee.bytes.withUnsafeBytes { bytes in
        unsafe destination!.copyMemory(from: bytes.baseAddress! + position, byteCount: length)
    }
    unsafe target.pointee.position += length
    return sf_count_t(length)
}

private func targetWrite(
    _ source: UnsafeRawPointer?, _ count: sf_count_t, _ context: UnsafeMutableRawPointer?
) -> sf_count_t {
    let target = unsafe target(context)
    let end = unsafe target.pointee.position + Int(count)
    if unsafe end > target.pointee.bytes.count {
        unsafe target.pointee.bytes.append(contentsOf: repeatElement(0, count: end - target.pointee.bytes.count))
    }
    let position = unsafe target.pointee.position
    unsafe target.pointee.bytes.withUnsafeMutableBytes { bytes in
        unsafe (bytes.baseAddress! + position).copyMemory(from: source!, byteCount: Int(count))
    }
    unsafe target.pointee.position = end
    return count
}
