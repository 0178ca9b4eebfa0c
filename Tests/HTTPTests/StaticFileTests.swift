import Files
import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    @Suite struct StaticFileTests {
        @Test func filesAreServedWithTypeTagAndGuards() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "cord-files-\(UInt64.random(in: 0...(.max)))")
            let inner = folder.appendingPathComponent("public/sub")
            try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            func write(_ text: String, _ path: String) throws {
                try Data(text.utf8).write(to: folder.appendingPathComponent(path))
            }
            try write("<p>start", "public/index.html")
            try write("export {}", "public/sub/app.js")
            try write("secret", "secret.txt")
            try write("hidden", "public/.hidden.txt")
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent("public/link.txt"),
                withDestinationURL: folder.appendingPathComponent("secret.txt"))

            try write("library()", "library.js")
            try write("library", "library.bin")
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent("library.link.js"), withDestinationURL: folder.appendingPathComponent("library.js"))

            var router = Router()
            router.get("/health") { _ in .text("ok") }
            var files = try StaticFiles(directory: folder.appendingPathComponent("public").path)
            files.add(folder.appendingPathComponent("library.link.js"), at: "vendor/library.js")
            files.add(folder.appendingPathComponent("absent.js"), at: "vendor/absent.js")
            files.add(folder.appendingPathComponent("library.bin"), at: "vendor/library.bin")
            router.files(files)
            let service = Service(router: router)
            let daemon = try Daemon(service, port: 0)
            for client in [MemoryClient(service), SocketClient(port: daemon.port)] as [any HTTPClient] {
                let page = try await client.get("/")
                #expect(page.headers["content-type"] == "text/html; charset=utf-8")
                #expect(page.headers["x-content-type-options"] == "nosniff")
                #expect(page.headers["content-security-policy"] != nil)
                #expect(try await page.text() == "<p>start")
                #expect(try await client.get("/sub/app.js").headers["content-type"] == "text/javascript; charset=utf-8")
                #expect(try await client.get("/vendor/library.js").text() == "library()")
                #expect(try await client.get("/health").text() == "ok")
                let tag = try #require(page.headers["etag"])
                let again = try await client.get("/index.html", headers: ["if-none-match": tag])
                #expect(again.status == 304)
                #expect(try await again.text() == "")
                for path in [
                    "/../secret.txt", "/%2e%2e/secret.txt", "/sub/..%2f..%2fsecret.txt", "//etc/passwd", "/link.txt",
                    "/.hidden.txt",
                    "/sub", "/index.html%00", "/library.js", "/vendor/absent.js", "/vendor/library.bin", "/vendor/../library.js", "/vendor/",
                ] {
                    #expect([400, 404].contains(try await client.get(path).status), "\(path)")
                }
                #expect(try await client.post("/nowhere", json: "{}").status == 404)
            }
            await daemon.stop()
        }

        @Test func aMissingFolderIsAnError() {
            let missing = #expect(throws: FileError.self) { try StaticFiles(directory: "/nonexistent/folder") }
            #expect(missing?.description == "/nonexistent/folder cannot be read: there is no such folder")
            let file = #expect(throws: FileError.self) { try StaticFiles(directory: #filePath) }
            #expect(file?.reason == "it is a file; expected a folder")
        }
    }
}
