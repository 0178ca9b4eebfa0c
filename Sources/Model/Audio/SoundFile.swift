import CSndFile
import Synchronization

/// Sound that is decoded block by block.
protocol FrameSource: ~Copyable {
    var sampleRate: Int { get }
    var channelCount: Int { get }
    /// Frames that the header declares; nil if it does not know.
    var declaredFrames: Int? { get }
    /// Whether the declared frames must be there; otherwise there are hardly fewer, and the container's structure tells whether all are.
    var isDeclarationExact: Bool { get }
    /// Container and encoding in libsndfile's words.
    var format: String { get }

    /// Decodes at most `block.count / channelCount` frames into `block`, interleaved, and returns how many; 0 at the end, nil if none
    /// have come yet.
    mutating func read(into block: inout [Float]) -> Int?

    /// What went wrong while reading, if anything did.
    var failure: String? { get }
}

extension FrameSource where Self: ~Copyable {
    var isDeclarationExact: Bool { true }
}

/// A sound file in memory, open for reading, decoded by libsndfile to 32-bit floats.
///
/// The value owns the C handle and the cursor that libsndfile reads through. It cannot be copied, and both are released when
/// it goes out of scope. Samples come out interleaved, as stored.
@safe struct SoundFile: ~Copyable, FrameSource {
    let sampleRate: Int
    let channelCount: Int
    let declaredFrames: Int?
    let format: String

    private let handle: OpaquePointer
    private let cursor: UnsafeMutablePointer<MemoryCursor>

    /// libsndfile keeps the error of a failed open in a global.
    private static let opening = Mutex<Void>(())

    /// Opens `head` followed by `bytes`, which must stay in place as long as the value lives.
    ///
    /// Throws where libsndfile opens something else than `container`: it looks for formats by itself, even behind tags.
    @unsafe init(head: [UInt8] = [], bytes: UnsafeRawBufferPointer, container: AudioContainer) throws(AudioError) {
        let cursor = UnsafeMutablePointer<MemoryCursor>.allocate(capacity: 1)
        unsafe cursor.initialize(to: MemoryCursor(head: head, bytes: bytes))
        var reading = unsafe SF_VIRTUAL_IO(
            get_filelen: memoryLength, seek: memorySeek, read: memoryRead, write: memoryWrite, tell: memoryTell)
        var info = SF_INFO()
        var reason = ""
        var opened: OpaquePointer?
        Self.opening.withLock { _ in
            unsafe opened = unsafe sf_open_virtual(&reading, Int32(SFM_READ), &info, cursor)
            if unsafe opened == nil { reason = unsafe String(cString: sf_strerror(nil)) }
        }
        guard let handle = unsafe opened else {
            unsafe cursor.deinitialize(count: 1)
            unsafe cursor.deallocate()
            throw .undecodable(format: container.rawValue, reason: reason)
        }
        guard container.libsndfileTypes.contains(info.format & Int32(SF_FORMAT_TYPEMASK)) else {
            unsafe sf_close(handle)
            unsafe cursor.deinitialize(count: 1)
            unsafe cursor.deallocate()
            let opened = Self.name(of: info.format & Int32(SF_FORMAT_TYPEMASK)) ?? "another format"
            throw .undecodable(format: container.rawValue, reason: "behind its first bytes it is \(opened)")
        }
        unsafe self.handle = unsafe handle
        unsafe self.cursor = unsafe cursor
        sampleRate = Int(info.samplerate)
        channelCount = Int(info.channels)
        // Unknown lengths read as a count near the type's largest.
        declaredFrames = info.frames < Int64(1) << 40 ? Int(info.frames) : nil
        let encoding = Self.name(of: info.format & Int32(SF_FORMAT_SUBMASK))
        format = encoding.map { "\(container.rawValue) (\($0))" } ?? container.rawValue
    }

    deinit {
        unsafe sf_close(handle)
        unsafe cursor.deinitialize(count: 1)
        unsafe cursor.deallocate()
    }

    func read(into block: inout [Float]) -> Int? {
        let capacity = sf_count_t(block.count / channelCount)
        return unsafe Int(sf_readf_float(handle, &block, capacity))
    }

    var failure: String? {
        unsafe sf_error(handle) == 0 ? nil : String(cString: sf_strerror(handle))
    }

    private static func name(of encoding: Int32) -> String? {
        var query = unsafe SF_FORMAT_INFO(format: encoding, name: nil, extension: nil)
        let size = unsafe Int32(MemoryLayout<SF_FORMAT_INFO>.size)
        guard unsafe sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &query, size) == 0, let name = unsafe query.name else {
            return nil
        }
        return unsafe String(cString: name)
    }
}

private func cursor(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<MemoryCursor> {
    unsafe context!.assumingMemoryBound(to: MemoryCursor.self)
}

private func memoryLength(_ context: UnsafeMutableRawPointer?) -> sf_count_t {
    unsafe sf_count_t(cursor(context).pointee.count)
}

private func memoryTell(_ context: UnsafeMutableRawPointer?) -> sf_count_t {
    unsafe sf_count_t(cursor(context).pointee.position)
}

private func memorySeek(_ offset: sf_count_t, _ origin: Int32, _ context: UnsafeMutableRawPointer?) -> sf_count_t {
    unsafe sf_count_t(cursor(context).pointee.seek(Int(offset), origin))
}

private func memoryRead(
    _ destination: UnsafeMutableRawPointer?, _ count: sf_count_t, _ context: UnsafeMutableRawPointer?
) -> sf_count_t {
    unsafe sf_count_t(cursor(context).pointee.read(destination!, Int(count)))
}

private func memoryWrite(
    _ source: UnsafeRawPointer?, _ count: sf_count_t, _ context: UnsafeMutableRawPointer?
) -> sf_count_t { 0 }

extension AudioContainer {
    /// The major types that libsndfile may give a file of this container; empty where it does not read it.
    fileprivate var libsndfileTypes: [Int32] {
        switch self {
        case .wav: [Int32(SF_FORMAT_WAV), Int32(SF_FORMAT_WAVEX), Int32(SF_FORMAT_RF64)]
        case .aiff: [Int32(SF_FORMAT_AIFF)]
        case .flac: [Int32(SF_FORMAT_FLAC)]
        case .ogg: [Int32(SF_FORMAT_OGG)]
        case .mp3, .webm, .mp4, .adts, .caf, .amr, .wave64, .au: []
        }
    }
}
