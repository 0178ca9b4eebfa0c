import HTTP
import TestSupport
import Testing

@Suite(.ownThread) struct FormTests {
    func form(_ body: [UInt8], boundary: String = "b0") throws -> Form {
        try Form(
            Request(
                method: "POST", target: "/", headers: ["content-type": "multipart/form-data; boundary=\(boundary)"],
                body: body))
    }

    let audio = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) } + Array("\r\n--b\r\n--b1\r\n-".utf8)

    func whole() -> [UInt8] {
        Array("--b0\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nWhat is said? \u{e4}\r\n".utf8)
            + Array(
                "--b0\r\ncontent-disposition: form-data; filename=\"a \\\"b\\\".wav\"; name=file\r\nContent-Type: audio/wav\r\n\r\n"
                    .utf8)
            + audio + Array("\r\n--b0\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--b0--\r\n".utf8)
    }

    @Test func fieldsAndFilesAreTakenApart() throws {
        let form = try form(whole())
        #expect(form["prompt"] == "What is said? \u{e4}")
        #expect(form["empty"] == "")
        let file = try #require(form.file("file"))
        #expect(file.filename == "a \"b\".wav")
        #expect(file.contentType == "audio/wav")
        #expect(Array(file.bytes) == audio)
    }

    @Test func everyTruncationIsRefused() throws {
        let body = whole()
        for count in 0..<body.count - 4 {
            #expect(throws: HTTPError.self) { try form(Array(body[..<count])) }
        }
    }

    @Test func mutationsNeverTrap() {
        var random = SplitMix(seed: 1)
        let body = whole()
        for _ in 0..<20_000 {
            var mutated = Array(body.prefix(400)) + body.suffix(120)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let i = Int.random(in: 0..<mutated.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: mutated[i] = UInt8.random(in: 0...255, using: &random)
                case 1: mutated.remove(at: i)
                default:
                    mutated.insert(
                        contentsOf: Array("\r\n--b0\r\n".utf8).prefix(Int.random(in: 1...8, using: &random)), at: i)
                }
            }
            if let form = try? form(mutated) {
                #expect(form.files.reduce(0) { $0 + $1.bytes.count } <= mutated.count)
            }
        }
    }

    @Test(arguments: [
        "", "--b0", "--b0\r\n\r\n--b0--", "--b0\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b0--",
        "--b0 \r\n--b0--",
        "--b0\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n--b0--",
        "--b0\r\nContent-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b0--",
    ])
    func brokenFormsAreRefused(body: String) {
        #expect(throws: HTTPError.self) { try form(Array(body.utf8)) }
    }

    @Test func partsAreBounded() {
        let many =
            String(repeating: "--b0\r\nContent-Disposition: form-data; name=x\r\n\r\nx\r\n", count: 65) + "--b0--"
        #expect(throws: HTTPError.self) { try form(Array(many.utf8)) }
    }

    @Test func urlEncodedFormsAreReadAndOthersAre415() throws {
        let headers: Headers = ["content-type": "application/x-www-form-urlencoded"]
        let encoded = try Form(Request(method: "POST", target: "/", headers: headers, body: Array("a=1&b=x%20y".utf8)))
        #expect(encoded["b"] == "x y")
        let error = #expect(throws: HTTPError.self) {
            try Form(Request(method: "POST", target: "/", headers: ["content-type": "text/plain"]))
        }
        #expect(error?.status == 415)
    }
}
