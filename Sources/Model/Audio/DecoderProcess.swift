import CGNU
import Files
import Foundation
import Glibc

/// Sound decoded by FFmpeg's libraries, in a process of its own:
///
///     bytes → memfd ─ stdin → cord-decode ─ stdout → header, float32 frames → read
///
/// The process can do nothing but write samples and end (`Sources/Model/cord-decode`). A crash of it is a refusal of the clip; it is killed
/// when the value goes out of scope.
@safe struct DecoderProcess: ~Copyable, FrameSource {
    let sampleRate: Int
    let channelCount: Int
    let declaredFrames: Int?
    var isDeclarationExact: Bool { false }
    let format: String

    private var child: Child
    private(set) var failure: String?
    /// The bytes of a frame that has come in part.
    private var rest: [UInt8] = []

    /// The name of the program, which lies beside the one that runs, or beside the bundle of tests.
    fileprivate static let program = "cord-decode"
    private static let headerSize = 48

    /// Starts to decode `bytes`; returns when the first samples are there.
    init(_ bytes: RawSpan, container: AudioContainer, isCancelled: () -> Bool) throws(AudioError) {
        guard let demuxer = container.demuxer else {
            throw .undecodable(format: container.rawValue, reason: "no demuxer reads it")
        }
        var child = try Child(demuxer, bytes, format: container.rawValue)
        var header: [UInt8] = []
        while header.count < Self.headerSize {
            if isCancelled() { throw .cancelled }
            var part = [UInt8](repeating: 0, count: Self.headerSize - header.count)
            guard let count = unsafe part.withUnsafeMutableBytes({ unsafe child.read($0) }) else { continue }
            if count == 0 { throw .undecodable(format: container.rawValue, reason: child.end() ?? "the decoder said nothing") }
            header += part[..<count]
        }
        let span = unsafe header.span.bytes
        guard span.begins("CORD"), let rate = span.integer(at: 4, count: 4, bigEndian: false),
            let channels = span.integer(at: 8, count: 4, bigEndian: false), rate <= 1 << 24, (1...64).contains(channels)
        else { throw .undecodable(format: container.rawValue, reason: "the decoder's header is none") }
        let declared = (0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(header[16 + $1]) }
        let codec = String(decoding: header[24...].prefix { $0 != 0 }, as: UTF8.self)
        (sampleRate, channelCount) = (rate, channels)
        declaredFrames = Int(exactly: declared)
        format = "\(container.rawValue) (\(Self.name(of: codec)))"
        self.child = consume child
    }

    mutating func read(into block: inout [Float]) -> Int? {
        let frameSize = channelCount * MemoryLayout<Float>.size
        let wanted = block.count * MemoryLayout<Float>.size / frameSize * frameSize
        let kept = rest.count
        let read = unsafe block.withUnsafeMutableBytes { buffer in
            unsafe buffer.copyBytes(from: rest)
            return unsafe child.read(UnsafeMutableRawBufferPointer(rebasing: buffer[kept..<wanted]))
        }
        guard let read else { return nil }
        if read == 0 {
            failure = child.end() ?? (rest.isEmpty ? nil : "it ended within a sample")
            return 0
        }
        let filled = kept + read
        let whole = filled / frameSize * frameSize
        rest = unsafe block.withUnsafeBytes { unsafe [UInt8]($0[whole..<filled]) }
        return whole == 0 ? nil : whole / frameSize
    }

    private static func name(of codec: String) -> String {
        [
            "adpcm_g722": "G.722", "speex": "Speex", "aac": "AAC", "alac": "ALAC", "opus": "Opus", "vorbis": "Vorbis", "flac": "FLAC", "mp3": "MP3",
            "amr_nb": "AMR-NB",
            "amr_wb": "AMR-WB",
        ][codec] ?? codec
    }
}

/// A running `cord-decode`: killed and waited for when it goes out of scope.
@safe private struct Child: ~Copyable {
    private let process: pid_t
    private let output, errors: Int32
    private var hasEnded = false

    /// The time that ``read(_:)`` waits between checks for cancellation.
    private static let patience: Int32 = 50

    init(_ demuxer: String, _ bytes: RawSpan, format: String) throws(AudioError) {
        guard let program = Self.path else {
            throw .decoderUnavailable(
                format: format,
                reason: "\(DecoderProcess.program) is expected beside the program, in "
                    + ProgramFolder.candidates.map(\.path).joined(separator: " or "))
        }
        var child = cord_child()
        let status = unsafe bytes.withUnsafeBytes { unsafe cord_spawn(program, demuxer, $0.baseAddress!, $0.count, &child) }
        guard status == 0 else {
            throw .decoderUnavailable(format: format, reason: "\(program): \(unsafe String(cString: strerror(status)))")
        }
        (process, output, errors) = (child.process, child.output, child.errors)
    }

    deinit {
        close(output)
        close(errors)
        guard !hasEnded else { return }
        kill(process, SIGKILL)
        _ = waitpid(process, nil, 0)
    }

    /// Reads available bytes; 0 at the end, nil if none came for a while.
    func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&waiting, 1, Self.patience) > 0 else { return nil }
        let count = unsafe Glibc.read(output, buffer.baseAddress!, buffer.count)
        if count < 0, errno == EINTR { return nil }
        return max(0, count)
    }

    /// Waits for the end; nil after success, otherwise why there was none.
    mutating func end() -> String? {
        var reason: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 512)
        while reason.count < 2048, case let count = unsafe Glibc.read(errors, &part, part.count), count > 0 {
            reason += part[..<count]
        }
        var status: Int32 = 0
        hasEnded = true
        while unsafe waitpid(process, &status, 0) < 0 {
            if errno != EINTR { return "how the decoder ended is unknown" }
        }
        let signal = status & 0x7F
        switch signal {
        case 0 where status >> 8 & 0xFF == 0: return nil
        case 0: return reason.isEmpty ? "the decoder failed" : String(decoding: reason, as: UTF8.self)
        case SIGXCPU: return "decoding it takes too long"
        default: return "the decoder ended by signal \(signal)"
        }
    }

    private static let path = ProgramFolder.place(DecoderProcess.program)?.path
}

extension AudioContainer {
    /// FFmpeg's name of the demuxer; nil if none may read it.
    fileprivate var demuxer: String? {
        switch self {
        case .webm: "matroska"
        case .mp4: "mov"
        case .adts: "aac"
        case .caf: "caf"
        case .amr: "amr"
        case .wave64: "w64"
        case .au: "au"
        case .ogg: "ogg"
        case .flac: "flac"
        case .wav: "wav"
        case .aiff, .mp3: nil
        }
    }
}
