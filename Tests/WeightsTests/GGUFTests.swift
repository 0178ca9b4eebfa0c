import Foundation
import Tensors
import Testing
import Weights

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/gguf")

/// Bytes of a GGUF file, piece by piece.
private struct Bytes {
    var data = Data()

    init(version: UInt32 = 3, tensors: UInt64, values: UInt64) {
        data = Data("GGUF".utf8)
        add(version)
        add(tensors)
        add(values)
    }

    mutating func add<Number: FixedWidthInteger>(_ number: Number) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe data.append(contentsOf: $0) }
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        data.append(contentsOf: text.utf8)
    }

    mutating func value(_ key: String, _ type: UInt32) {
        add(key)
        add(type)
    }

    mutating func tensor(_ name: String, _ shape: [UInt64], type: UInt32 = 0, offset: UInt64) {
        add(name)
        add(UInt32(shape.count))
        for size in shape { add(size) }
        add(type)
        add(offset)
    }

    /// The header's padding, and so many bytes of data.
    mutating func end(data count: Int) {
        data.append(contentsOf: [UInt8](repeating: 0, count: (32 - data.count % 32) % 32 + count))
    }
}

private func problem(_ bytes: Bytes, _ name: String = "a.gguf") throws -> GGUFError.Problem? {
    let directory = try TemporaryDirectory()
    let file = directory.url.appending(path: name)
    try bytes.data.write(to: file)
    do throws(GGUFError) {
        _ = try GGUF(file)
        return nil
    } catch {
        #expect(error.path == file.path && error.description.contains(file.path))
        return error.problem
    }
}

