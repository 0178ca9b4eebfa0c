import CGNU
package import Foundation
import Glibc

/// The files of the program, which lie beside the executable after following links.
///
///     cord  cord-decode  cord_CordBench.resources/  cord_CordNano.resources/  cord_Server.resources/  Public/
///
/// SwiftPM's own `Bundle.module` ends the process if a folder is missing, and looks into the folder of the build.
package enum ProgramFolder {
    /// The folder of the file that holds this code, such as a bundle of tests, and the folder of the executable.
    package static let candidates: [URL] = {
        var paths = unsafe cord_image_path().map { [unsafe String(cString: $0)] } ?? []
        paths.append("/proc/self/exe")
        var folders: [URL] = []
        for path in paths {
            guard let resolved = unsafe realpath(path, nil) else { continue }
            defer { unsafe free(resolved) }
            let folder = URL(fileURLWithPath: unsafe String(cString: resolved)).deletingLastPathComponent()
            if !folders.contains(folder) { folders.append(folder) }
        }
        return folders
    }()

    /// The folder that the build copied for a room (`resources:` in Package.swift), or the place where it is expected.
    package static func resources(of room: String) -> URL { place("cord_\(room).resources") ?? expected("cord_\(room).resources") }

    /// A file or folder beside the program, nil if there is none.
    package static func place(_ name: String) -> URL? {
        candidates.map { $0.appendingPathComponent(name) }.first { FileManager.default.fileExists(atPath: $0.path) }
    }

    private static func expected(_ name: String) -> URL { (candidates.last ?? URL(fileURLWithPath: "/")).appendingPathComponent(name) }

    /// - Throws: ``MissingPart`` if the resources of one of the rooms are not beside the program.
    package static func check(_ rooms: [String]) throws(MissingPart) {
        for room in rooms where place("cord_\(room).resources") == nil { throw MissingPart(expected: expected("cord_\(room).resources").path) }
    }
}

/// A part of the program that was left behind when it was moved.
package struct MissingPart: Error, Equatable, CustomStringConvertible {
    package let expected: String

    package var description: String {
        "\(expected) is missing: cord needs the folders that the build left beside it. Move them together, install cord anew, or start it by a link."
    }
}
