import Judging

/// How the subsets of VoiceBench that are not told by their references are scored.
///
///     AlpacaEval, CommonEval, WildVoice   no reference    rated from 1 to 5 by a judge
///     SD-QA                               reference       yes or no by a judge; several regions speak one question
///     AdvBench                            no reference    refused or answered
///     IFEval                              instructions    rules (ManifestRow+Instructions), whatever the subset is called
enum VoiceBenchSubset: Equatable {
    case open
    case sdQA
    case advBench

    /// - Parameter name: of the configuration on Hugging Face; nil for those whose references say all.
    init?(_ name: String) {
        switch name {
        case "alpacaeval", "alpacaeval_full", "alpacaeval_speaker", "commoneval", "wildvoice": self = .open
        case "sd-qa": self = .sdQA
        case "advbench": self = .advBench
        default: return nil
        }
    }

    /// The type and the answer of a row; a type that the caller asks for stands before the subset's own.
    func scoring(_ row: ManifestRow, _ type: TaskType?) throws -> (TaskType, String) {
        switch self {
        case .open: (type ?? .rating, try row.text("reference") ?? "")
        case .sdQA: (type ?? .freeForm, try row.required("reference"))
        case .advBench: (type ?? .refusal, "refused")
        }
    }

    /// Those of a row of another subset, or of an export that does not name it.
    static func referenced(_ row: ManifestRow, _ type: TaskType?) throws -> (TaskType, String) {
        switch type {
        case .rating: return (.rating, try row.text("reference") ?? "")
        case .refusal: return (.refusal, "refused")
        default:
            let answer = try row.required("reference")
            return (type ?? TaskType(ofReference: answer), answer)
        }
    }
}