@Suite struct GGUFTests {
    @Test func metadataOfEveryKindAreRead() throws {
        let file = try GGUF(folder.appending(path: "small.gguf"))
        let expected: [String: GGUFValue] = [
            "uint8": .integer(200), "int8": .integer(-100), "uint16": .integer(60_000), "int16": .integer(-30_000),
            "uint32": .integer(4_000_000_000), "int32": .integer(-2_000_000_000), "uint64": .integer(.max), "int64": .integer(-(1 << 62)),
            "float32": .number(1.5), "float64": .number(-2.25), "bool": .boolean(true), "string": .string("ä name"),
            "words": .array([.string("a"), .string(""), .string("čé")]), "numbers": .array([.integer(1), .integer(2), .integer(3)]),
            "nested": .array([.array([.integer(1), .integer(2)]), .array([.integer(3)])]),
        ]
        for (key, value) in expected { #expect(file.metadata["test." + key] == value, "\(key)") }
        #expect(file.metadata["general.architecture"] == .string("test"))
    }

    /// To the bit what llama.cpp's Python package makes of them.
    @Test(arguments: ["small.gguf", "split-00001-of-00002.gguf", "split-00002-of-00002.gguf"])
    func tensorsOfEveryFormatAreRead(name: String) throws {
        let file = try GGUF(folder.appending(path: name))
        #expect(file.tensors.count == StoredFormat.all.count)
        let parts = name.hasPrefix("split") ? ["split-00001-of-00002.gguf", "split-00002-of-00002.gguf"] : [name]
        #expect(file.files.map(\.url.lastPathComponent) == parts && file.files.allSatisfy { $0.byteCount > 1000 })
        for format in StoredFormat.all {
            let tensor = try #require(file.tensors["\(format).weight"])
            #expect(tensor.shape == [4, 256] && tensor.dtype.format == format)
            let expected = try Data(contentsOf: folder.appending(path: "blocks/\(format).bin")).suffix(4096)
            let values = try tensor.floats()
            #expect(unsafe values.withUnsafeBytes { unsafe Data($0) } == expected, "\(format)")
            try tensor.requireFinite()
        }
    }

    @Test func whatIsNoHeaderIsNamed() throws {
        var bytes = Bytes(tensors: 0, values: 0)
        #expect(try problem(bytes) == nil)
        bytes.data[0] = 0x58
        #expect(try problem(bytes) == .notGGUF(found: 0x5847_5546))
        #expect(try problem(Bytes(version: 1, tensors: 0, values: 0)) == .unsupportedVersion(1))
        #expect(try problem(Bytes(version: 0x0300_0000, tensors: 0, values: 0)) == .bigEndian)
        bytes = Bytes(tensors: 0, values: 0)
        bytes.data.removeLast()
        #expect(try problem(bytes) == .truncated(what: "the number of values", offset: 16))
    }

    @Test func countsThatTheFileCannotHoldAllocateNothing() throws {
        let claimed = try problem(Bytes(tensors: 1 << 60, values: 0))
        #expect(claimed == .countBeyondFile(what: "the number of tensors", count: 1 << 60, offset: 16))
        var bytes = Bytes(tensors: 0, values: 1)
        bytes.value("k", 9)
        bytes.add(UInt32(4))
        bytes.add(UInt64.max)
        #expect(try problem(bytes) == .countBeyondFile(what: "k", count: .max, offset: 49))
        bytes = Bytes(tensors: 0, values: 1)
        bytes.add(UInt64(1) << 40)
        bytes.end(data: 64)
        #expect(try problem(bytes) == .countBeyondFile(what: "the key of a value", count: 1 << 40, offset: 32))
    }

    @Test func metadataThatAreWrongAreNamed() throws {
        var bytes = Bytes(tensors: 0, values: 1)
        bytes.value("k", 13)
        bytes.end(data: 0)
        #expect(try problem(bytes) == .unknownValueType(what: "k", number: 13))

        bytes = Bytes(tensors: 0, values: 1)
        bytes.value("k", 10)
        bytes.add(UInt64.max)
        #expect(try problem(bytes) == .tooLarge(what: "k", number: .max))

        bytes = Bytes(tensors: 0, values: 2)
        for _ in 0..<2 {
            bytes.value("k", 0)
            bytes.add(UInt8(1))
        }
        bytes.end(data: 0)
        #expect(try problem(bytes) == .twice(what: "k"))

        bytes = Bytes(tensors: 0, values: 1)
        bytes.value("k", 9)
        for _ in 0..<9 {
            bytes.add(UInt32(9))
            bytes.add(UInt64(1))
        }
        #expect(try problem(bytes) == .tooDeep(what: "k", limit: 4))

        bytes = Bytes(tensors: 0, values: 1)
        bytes.value("k", 8)
        bytes.add(UInt64(2))
        bytes.data.append(contentsOf: [0xC3, 0x28])
        #expect(try problem(bytes) == .notText(what: "k", offset: 45))

        for alignment in [0, 4, 48, UInt32.max] {
            bytes = Bytes(tensors: 0, values: 1)
            bytes.value("general.alignment", 4)
            bytes.add(alignment)
            guard case .wrongMetadata(key: "general.alignment", _, _) = try problem(bytes) else {
                Issue.record("alignment \(alignment)")
                continue
            }
        }
    }

    /// One tensor described so, with `count` bytes of data behind the header.
    private func tensor(_ shape: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, data count: Int) throws -> GGUFError.Problem? {
        var bytes = Bytes(tensors: 1, values: 0)
        bytes.tensor("t", shape, type: type, offset: offset)
        bytes.end(data: count)
        return try problem(bytes)
    }

    @Test func tensorsThatAreWrongAreNamed() throws {
        #expect(try tensor([4, 2], data: 32) == nil)
        #expect(try tensor([4, 2], data: 31) == .beyondFile(tensor: "t", end: 32, data: 31))
        #expect(try tensor([4, 2], offset: 32, data: 64) == .hole(before: "t", bytes: 32))
        #expect(try tensor([4, 2], offset: 8, data: 64) == .misaligned(tensor: "t", offset: 8, alignment: 32))
        #expect(try tensor([4, 2], offset: .max - 31, data: 64) == .beyondFile(tensor: "t", end: .max, data: 64))
        #expect(try tensor([4, 2], data: 64) == .trailingBytes(32))
        #expect(try tensor([], data: 32) == .wrongDimensions(tensor: "t", count: 0))
        #expect(try tensor([1, 1, 1, 1, 1], data: 32) == .wrongDimensions(tensor: "t", count: 5))
        #expect(try tensor([4, 0], data: 32) == .emptyTensor(tensor: "t", shape: [0, 4]))
        #expect(try tensor([1 << 40, 1 << 40], data: 32) == .sizeOverflow(tensor: "t", shape: [1 << 40, 1 << 40]))
        #expect(try tensor([.max], data: 32) == .tooLarge(what: "tensor t", number: .max))
        #expect(try tensor([33, 2], type: 8, data: 68) == .partialBlock(tensor: "t", columns: 33, block: 32, type: "Q8_0"))
        #expect(try tensor([4, 2], type: 99, data: 32) == .unknownType(tensor: "t", number: 99))
        #expect(try tensor([256], type: 10, data: 84) == .unknownType(tensor: "t", number: 10))
    }

    @Test func tensorsThatShareBytesOrNamesAreNamed() throws {
        var bytes = Bytes(tensors: 2, values: 0)
        bytes.tensor("a", [16], offset: 0)
        bytes.tensor("b", [8], offset: 32)
        bytes.end(data: 64)
        #expect(try problem(bytes) == .overlap(tensor: "b", with: "a"))
        bytes = Bytes(tensors: 2, values: 0)
        for offset in [0, 32] { bytes.tensor("a", [8], offset: UInt64(offset)) }
        bytes.end(data: 64)
        #expect(try problem(bytes) == .twice(what: "tensor a"))
    }

    @Test func everyPrefixOfAFileIsRefused() throws {
        let whole = try Data(contentsOf: folder.appending(path: "small.gguf"))
        var bytes = Bytes(tensors: 0, values: 0)
        for count in stride(from: 0, to: whole.count, by: 97) {
            bytes.data = whole.prefix(count)
            #expect(try problem(bytes) != nil, "\(count) bytes")
        }
    }

    @Test func splitsThatAreMissingOrOthersAreNamed() throws {
        let directory = try TemporaryDirectory()
        func copy(_ from: String, _ to: String) throws {
            try Data(contentsOf: folder.appending(path: from)).write(to: directory.url.appending(path: to))
        }
        func problem(_ name: String) -> GGUFError.Problem? {
            do { _ = try GGUF(directory.url.appending(path: name)) } catch { return error.problem }
            return nil
        }
        try copy("split-00001-of-00002.gguf", "m-00001-of-00002.gguf")
        #expect(problem("m-00001-of-00002.gguf") == .missingSplit(file: "m-00002-of-00002.gguf"))
        try copy("split-00001-of-00002.gguf", "m-00002-of-00002.gguf")
        #expect(problem("m-00001-of-00002.gguf") == .wrongSplit(expected: "part 1 of 2", found: "part 0 of 2"))
        try copy("split-00001-of-00002.gguf", "model.gguf")
        #expect(problem("model.gguf") == .splitName("model.gguf"))
        try copy("split-00002-of-00002.gguf", "m-00002-of-00002.gguf")
        #expect(problem("m-00002-of-00002.gguf") == nil)
        #expect(problem("absent.gguf") == .unreadable(reason: "it could not be opened: No such file or directory"))
    }
}
