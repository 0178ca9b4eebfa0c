/// The reason why a manifest was not read. The caller adds the file's name.
package enum ManifestError: Error, Equatable, CustomStringConvertible {
    case unreadable(reason: String)
    case tooLarge(bytes: Int, limit: Int)
    case tooManyRows(limit: Int)
    /// Another kind of file or folder, with the way to convert it to a manifest.
    case otherFormat(String)
    case row(line: Int, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let reason): reason
        case .tooLarge(let bytes, let limit): "it has \(bytes) bytes, more than the \(limit) that are read; split it"
        case .tooManyRows(let limit): "it has more than \(limit) rows, the most that are read; split it"
        case .otherFormat(let found): found
        case .row(let line, let reason): "line \(line): \(reason)"
        }
    }
}

/// Files that are often sent instead of a manifest, recognised by their first bytes.
enum OtherFormat {
    static let parquet = """
        it is a Parquet file, which is not read; convert it: python -c "import pandas as p; \
        p.read_parquet('data.parquet').to_json('data.jsonl', orient='records', lines=True, force_ascii=False)" \
        (where a column holds the clips themselves, write them to files first; the VoiceBench line of cord gap formats shows how)
        """
    static let arrow = """
        it is an Arrow file, as datasets saves one, which is not read; convert it: python -c "import datasets as d; \
        d.load_from_disk('FOLDER').to_json('data.jsonl')"
        """
    static let workbook = "it is a spreadsheet's own file, which is not read; save it as CSV (UTF-8)"

    private static let beginnings: [(bytes: [UInt8], found: String)] = [
        (Array("PAR1".utf8), parquet), (Array("ARROW1".utf8), arrow), ([0xFF, 0xFF, 0xFF, 0xFF], arrow), ([0xD0, 0xCF, 0x11, 0xE0], workbook),
        ([0x50, 0x4B, 0x03, 0x04], "it is a zip file or a spreadsheet; unpack the zip and name its folder, or save the spreadsheet as CSV (UTF-8)"),
        ([0x1F, 0x8B], "it is compressed with gzip; gunzip it"), ([0x28, 0xB5, 0x2F, 0xFD], "it is compressed with zstd; unzstd it"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "it is compressed with xz; unxz it"), ([0x42, 0x5A, 0x68], "it is compressed with bzip2; bunzip2 it"),
        ([0xFF, 0xFE], "its text is UTF-16; save it as UTF-8"), ([0xFE, 0xFF], "its text is UTF-16; save it as UTF-8"),
        (Array("RIFF".utf8), "it is a sound file; a manifest is JSON lines or CSV"),
        (Array("fLaC".utf8), "it is a sound file; a manifest is JSON lines or CSV"),
        (Array("OggS".utf8), "it is a sound file; a manifest is JSON lines or CSV"),
        (Array("ID3".utf8), "it is a sound file; a manifest is JSON lines or CSV"),
    ]

    /// The name of the format, if the bytes do not begin like text.
    static func found(in head: some Collection<UInt8>) -> String? {
        beginnings.first { head.starts(with: $0.bytes) }?.found
    }
}
