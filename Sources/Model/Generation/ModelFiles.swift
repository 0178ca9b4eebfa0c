import Files
package import Foundation
package import Models
package import Tokenization
package import Weights

/// The location of a model.
package enum ModelFiles: Sendable {
    /// A directory in the Hugging Face layout.
    case directory(URL)
    /// A decoder, and a projector with its audio encoder, as llama.cpp's converter writes them. For a split model, any one of its files.
    case gguf(decoder: URL, projector: URL)

    /// Finds the model at a path: a Hugging Face directory, a decoder's GGUF file, or a directory with one decoder and one projector in GGUF. An
    /// explicit `projector` takes precedence over one beside the decoder.
    package init(_ model: URL, projector: URL? = nil) throws {
        let files = FileManager.default
        guard files.fileExists(atPath: model.path) else {
            throw ModelError("\(model.path): there is no such file or directory")
        }
        guard try model.resolvingSymlinksInPath().resourceValues(forKeys: [.isDirectoryKey]).isDirectory ?? false else {
            guard let projector else {
                let magic = try Data(head: 4, of: model)
                guard magic == Data("GGUF".utf8) else {
                    throw ModelError("\(model.path) is no GGUF file; expected a directory as published on Hugging Face, or a decoder in GGUF")
                }
                throw ModelError("\(model.path) is a decoder alone; expected its projector, too, as --mmproj FILE")
            }
            self = .gguf(decoder: model, projector: projector)
            return
        }
        if let error = FileError(folder: model) { throw error }
        let names = try files.contentsOfDirectory(atPath: model.path).filter { $0.hasSuffix(".gguf") }.sorted()
        let isPublished = files.fileExists(atPath: model.appending(path: "config.json").path)
        guard isPublished || !names.isEmpty else {
            throw ModelError("there is no config.json in \(model.path), and no GGUF file. Give a directory as published on Hugging Face")
        }
        if isPublished {
            if let projector { throw ModelError("\(model.path) is no GGUF model; it takes no projector such as \(projector.path)") }
            self = .directory(model)
            return
        }
        // One file of a split model stands for all of them.
        let firsts = names.filter { $0.firstMatch(of: /-\d{5}-of-\d{5}\.gguf$/) == nil || $0.contains("-00001-of-") }
        let found = try firsts.map { name in
            let file = try GGUF(model.appending(path: name))
            return (file.files[0].url, isProjector: try file.string("general.architecture") == "clip")
        }
        let decoders = found.filter { !$0.isProjector }.map(\.0), projectors = projector.map { [$0] } ?? found.filter(\.isProjector).map(\.0)
        guard decoders.count == 1, projectors.count == 1 else {
            func list(_ urls: [URL]) -> String { urls.isEmpty ? "none" : urls.map(\.lastPathComponent).joined(separator: ", ") }
            throw ModelError(
                """
                \(model.path): expected one decoder and one projector, found the decoders \(list(decoders)) and the projectors \
                \(list(projectors)); name them: --model DECODER.gguf --mmproj PROJECTOR.gguf
                """)
        }
        self = .gguf(decoder: decoders[0], projector: projectors[0])
    }
}

/// A model's files, read except for the weights.
package struct OpenedModel {
    let checkpoint: Checkpoint
    let family: any ModelFamily.Type
    let tokenizer: Tokenizer
    let template: ChatTemplate
    /// Each GGUF file with its size; empty for a directory.
    let files: [(url: URL, byteCount: Int)]

    /// A model that is not stored in files.
    package init(_ checkpoint: Checkpoint, of family: any ModelFamily.Type, tokenizer: Tokenizer, template: ChatTemplate) {
        (self.checkpoint, self.family, self.tokenizer, self.template, files) = (checkpoint, family, tokenizer, template, [])
    }

    init(_ files: ModelFiles) throws {
        switch files {
        case .directory(let directory):
            checkpoint = try Checkpoint(model: directory)
            family = try Family(checkpoint.config).definition
            tokenizer = try Tokenizer(directory: checkpoint.folder(of: "tokenizer.json"), adding: family.soundInText)
            template =
                try family.chatTemplate.map { try ChatTemplate($0) } ?? ChatTemplate(directory: checkpoint.folder(of: "tokenizer_config.json"))
            self.files = []
        case .gguf(let decoder, let projector):
            let (decoder, projector) = (try GGUF(decoder), try GGUF(projector))
            checkpoint = try Checkpoint(decoder: decoder, projector: projector)
            family = try Family(checkpoint.config).definition
            tokenizer = try Tokenizer(of: decoder, adding: family.soundInText)
            template = try ChatTemplate(Checkpoint.chatTemplate(decoder, projector), of: decoder)
            self.files = decoder.files + projector.files
        }
    }
}
