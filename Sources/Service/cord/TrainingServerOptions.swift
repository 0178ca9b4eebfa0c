import ArgumentParser
import Foundation
import Objectives
import Training

/// Other servers that a training asks or tells.
struct TrainingServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A frozen teacher that another server computes, as http://localhost:8080/v1: POST …/completions with token ids, echo and logprobs, as cord \
            serve answers them. It tells the log-probabilities of sampled tokens, enough for --method opd_sampled alone, and must have this \
            model's tokens. CORD_TEACHER_KEY is its key.
            """, valueName: "url"))
    var teacherEndpoint: String?
    @Option(help: ArgumentHelp("The model that --teacher-endpoint is asked for. Without it, the server's own.", valueName: "name"))
    var teacherModel: String?
    @OptionGroup var tracking: TrackingOptions

    func check(_ objective: Objective, hasTeacher: Bool) throws {
        guard teacherEndpoint != nil else {
            if teacherModel != nil { throw ValidationError("--teacher-model names a model of --teacher-endpoint; give that.") }
            return
        }
        if hasTeacher { throw ValidationError("--teacher-endpoint and --teacher-adapter both name the teacher; give one of them.") }
        if objective.teacher == .current { throw ValidationError("--teacher-endpoint names a frozen teacher; leave out --teacher current.") }
        if objective.method != .opdSampled {
            throw ValidationError(
                """
                --teacher-endpoint: a server tells the log-probabilities of tokens that it is shown, enough for --method opd_sampled. \
                \(objective.method.rawValue) \(Self.lacking(objective)).
                """)
        }
    }

    /// What a method would need of a teacher besides.
    private static func lacking(_ objective: Objective) -> String {
        if objective.needs(.teacherLogProbabilities, of: .student) || objective.needs(.teacherLogProbabilities, of: .teacher) {
            return "compares distributions over the whole vocabulary, of a teacher that is computed here (--teacher-adapter)"
        }
        return objective.needsTeacherAnswer ? "needs the teacher's own answers (--teacher-adapter)" : "asks no teacher"
    }

    func teacher() throws -> TeacherEndpoint? {
        try teacherEndpoint.map {
            try TeacherEndpoint($0, model: teacherModel, key: ProcessInfo.processInfo.environment["CORD_TEACHER_KEY"])
        }
    }

    func mirror(of directory: URL) throws -> RunMirror? { try tracking.mirror(of: directory).map(RunMirror.init) }
}

/// A tracking server that is told a run's metrics.
struct TrackingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A tracking server of MLflow that is told parameters and metrics, too. MLFLOW_TRACKING_TOKEN is its key.", valueName: "url"))
    var mlflow: String?
    @Option(help: ArgumentHelp("The experiment of MLflow in which the run stands.", valueName: "name")) var mlflowExperiment = "cord"

    func mirror(of directory: URL) throws -> MLflowMirror? {
        try mlflow.map {
            try MLflowMirror(
                $0, token: ProcessInfo.processInfo.environment["MLFLOW_TRACKING_TOKEN"], experiment: mlflowExperiment, directory: directory)
        }
    }
}
