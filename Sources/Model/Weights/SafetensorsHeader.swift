import JSON

/// The header of a safetensors file: what each tensor is, and where its bytes lie in the data that follow.
///
///     u64 n, little-endian │ n bytes of JSON {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {…}} │ data
///
/// The format (huggingface/safetensors) wants the data covered exactly: no overlap, no hole, nothing after the last.
struct SafetensorsHeader {
    struct Entry {
        let dtype: DType
        let shape: [Int]
        let range: Range<Int>  // in the data
    }

    static let byteLimit = 100_000_000
    static let dimensionLimit = 16

    private(set) var entries: [String: Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// Reads the JSON and checks every entry against `dataCount` bytes of data that start `dataOffset` bytes into the file.
    init(json: [UInt8], dataOffset: Int, dataCount: Int, path: String) throws(SafetensorsError) {
        do {
            var scanner = JSONScanner(json)
            try scanner.members { scanner, name in
                if name == "__metadata__" {
                    try scanner.members { metadata[$1] = try $0.string() }
                } else {
                    entries[name] = try Self.entry(name, &scanner)
                }
            }
            try scanner.end()
            try checkCoverage(dataOffset: dataOffset, dataCount: dataCount)
        } catch let error as JSONError {
            throw SafetensorsError(path: path, problem: .headerSyntax(error))
        } catch let failure as Failure {
            throw SafetensorsError(path: path, problem: failure.problem)
        } catch {
            throw SafetensorsError(path: path, problem: .unreadable(reason: "\(error)"))
        }
    }

    private struct Failure: Error { let problem: SafetensorsError.Problem }

    private static func entry(_ name: String, _ scanner: inout JSONScanner) throws -> Entry {
        var dtype: DType?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.members { scanner, field in
            switch field {
            case "dtype":
                let found = try scanner.string()
                dtype = DType.safetensors.first { $0.name == found }
                guard dtype != nil else { throw Failure(problem: .unknownDType(tensor: name, found: found)) }
            case "shape":
                shape = try sizes(&scanner, limit: dimensionLimit) {
                    Failure(problem: .tooManyDimensions(tensor: name, limit: dimensionLimit))
                }
            case "data_offsets":
                offsets = try sizes(&scanner, limit: 2) {
                    Failure(problem: .unexpectedField(tensor: name, field: "a third offset"))
                }
            default: throw Failure(problem: .unexpectedField(tensor: name, field: field))
            }
        }
        guard let dtype else { throw Failure(problem: .missingField(tensor: name, field: "dtype")) }
        guard let shape else { throw Failure(problem: .missingField(tensor: name, field: "shape")) }
        guard let offsets, offsets.count == 2 else {
            throw Failure(problem: .missingField(tensor: name, field: "data_offsets"))
        }
        guard offsets[0] <= offsets[1] else {
            throw Failure(problem: .reversedOffsets(tensor: name, begin: offsets[0], end: offsets[1]))
        }
        guard let expected = dtype.byteCount(shape: shape) else { throw Failure(problem: .sizeOverflow(tensor: name, shape: shape)) }
        guard offsets[1] - offsets[0] == expected else {
            throw Failure(problem: .sizeMismatch(tensor: name, expected: expected, found: offsets[1] - offsets[0]))
        }
        return Entry(dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// An array of at most `limit` integers of zero or more.
    private static func sizes(_ scanner: inout JSONScanner, limit: Int, tooMany: () -> Failure) throws -> [Int] {
        var sizes: [Int] = []
        try scanner.elements { scanner in
            guard sizes.count < limit else { throw tooMany() }
            let failure = scanner.failure("an integer of zero or more")
            guard case .integer(let size) = try scanner.number(), size >= 0 else { throw failure }
            sizes.append(size)
        }
        return sizes
    }

    private func checkCoverage(dataOffset: Int, dataCount: Int) throws {
        var covered = 0
        var last = ""
        let ordered = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
                < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        for (name, entry) in ordered {
            let range = entry.range
            guard range.upperBound <= dataCount else {
                throw Failure(problem: .beyondFile(tensor: name, end: range.upperBound, data: dataCount))
            }
            guard range.lowerBound >= covered else { throw Failure(problem: .overlap(tensor: name, with: last)) }
            guard range.lowerBound == covered else {
                throw Failure(problem: .hole(before: name, bytes: range.lowerBound - covered))
            }
            guard (dataOffset + range.lowerBound) % entry.dtype.blockBytes == 0 else {
                throw Failure(problem: .misaligned(tensor: name, alignment: entry.dtype.blockBytes))
            }
            covered = range.upperBound
            last = name
        }
        guard covered == dataCount else { throw Failure(problem: .trailingBytes(dataCount - covered)) }
    }
}
