import CMPG123
import Glibc

/// One run of MPEG audio frames (layers I to III), decoded by libmpg123 as libsndfile sets it up: float, gapless.
///
/// libsndfile itself stops at the length that libmpg123 estimates from the first frames where no Xing header states it.
@safe struct MPEGStream: ~Copyable, FrameSource {
    let sampleRate: Int
    let channelCount: Int
    let declaredFrames: Int?
    let format: String

    private let handle: OpaquePointer
    private let cursor: UnsafeMutablePointer<MemoryCursor>
    private let frames: UnsafeMutableRawBufferPointer
    private(set) var failure: String?

    /// The frames of `part` are copied together, without what lies between them.
    init(_ part: MPEGFrames.Part, of bytes: RawSpan) throws(AudioError) {
        let size = part.ranges.reduce(0) { $0 + $1.count }
        let frames = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        var filled = 0
        for range in part.ranges {
            unsafe bytes.extracting(range).withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: frames[filled...]).copyMemory(from: source)
            }
            filled += range.count
        }
        let cursor = UnsafeMutablePointer<MemoryCursor>.allocate(capacity: 1)
        unsafe cursor.initialize(to: MemoryCursor(bytes: UnsafeRawBufferPointer(frames)))

        var status: Int32 = 0
        var rate = 0
        var channels: Int32 = 0
        let created = unsafe mpg123_new(nil, &status)
        func opens(_ handle: OpaquePointer) -> Bool {
            unsafe mpg123_param2(handle, Int32(MPG123_REMOVE_FLAGS.rawValue), Int(MPG123_AUTO_RESAMPLE.rawValue), 0)
            let flags =
                MPG123_FORCE_FLOAT.rawValue | MPG123_GAPLESS.rawValue | MPG123_NO_FRANKENSTEIN.rawValue | MPG123_QUIET.rawValue
            unsafe mpg123_param2(handle, Int32(MPG123_ADD_FLAGS.rawValue), Int(flags), 0)
            var encoding: Int32 = 0
            return unsafe mpg123_replace_reader_handle(handle, memoryRead, memorySeek, nil) == MPG123_OK.rawValue
                && mpg123_open_handle(handle, cursor) == MPG123_OK.rawValue
                && mpg123_getformat(handle, &rate, &channels, &encoding) == MPG123_OK.rawValue
                && mpg123_format_none(handle) == MPG123_OK.rawValue
                && mpg123_format(handle, rate, channels, Int32(MPG123_ENC_FLOAT_32.rawValue)) == MPG123_OK.rawValue
        }
        guard let handle = unsafe created, unsafe opens(handle) else {
            let reason = unsafe String(cString: mpg123_plain_strerror(created == nil ? status : mpg123_errcode(created)))
            unsafe mpg123_delete(created)
            unsafe cursor.deinitialize(count: 1)
            unsafe cursor.deallocate()
            unsafe frames.deallocate()
            throw .undecodable(format: "MP3", reason: reason)
        }
        unsafe self.handle = unsafe handle
        unsafe self.cursor = unsafe cursor
        unsafe self.frames = unsafe frames
        sampleRate = rate
        channelCount = Int(channels)
        declaredFrames = part.soundFrames
        format = "MP3 (MPEG Layer \(["I", "II", "III"][part.layer - 1]))"
    }

    deinit {
        unsafe mpg123_delete(handle)
        unsafe cursor.deinitialize(count: 1)
        unsafe cursor.deallocate()
        unsafe frames.deallocate()
    }

    mutating func read(into block: inout [Float]) -> Int? {
        let wanted = block.count / channelCount * channelCount * MemoryLayout<Float>.size
        var filled = 0
        while filled < wanted, failure == nil {
            var count = 0
            let status = unsafe block.withUnsafeMutableBytes { buffer in
                unsafe mpg123_read(handle, buffer.baseAddress! + filled, wanted - filled, &count)
            }
            filled += count
            if status == MPG123_DONE.rawValue { break }
            if status == MPG123_NEW_FORMAT.rawValue { continue }
            if status != MPG123_OK.rawValue { failure = unsafe String(cString: mpg123_strerror(handle)) }
        }
        return filled / MemoryLayout<Float>.size / channelCount
    }
}

private func memoryRead(_ context: UnsafeMutableRawPointer?, _ destination: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe context!.assumingMemoryBound(to: MemoryCursor.self).pointee.read(destination!, count)
}

private func memorySeek(_ context: UnsafeMutableRawPointer?, _ offset: off_t, _ origin: Int32) -> off_t {
    unsafe context!.assumingMemoryBound(to: MemoryCursor.self).pointee.seek(offset, origin)
}
