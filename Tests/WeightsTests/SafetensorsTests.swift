import Foundation
import JSON
import Tensors
import TestSupport
import Testing
import Weights

@Suite(.ownThread) struct SafetensorsTests {
    let directory = try! TemporaryDirectory()

    private func problem(_ header: String, dataCount: Int, padded: Bool = true) throws -> SafetensorsError.Problem? {
        do {
            _ = try Safetensors(try directory.safetensors(header, dataCount: dataCount, padded: padded))
            return nil
        } catch let error as SafetensorsError {
            #expect(error.description.contains("model.safetensors"))
            return error.problem
        }
    }

    private func tensor(_ dtype: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    @Test func readsShapesValuesAndMetadata() throws {
        let header =
            #"{"__metadata__":{"format":"pt"},"b":"# + tensor("U8", "[3]", 8, 11) + #","a":"#
            + tensor("F32", "[1,2]", 0, 8)
            + #","none":"# + tensor("F32", "[0,7]", 0, 0) + "}"
        var bytes = safetensorsBytes(header, dataCount: 11)
        bytes.replaceSubrange(bytes.count - 11..<bytes.count - 3, with: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
        let file = try Safetensors(try directory.file("x.safetensors", bytes))
        #expect(file.metadata == ["format": "pt"])
        #expect(file.tensors["a"]?.shape == [1, 2])
        #expect(try file.tensors["a"]?.floats() == [1, -2])
        #expect(file.tensors["b"]?.dtype == .uint8)
        #expect(try file.tensors["none"]?.floats() == [])
        #expect(throws: WeightError.wrongDType(name: "b", expected: "floats or GGML's blocks", found: .uint8)) {
            try file.tensors["b"]?.floats()
        }
    }

    @Test(arguments: [
        (DType.float16, [UInt8]([0x00, 0x3C, 0x01, 0x00]), [Float(1), 0x1p-24]),
        (.bfloat16, [0x80, 0x3F, 0x49, 0xC0], [1, -3.140625]),
    ])
    func halfPrecisionWidensExactly(dtype: DType, bytes: [UInt8], values: [Float]) throws {
        var content = safetensorsBytes(#"{"x":"# + tensor(dtype.name, "[2]", 0, 4) + "}", dataCount: 0)
        content += bytes
        let stored = try #require(try Safetensors(try directory.file("x", content)).tensors["x"])
        #expect(try stored.floats() == values)
        #expect(try stored.matrix(rows: 1, columns: 2).widened().values == values)
    }

    /// Bytes of x.safetensors that the system counts as memory of this process.
    private func resident() throws -> Int {
        var isMapping = false
        let maps = try #require(try FileHandle(forReadingAtPath: "/proc/self/smaps")?.readToEnd())
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            if line.hasSuffix(directory.url.lastPathComponent + "/x.safetensors") { isMapping = true }
            if isMapping, line.hasPrefix("Rss:"), let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return 1024 * kilobytes
            }
        }
        Issue.record("x.safetensors is not mapped")
        return 0
    }

    /// Pages that were given back come again with what the file holds, those of neighbours are left alone, and memory without a file stays as it is.
    @Test func pagesThatWereGivenBackComeAgain() throws {
        let count = 20_000
        var bytes = safetensorsBytes(
            #"{"a":"# + tensor("F32", "[1,25]", 0, 100) + #","b":"# + tensor("F32", "[1,\(count)]", 100, 100 + 4 * count) + "}", dataCount: 0)
        let values = (0..<25 + count).map { Float($0) }
        for value in values { unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) } }
        let file = try Safetensors(try directory.file("x.safetensors", bytes))
        let (a, b) = (try #require(file.tensors["a"]), try #require(file.tensors["b"]))
        let matrix = try b.matrix(rows: 1, columns: count)
        for _ in 0..<2 {
            #expect(try a.floats() + b.floats() == values)
            #expect(matrix.widened().values == Array(values[25...]))
            a.releasePages()
            b.releasePages()
        }
        // The system counts them no more. Two pages at either end lie there with neighbours.
        #expect(try b.floats().count == count)
        let whole = try resident()
        b.releasePages()
        #expect(try whole - resident() >= 4 * count - 2 * 4096)
        let memory = StoredTensor(name: "c", Tensor(row: values))
        memory.releasePages()
        #expect(try memory.floats() == values)
    }

