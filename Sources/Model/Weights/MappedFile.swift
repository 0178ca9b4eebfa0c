import Glibc

/// A file mapped read-only into memory until the last reference goes.
///
/// Pages come from the page cache as they are touched, so that opening a checkpoint costs no copy and replicas share it.
/// The file must be replaced by renaming: shortening a mapped file in place kills its readers.
@safe final class MappedFile: @unchecked Sendable {
    let byteCount: Int
    private let base: UnsafeRawPointer?

    init(path: String) throws(MappingError) {
        func failed(_ what: String) -> MappingError { MappingError(reason: what + ": " + systemErrorText(errno)) }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed("it could not be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failed("its size could not be read") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MappingError(reason: "expected a regular file")
        }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            unsafe base = nil
            return
        }
        guard let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
            unsafe address != MAP_FAILED
        else { throw failed("it could not be mapped") }
        unsafe base = UnsafeRawPointer(address)
    }

    deinit {
        if let base = unsafe base { _ = unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }
    }

    @unsafe var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// Gives back the memory of the pages that lie wholly in `range` of the file: whoever has a copy need not keep them, too. They come from the page
    /// cache again where they are touched.
    func release(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "\(range) of a file of \(byteCount) bytes")
        let page = sysconf(Int32(_SC_PAGESIZE))
        let start = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound / page * page
        guard let base = unsafe base, start < end else { return }
        // Nothing was written to these pages, so nothing is lost, and a failure costs memory alone.
        _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base) + start, end - start, MADV_DONTNEED)
    }
}

/// Why a file could not be mapped.
struct MappingError: Error { let reason: String }

/// The system's words for an error number.
func systemErrorText(_ number: Int32) -> String {
    unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
}
