import Files
import Foundation
import Glibc

/// What the program says to people and to the next program of a pipe.
enum Terminal {
    /// A line on standard error. Where that cannot be written, as on a full disk, work goes on without a word.
    static func say(_ text: String) { draw("\(text)\n") }

    /// The text as it is on standard error, without a line's end.
    static func draw(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

    /// Writes to standard output at once; `print` keeps back what goes into a pipe.
    ///
    /// - Throws: ``OutputError``
    static func emit(_ text: String) throws(OutputError) { try emit(Data(text.utf8)) }

    /// - Throws: ``OutputError``
    static func emit(_ bytes: Data) throws(OutputError) {
        try flush()
        do { try FileHandle.standardOutput.write(contentsOf: bytes) } catch { throw OutputError(reason: FileError.reason(error)) }
    }

    /// Writes what `print` kept back.
    ///
    /// - Throws: ``OutputError`` where any of it did not arrive.
    static func flush() throws(OutputError) {
        // What a full disk did not take before stands in the buffer still and fails again.
        if fflush(nil) != 0 { throw OutputError(reason: unsafe String(cString: strerror(errno))) }
    }
}

extension Terminal {
    /// The width of what is printed: $COLUMNS, or the terminal's, or 80.
    static var columns: Int {
        if let given = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), given > 0 { return given }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Standard output takes no more.
struct OutputError: Error, CustomStringConvertible {
    let reason: String

    var description: String { "Standard output cannot be written (\(reason)); what was printed is not whole." }
}