    @Test func refusesWhatIsNoSafetensorsFile() throws {
        func problem(_ bytes: [UInt8]) throws -> SafetensorsError.Problem? {
            let url = try directory.file("x", bytes)
            return #expect(throws: SafetensorsError.self) { try Safetensors(url) }?.problem
        }
        #expect(try problem([]) == .tooShort(bytes: 0))
        #expect(try problem([1, 2, 3]) == .tooShort(bytes: 3))
        #expect(try problem([9, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D]) == .headerBeyondFile(bytes: 9, file: 10))
        #expect(
            try problem([UInt8](repeating: 0xFF, count: 8) + [0x7B, 0x7D])
                == .headerTooLarge(bytes: .max, limit: 100_000_000))
        let missing = #expect(throws: SafetensorsError.self) { try Safetensors(directory.url.appending(path: "none")) }
        #expect(missing?.description.contains("No such file") == true)
        let folder = #expect(throws: SafetensorsError.self) { try Safetensors(directory.url) }
        #expect(folder?.problem == .unreadable(reason: "expected a regular file"))
    }

    @Test(arguments: [
        "", "[]", "{", "{}x", "nul", #"{"a"}"#, #"{"a":1}"#, #"{"a":[]}"#, #"{"a":{"dtype":3}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":{"0":1},"data_offsets":[0,4]}}"#,
        #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":[]}"#, "{\"a\u{01}\":{}}", #"{"\ud800":{}}"#, #"{'a':{}}"#,
        String(repeating: "[", count: 10_000),
        #"{"__metadata__":"# + String(repeating: #"{"a":"#, count: 10_000),
    ])
    func refusesAHeaderThatIsNotTheExpectedJSON(header: String) throws {
        guard case .headerSyntax = try problem(header, dataCount: 4) else {
            Issue.record("\(header.prefix(80)) was read as \(String(describing: try problem(header, dataCount: 4)))")
            return
        }
    }

    @Test func refusesEqualKeys() throws {
        let entry = tensor("F32", "[1]", 0, 4)
        let twice = try problem(#"{"a":"# + entry + #","a":"# + entry + "}", dataCount: 4)
        guard case .headerSyntax(.duplicateKey("a", _)) = twice else { return #expect(twice == nil) }
        let escaped = try problem(#"{"a":"# + entry + #","\u0061":"# + entry + "}", dataCount: 4)
        guard case .headerSyntax(.duplicateKey("a", _)) = escaped else { return #expect(escaped == nil) }
        let shape = #"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#
        guard case .headerSyntax(.duplicateKey("shape", _)) = try problem(shape, dataCount: 4) else {
            Issue.record("two shapes were read")
            return
        }
    }

    @Test func refusesFieldsThatAreMissingOrUnknown() throws {
        #expect(try problem(#"{"a":{}}"#, dataCount: 0) == .missingField(tensor: "a", field: "dtype"))
        #expect(try problem(#"{"a":{"dtype":"F32"}}"#, dataCount: 0) == .missingField(tensor: "a", field: "shape"))
        #expect(
            try problem(#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0]}}"#, dataCount: 4)
                == .missingField(tensor: "a", field: "data_offsets"))
        #expect(
            try problem(#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,8]}}"#, dataCount: 4)
                == .unexpectedField(tensor: "a", field: "a third offset"))
        #expect(try problem(#"{"a":{"strides":[1]}}"#, dataCount: 0) == .unexpectedField(tensor: "a", field: "strides"))
        let deep = String(repeating: #"{"a":"#, count: 10_000)
        #expect(try problem(deep, dataCount: 0) == .unexpectedField(tensor: "a", field: "a"))
        #expect(try problem(#"{"a":{"dtype":"F33"}}"#, dataCount: 0) == .unknownDType(tensor: "a", found: "F33"))
    }

    @Test func refusesOffsetsThatDoNotFit() throws {
        func single(_ shape: String, _ begin: Int, _ end: Int, data: Int) throws -> SafetensorsError.Problem? {
            try problem(#"{"a":"# + tensor("F32", shape, begin, end) + "}", dataCount: data)
        }
        #expect(try single("[2]", 0, 8, data: 8) == nil)
        #expect(try single("[2]", 0, 8, data: 7) == .beyondFile(tensor: "a", end: 8, data: 7))
        #expect(try single("[2]", 8, 0, data: 8) == .reversedOffsets(tensor: "a", begin: 8, end: 0))
        #expect(try single("[2]", 0, 4, data: 8) == .sizeMismatch(tensor: "a", expected: 8, found: 4))
        #expect(try single("[2]", 4, 12, data: 12) == .hole(before: "a", bytes: 4))
        #expect(try single("[2]", 0, 8, data: 9) == .trailingBytes(1))
        #expect(
            try single("[4611686018427387904]", 0, 8, data: 8)
                == .sizeOverflow(tensor: "a", shape: [4_611_686_018_427_387_904]))
        #expect(
            try single("[2147483648,2147483648,2]", 0, 8, data: 8)
                == .sizeOverflow(tensor: "a", shape: [2_147_483_648, 2_147_483_648, 2]))
        let many = "[" + Array(repeating: "1", count: 17).joined(separator: ",") + "]"
        #expect(try single(many, 0, 4, data: 4) == .tooManyDimensions(tensor: "a", limit: 16))
        #expect(
            try single("[2305843009213693950]", 0, 9_223_372_036_854_775_800, data: 8)
                == .beyondFile(tensor: "a", end: 9_223_372_036_854_775_800, data: 8))
    }

    @Test func refusesTensorsThatShareOrSkipBytes() throws {
        func pair(_ a: String, _ b: String, data: Int) throws -> SafetensorsError.Problem? {
            try problem(#"{"a":"# + a + #","b":"# + b + "}", dataCount: data)
        }
        let a = tensor("F32", "[2]", 0, 8)
        #expect(try pair(a, tensor("F32", "[2]", 8, 16), data: 16) == nil)
        #expect(try pair(a, tensor("F32", "[2]", 4, 12), data: 12) == .overlap(tensor: "b", with: "a"))
        #expect(try pair(a, a, data: 8) == .overlap(tensor: "b", with: "a"))
        #expect(try pair(a, tensor("F32", "[2]", 12, 20), data: 20) == .hole(before: "b", bytes: 4))
        #expect(try pair(a, tensor("U8", "[0]", 4, 4), data: 8) == .overlap(tensor: "b", with: "a"))
        #expect(
            try pair(tensor("U8", "[3]", 0, 3), tensor("F16", "[1]", 3, 5), data: 5)
                == .misaligned(tensor: "b", alignment: 2))
        #expect(
            try problem(#"{"a":"# + tensor("F32", "[1]", 0, 4) + "} ", dataCount: 4, padded: false)
                == .misaligned(tensor: "a", alignment: 4))
    }

    @Test func aDamagedHeaderNeverCrashes() throws {
        let whole = try Data(contentsOf: fixtures.appending(path: "weights/regex/adapter_model.safetensors"))
        var random = SplitMix(seed: 20_26)
        var refused = 0
        for _ in 0..<400 {
            var bytes = whole
            let headerCount = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<headerCount, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &random)) }
            do {
                let file = try Safetensors(try directory.file("x", bytes))
                for tensor in file.tensors.values { _ = try? tensor.floats() }
            } catch is SafetensorsError {
                refused += 1
            }
        }
        #expect(refused > 300)
    }
}
