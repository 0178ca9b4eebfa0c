import Encodings
import Files
import Foundation
import Testing

@Suite struct ClipTextTests {
    /// `python3 -c "import base64; print(base64.b64encode(bytes([0xfb, 0xff, 0xbe, 0x01])))"`, and its kin.
    @Test(arguments: ["+/++AQ==", "-_--AQ==", "+/++AQ", "-_--AQ", "+/++\r\nAQ==\n", " +/++AQ==\t", "+_-+AQ="])
    func base64IsReadAsClientsWriteIt(text: String) {
        #expect(Base64Text.bytes(text) == Data([0xFB, 0xFF, 0xBE, 0x01]))
    }

    /// A space inside is a + that a form took away: reading on would change the sound.
    @Test(arguments: ["+/++A", "+/ +AQ==", "+/+%AQ==", "AQ==AQ=", "é"])
    func whatIsNoBase64IsNotRepaired(text: String) {
        #expect(Base64Text.bytes(text) == nil)
    }

    @Test(arguments: [
        ("data:audio/wav;base64,UklGRg==", "audio/wav"),
        ("data:audio/wav;base64,UklGRg%3D%3D", "audio/wav"),
        ("data:audio/wav,%52%49%46%46", "audio/wav"),
        ("data:audio/wav,RIFF", "audio/wav"),
        ("data:audio/wav;charset=utf-8;base64,UklGRg", "audio/wav"),
        ("data:audio/webm;codecs=opus;BASE64,%55klGRg%3d%3d", "audio/webm"),
        ("DATA:;base64,UklG\nRg==", ""),
        ("  data:audio/wav; base64 , UklGRg==\n", "audio/wav"),
        ("data:,RIFF", ""),
    ])
    func dataURLsGiveTheirBytes(text: String, type: String) throws {
        let url = try DataURL(text)
        #expect(url.bytes == Data("RIFF".utf8))
        #expect(url.mediaType == type)
    }

    /// Every byte survives, whichever way it is written.
    @Test func everyByteIsReadBack() throws {
        let bytes = Data((0...255).map { UInt8($0) })
        let percent = bytes.map { String(format: "%%%02X", $0) }.joined()
        #expect(try DataURL("data:audio/wav," + percent).bytes == bytes)
        let base64 = bytes.base64EncodedString()
        #expect(try DataURL("data:audio/wav;base64," + base64).bytes == bytes)
        let encoded = base64.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
        #expect(try DataURL("data:audio/wav;base64," + encoded).bytes == bytes)
    }

    @Test(arguments: [
        ("data:audio/wav;base64", "comma"), ("data:audio/wav;base64,%%", "hexadecimal"), ("data:audio/wav,%4", "hexadecimal"),
        ("data:audio/wav;base64,a b+", "base64"), ("http://host/a.wav", "data:"),
    ])
    func brokenDataURLsAreNamed(text: String, words: String) {
        let error = #expect(throws: DataURLError.self) { try DataURL(text) }
        #expect(error?.found.contains(words) == true, "\(String(describing: error))")
    }

    @Test func aByteOrderMarkIsNoText() {
        #expect(Data([0xEF, 0xBB, 0xBF, 0x7B]).withoutByteOrderMark == Data([0x7B]))
        #expect(Data([0xEF, 0xBB]).withoutByteOrderMark == Data([0xEF, 0xBB]))
    }
}
