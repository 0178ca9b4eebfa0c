import ArgumentParser
import Evaluation
import Files
import Foundation

/// A folder with one report in every form, and, until the report is there, the answers so far.
struct ReportFolder {
    let url: URL

    init(_ url: URL) { self.url = url }

    var name: String { url.standardizedFileURL.lastPathComponent }
    private var progress: URL { url.appending(path: "progress.jsonl") }

    /// The answers so far. A folder that holds the report of another run is left alone.
    func progress(_ run: Reproducibility) throws -> ProgressFile {
        if let data = try? Data(contentsOf: url.appending(path: "report.json")), let report = try? GapReport(json: data) {
            let differences = zip(report.reproducibility.entries, run.entries).filter { $0.name != "machine" && $0.value != $1.value }
            guard differences.isEmpty else {
                throw ValidationError(
                    """
                    --output: \(url.path) holds the report of another run (\(differences.map { "\($0.name) is \($1.value) and was \($0.value)" }
                        .joined(separator: "; "))). Choose another folder, or remove this one.
                    """)
            }
        }
        try create()
        return try ProgressFile(progress, run: run)
    }

    private func create() throws {
        do { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) } catch {
            throw ValidationError("--output: \(url.path) cannot be made: \(FileError.reason(error))")
        }
    }

    func write(_ report: GapReport, _ set: QuestionSet) throws {
        try create()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines = Data()
        for item in report.items { lines += try encoder.encode(item) + Data("\n".utf8) }
        let files: [(String, Data)] = [
            ("report.md", Data(report.markdown().utf8)),
            ("report.html", Data(report.html(clip: try set.embeddedClips(of: report.items)).utf8)),
            ("items.csv", Data(report.csv().utf8)), ("items.jsonl", lines), ("report.json", try report.json()),
        ]
        for (name, data) in files {
            do { try data.write(to: url.appending(path: name), options: .atomic) } catch {
                throw ReportFolderError(path: url.appending(path: name).path, reason: FileError.reason(error))
            }
        }
        // The report holds all of it.
        try? FileManager.default.removeItem(at: progress)
    }

    /// The report in a file or in a folder.
    static func read(_ path: String) throws -> GapReport {
        var file = URL(filePath: path)
        if (try? file.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true { file.append(path: "report.json") }
        let data: Data
        do { data = try Data(reading: file) } catch {
            throw ValidationError("\(error). Give a report.json, or a folder that cord eval --output wrote.")
        }
        do { return try GapReport(json: data) } catch {
            throw ValidationError("\(file.path) is not a gap report: \((error as? DecodingError)?.words ?? "\(error)").")
        }
    }
}

/// The answers are kept, and the report is made of them again.
struct ReportFolderError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "writing \(path) failed: \(reason) Make room, and give the same command again: the answers are kept." }
}

/// The forms of a report.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    case md, json, csv, html

    func rendered(_ report: GapReport, _ set: QuestionSet) throws -> String {
        switch self {
        case .md: report.markdown()
        case .json: String(decoding: try report.json(), as: UTF8.self) + "\n"
        case .csv: report.csv()
        case .html: report.html(clip: try set.embeddedClips(of: report.items))
        }
    }
}
