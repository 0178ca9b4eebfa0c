/// Why a file could not be read as GGUF.
package struct GGUFError: Error, Equatable, CustomStringConvertible {
    package enum Problem: Error, Equatable, Sendable {
        case unreadable(reason: String)
        case notGGUF(found: UInt32)
        case bigEndian
        case unsupportedVersion(UInt32)
        case truncated(what: String, offset: Int)
        case countBeyondFile(what: String, count: UInt64, offset: Int)
        case notText(what: String, offset: Int)
        case unknownValueType(what: String, number: UInt32)
        case tooLarge(what: String, number: UInt64)
        case tooDeep(what: String, limit: Int)
        case tooManyValues(limit: Int)
        case twice(what: String)
        case wrongMetadata(key: String, expected: String, found: String)
        case wrongDimensions(tensor: String, count: UInt32)
        case emptyTensor(tensor: String, shape: [Int])
        case unknownType(tensor: String, number: UInt32)
        case sizeOverflow(tensor: String, shape: [Int])
        case partialBlock(tensor: String, columns: Int, block: Int, type: String)
        case misaligned(tensor: String, offset: UInt64, alignment: Int)
        case overlap(tensor: String, with: String)
        case hole(before: String, bytes: Int)
        case beyondFile(tensor: String, end: Int, data: Int)
        case trailingBytes(Int)
        case splitName(String)
        case missingSplit(file: String)
        case wrongSplit(expected: String, found: String)
    }

    package let path: String
    package let problem: Problem

    package var description: String {
        let detail =
            switch problem {
            case .unreadable(let reason): reason
            case .notGGUF(let found): "expected the letters GGUF first, found the bytes \(String(found, radix: 16)); is it a GGUF file?"
            case .bigEndian: "the file is big-endian, which is not supported; gguf-convert-endian turns it over"
            case .unsupportedVersion(let version): "expected version 2 or 3 of the format, found \(version); convert the model again"
            case .truncated(let what, let offset): "the file ends at byte \(offset), within \(what); is it truncated?"
            case .countBeyondFile(let what, let count, let offset):
                "\(what): claims \(count) at byte \(offset), more than the file can hold; is it truncated?"
            case .notText(let what, let offset): "\(what): expected UTF-8 at byte \(offset)"
            case .unknownValueType(let what, let number): "\(what): expected a value of type 0 to 12, found type \(number)"
            case .tooLarge(let what, let number): "\(what): expected at most \(Int.max), found \(number)"
            case .tooDeep(let what, let limit): "\(what): arrays within arrays, more than \(limit) deep"
            case .tooManyValues(let limit): "the metadata have more than \(limit) values"
            case .twice(let what): "\(what) is there twice"
            case .wrongMetadata(let key, let expected, let found): "\(key): expected \(expected), found \(found)"
            case .wrongDimensions(let tensor, let count): "tensor \(tensor): expected 1 to 4 dimensions, found \(count)"
            case .emptyTensor(let tensor, let shape): "tensor \(tensor) \(shape): expected sizes of one or more"
            case .unknownType(let tensor, let number):
                "tensor \(tensor): expected one of "
                    + GGUFHeader.types.values.map(\.name).sorted().joined(separator: ", ") + ", found type \(number)"
                    + (GGUFHeader.unreadTypes[number].map { ", \($0)" } ?? "")
            case .sizeOverflow(let tensor, let shape): "tensor \(tensor): the size of \(shape) overflows"
            case .partialBlock(let tensor, let columns, let block, let type):
                "tensor \(tensor): rows of \(columns) elements are no whole blocks of \(block), as \(type) has them"
            case .misaligned(let tensor, let offset, let alignment):
                "tensor \(tensor): its data begin at \(offset), which is no multiple of the alignment \(alignment)"
            case .overlap(let tensor, let other): "tensors \(other) and \(tensor) overlap"
            case .hole(let tensor, let bytes): "\(bytes) bytes before tensor \(tensor) belong to none"
            case .beyondFile(let tensor, let end, let data):
                "tensor \(tensor): its data end at \(end) of \(data) bytes; is the file truncated?"
            case .trailingBytes(let bytes): "\(bytes) bytes after the last tensor belong to none"
            case .splitName(let name):
                "the file is one of several; expected a name like model-00001-of-00003.gguf, found \(name)"
            case .missingSplit(let file): "the file is one of several, of which \(file) is missing beside it"
            case .wrongSplit(let expected, let found): "expected \(expected), found \(found)"
            }
        return "reading weights from \(path): \(detail)"
    }
}
