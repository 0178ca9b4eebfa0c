package import Foundation

extension Data {
    /// The text behind a UTF-8 byte order mark, as Windows editors and Excel write it; all bytes where there is none.
    package var withoutByteOrderMark: Data { starts(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self }
}
