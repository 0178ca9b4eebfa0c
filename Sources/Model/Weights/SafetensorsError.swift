package import JSON

/// Why a file could not be read as safetensors.
package struct SafetensorsError: Error, Equatable, CustomStringConvertible {
    package enum Problem: Equatable, Sendable {
        case unreadable(reason: String)
        case tooShort(bytes: Int)
        case headerTooLarge(bytes: UInt64, limit: Int)
        case headerBeyondFile(bytes: Int, file: Int)
        case headerSyntax(JSONError)
        case unexpectedField(tensor: String, field: String)
        case missingField(tensor: String, field: String)
        case unknownDType(tensor: String, found: String)
        case tooManyDimensions(tensor: String, limit: Int)
        case sizeOverflow(tensor: String, shape: [Int])
        case reversedOffsets(tensor: String, begin: Int, end: Int)
        case sizeMismatch(tensor: String, expected: Int, found: Int)
        case beyondFile(tensor: String, end: Int, data: Int)
        case overlap(tensor: String, with: String)
        case hole(before: String, bytes: Int)
        case trailingBytes(Int)
        case misaligned(tensor: String, alignment: Int)
    }

    package let path: String
    package let problem: Problem

    package var description: String {
        let detail =
            switch problem {
            case .unreadable(let reason): reason
            case .tooShort(let bytes): "expected at least 8 bytes, found \(bytes)"
            case .headerTooLarge(let bytes, let limit):
                "the header claims \(bytes) bytes, more than the \(limit) allowed"
            case .headerBeyondFile(let bytes, let file):
                "the header claims \(bytes) bytes, but only \(file - 8) follow; is the file truncated?"
            case .headerSyntax(let error): "the header is not the expected JSON, \(error)"
            case .unexpectedField(let tensor, let field):
                "tensor \(tensor): expected dtype, shape and data_offsets, found \"\(field)\""
            case .missingField(let tensor, let field): "tensor \(tensor): no \(field)"
            case .unknownDType(let tensor, let found):
                "tensor \(tensor): expected one of \(DType.safetensors.map(\.name).joined(separator: ", ")), found \(found)"
            case .tooManyDimensions(let tensor, let limit): "tensor \(tensor): more than \(limit) dimensions"
            case .sizeOverflow(let tensor, let shape): "tensor \(tensor): the size of \(shape) overflows"
            case .reversedOffsets(let tensor, let begin, let end):
                "tensor \(tensor): its data ends at \(end), before \(begin)"
            case .sizeMismatch(let tensor, let expected, let found):
                "tensor \(tensor): its shape needs \(expected) bytes, its offsets give it \(found)"
            case .beyondFile(let tensor, let end, let data):
                "tensor \(tensor): its data ends at \(end) of \(data) bytes; is the file truncated?"
            case .overlap(let tensor, let other): "tensors \(other) and \(tensor) overlap"
            case .hole(let tensor, let bytes): "\(bytes) bytes before tensor \(tensor) belong to none"
            case .trailingBytes(let bytes): "\(bytes) bytes after the last tensor belong to none"
            case .misaligned(let tensor, let alignment):
                "tensor \(tensor): its data is not aligned to \(alignment) bytes; save the file again with a current safetensors"
            }
        return "reading weights from \(path): \(detail)"
    }
}
