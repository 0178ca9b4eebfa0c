import Foundation
import Tensors
import TestSupport
import Testing
import Weights

@Suite(.ownThread) struct SafetensorsWriterTests {
    let directory = try! TemporaryDirectory()

    @Test func writtenTensorsReadBackEqual() throws {
        let url = directory.url.appending(path: "x.safetensors")
        let values: [Float] = [1, -2.5, 0x1p-70, 1.00390625, .infinity, 0]
        let source = try Safetensors(
            try directory.safetensors(#"{"u":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, dataCount: 3))
        try SafetensorsWriter.write(
            [
                .copy("odd", try #require(source.tensors["u"])),
                .bfloat16("narrow", Tensor(values, rows: 2, columns: 3), shape: [6]),
                .float32("wide", Tensor(values, rows: 2, columns: 3), shape: [1, 2, 3]),
                .float32("none", Tensor([], rows: 0, columns: 3)),
            ], metadata: ["step": "7", "by": "a \"test\""], to: url)
        let file = try Safetensors(url)
        #expect(file.metadata == ["step": "7", "by": "a \"test\""])
        #expect(file.tensors["wide"]?.shape == [1, 2, 3])
        #expect(try file.tensors["wide"]?.floats() == values)
        // 1.00390625 lies halfway between two bfloat16 numbers and goes to the even one.
        #expect(try file.tensors["narrow"]?.floats() == [1, -2.5, 0x1p-70, 1, .infinity, 0])
        #expect(file.tensors["odd"]?.byteCount == 3)
        #expect(file.tensors["none"]?.shape == [0, 3])
        #expect(directory.names == ["model.safetensors", "x.safetensors"])
    }

    @Test func aMappedFileOutlivesItsReplacement() throws {
        let url = directory.url.appending(path: "x.safetensors")
        try SafetensorsWriter.write([.float32("a", Tensor(row: [1, 2]))], to: url)
        let old = try Safetensors(url)
        try SafetensorsWriter.write([.float32("a", Tensor(row: [3]))], to: url)
        #expect(try old.tensors["a"]?.floats() == [1, 2])
        #expect(try Safetensors(url).tensors["a"]?.floats() == [3])
    }

    @Test func aFullDiskLeavesTheOldFileWhole() throws {
        // A sparse file of 2^42 bytes, more than any disk of a test machine: copying it must fail before it begins.
        let huge = try directory.safetensors(
            #"{"u":{"dtype":"U8","shape":[4398046511104],"data_offsets":[0,4398046511104]}}"#, dataCount: 0,
            name: "huge")
        let handle = try FileHandle(forWritingTo: huge)
        let start = try handle.seekToEnd()
        try handle.truncate(atOffset: start + 4_398_046_511_104)
        try handle.close()
        let source = try #require(try Safetensors(huge).tensors["u"])
        let url = directory.url.appending(path: "x.safetensors")
        try SafetensorsWriter.write([.float32("a", Tensor(row: [1, 2]))], to: url)
        let error = #expect(throws: FileWriteError.self) { try SafetensorsWriter.write([.copy("a", source)], to: url) }
        #expect(error?.path == url.path)
        #expect(try Safetensors(url).tensors["a"]?.floats() == [1, 2])
        #expect(directory.names == ["huge", "x.safetensors"])
    }

    @Test func whatIsNotCommittedLeavesNothing() throws {
        let path = directory.url.appending(path: "x").path
        do {
            var file = try AtomicFile(path: path, byteCount: 3)
            try file.write("abc")
        }
        #expect(directory.names == [])
        try AtomicFile.write("abc", to: path)
        #expect(directory.names == ["x"])
        #expect(throws: FileWriteError.self) { try AtomicFile.write("abc", to: directory.url.path + "/none/x") }
    }

    /// Its bytes first, then its name in the folder: where either does not reach the disk, nobody is told that the file is there.
    @Test func aFileThatTheDiskDoesNotTakeIsAnError() throws {
        let path = directory.url.appending(path: "x").path
        try AtomicFile.write("old", to: path)
        for synchronised in 0..<2 {
            let error = #expect(throws: FileWriteError.self) {
                try withFailingDisk(after: synchronised) { try AtomicFile.write("new", to: path) }
            }
            #expect(error?.code == EIO && directory.names == ["x"])
            #expect(try String(contentsOfFile: path, encoding: .utf8) == (synchronised == 0 ? "old" : "new"))
        }
        try withFailingDisk(after: 2) { try AtomicFile.write("newer", to: path) }
    }

    @Test func twoTensorsOfOneNameAreRefused() {
        let url = directory.url.appending(path: "x.safetensors")
        #expect(throws: FileWriteError.self) {
            try SafetensorsWriter.write([.float32("a", Tensor(row: [1])), .float32("a", Tensor(row: [2]))], to: url)
        }
        #expect(directory.names == [])
    }
}
