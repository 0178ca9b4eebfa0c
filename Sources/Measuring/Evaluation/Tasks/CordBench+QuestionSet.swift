package import CordBench

extension CordBench {
    package func questionSet() throws -> QuestionSet { try BenchmarkCatalog.questionSet(at: directory, name: rawValue) }
}
