import ArgumentParser
import Objectives

struct Methods: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the methods of training: the name that cord train and the HTTP interface take, and what tables call it.")

    func run() {
        for method in Objective.Method.allCases { print(method.rawValue, method.title, separator: "\t") }
    }
}
