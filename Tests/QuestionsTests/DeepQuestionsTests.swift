import Foundation
import Randomness
import Testing

import Questions

/// The deep families, each against a solver that reads the text alone.
struct DeepQuestionsTests {
    private func drawn(_ family: QuestionFamily, _ depths: ClosedRange<Int>, _ count: Int = 200) throws -> [Question] {
        try QuestionGenerator.distinct(count, seed: 7, split: .training, families: [family], depths: depths)
    }

    private func numbers(_ text: some StringProtocol) -> [Int] { String(text).matches(of: /[0-9]+/).compactMap { Int($0.0) } }

    @Test func chainsEndWhereTheirChangesLead() throws {
        for question in try drawn(.chains, 1...12) {
            var sentences = question.text.split(separator: /[.?]/).map { $0.lowercased() }
            var value = try #require(numbers(sentences.removeFirst()).first)
            for sentence in sentences.dropLast() {
                let amount = numbers(sentence).first
                if sentence.contains("double") || sentence.contains("twice") {
                    value *= 2
                } else if sentence.contains("hal") || sentence.contains("divide") {
                    value /= 2
                } else if sentence.contains("multipl") {
                    value *= try #require(amount)
                } else if sentence.contains("add") {
                    value += try #require(amount)
                } else {
                    value -= try #require(amount)
                }
            }
            #expect(question.answer == String(value), "\(question.text)")
            #expect(question.depth == sentences.count - 1)
        }
    }

    @Test func sumsAreWorkedFromTheLeft() throws {
        for question in try drawn(.sums, 1...3) {
            let text = question.text.lowercased().replacing("two times", with: "double")
            var value = try #require(numbers(text).first)
            if text.contains("double") || text.contains("twice") { value *= 2 }
            if text.contains("hal") { value /= 2 }
            var operations = 0
            for match in text.matches(of: /(plus|and|added to|minus|times|divided by) ([0-9]+)/) {
                let amount = try #require(Int(match.2))
                operations += 1
                switch match.1 {
                case "minus": value -= amount
                case "times": value *= amount
                case "divided by": value /= amount
                default: value += amount
                }
            }
            #expect(question.answer == String(value), "\(question.text)")
            #expect(question.depth == max(1, operations))
        }
    }

    @Test func columnsAddAndSubtract() throws {
        for question in try drawn(.columns, 1...6) {
            let terms = numbers(question.text)
            let text = question.text.lowercased()
            let isDifference = ["minus", "subtract", "away", "left"].contains { text.contains($0) }
            let expected = isDifference ? abs(terms[0] - terms[1]) : terms[0] + terms[1]
            #expect(question.answer == String(expected), "\(question.text)")
            // The digits that the columns write are the answer's, from the right.
            let written = question.solution.matches(of: /= ([0-9]+)/).compactMap { Int($0.1) }.map { $0 % 10 }
            let padded = String(String(expected).reversed()) + String(repeating: "0", count: 8)
            #expect(padded.hasPrefix(written.dropLast().map(String.init).joined()), "\(question.solution)")
        }
    }

    @Test func ownersHaveWhatTheEventsLeaveThem() throws {
        for question in try drawn(.owners, 1...8) {
            var amounts: [String: Int] = [:]
            for match in question.text.matches(of: /([A-Z][a-z]+) has ([0-9]+)/) { amounts[String(match.1)] = Int(match.2) }
            for match in question.text.matches(of: /([A-Z][a-z]+) gives (?:([A-Z][a-z]+) ([0-9]+)|([0-9]+) to ([A-Z][a-z]+))/) {
                let amount = try #require(Int(match.3 ?? match.4 ?? ""))
                amounts[String(match.1), default: 0] -= amount
                amounts[String(match.2 ?? match.5 ?? ""), default: 0] += amount
            }
            for match in question.text.matches(of: /([A-Z][a-z]+) (buys|finds|gets|wins) ([0-9]+)/) {
                amounts[String(match.1), default: 0] += Int(match.3) ?? 0
            }
            for match in question.text.matches(of: /([A-Z][a-z]+) (?:loses|sells|uses|gives away|throws away) ([0-9]+)/) {
                amounts[String(match.1), default: 0] -= Int(match.2) ?? 0
            }
            let asked = try #require(question.text.firstMatch(of: /does ([A-Z][a-z]+) have/)).1
            #expect(question.answer == amounts[String(asked)].map(String.init), "\(question.text)")
            #expect(amounts.values.allSatisfy { $0 >= 0 })
        }
    }

    @Test func derivedAmountsFollowFromTheirFactsInAnyOrder() throws {
        for question in try drawn(.derived, 1...10) {
            var known: [String: Int] = [:]
            let sentences = question.text.split(separator: ".").map(String.init).dropLast()
            for _ in sentences {
                for sentence in sentences {
                    let names = sentence.matches(of: /[A-Z][a-z]+/).map { String($0.0) }
                    guard names.count == 2 || sentence.contains(/is [0-9]+ years old|has [0-9]+ [a-z]+$/) else { continue }
                    guard names.count == 2 else {
                        known[names[0]] = numbers(sentence).first
                        continue
                    }
                    guard let other = known[names[1]] else { continue }
                    if sentence.contains("twice") {
                        known[names[0]] = other * 2
                    } else if sentence.contains("three times") {
                        known[names[0]] = other * 3
                    } else {
                        let amount = try #require(numbers(sentence).first)
                        known[names[0]] = sentence.contains("younger") || sentence.contains("less") ? other - amount : other + amount
                    }
                }
            }
            let asked = try #require(question.text.split(separator: ".").last?.matches(of: /[A-Z][a-z]+/).map { String($0.0) }.last)
            #expect(question.answer == known[asked].map(String.init), "\(question.text)")
        }
    }

    @Test func agendasCountDays() throws {
        let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        for question in try drawn(.agenda, 1...6) {
            var known: [String: Int] = [:]
            for match in question.text.matches(of: /The ([a-z]+) is on ([A-Z][a-z]+)\./) {
                known[String(match.1)] = days.firstIndex(of: String(match.2))
            }
            let relations = question.text.matches(of: /The ([a-z]+) is ([0-9]+|one|the) days? (after|before) the ([a-z]+)\./)
            for _ in relations {
                for match in relations {
                    guard let other = known[String(match.4)] else { continue }
                    known[String(match.1)] = (other + (Int(match.2) ?? 1) * (match.3 == "after" ? 1 : -1) + 70) % 7
                }
            }
            let asked = try #require(question.text.firstMatch(of: /is the ([a-z]+)\?/)).1
            var day = try #require(known[String(asked)])
            if question.text.contains("moves to Monday"), day > 4 { day = 0 }
            #expect(question.answer == days[day], "\(question.text)")
        }
    }

    @Test(arguments: [QuestionFamily.shopping, .legs, .travel]) func productsAddUp(family: QuestionFamily) throws {
        for question in try drawn(family, 1...5, 100) {
            let terms = question.solution.matches(of: /([0-9]+) (?:x|times) ([0-9]+)/).map { (Int($0.1)!, Int($0.2)!) }
            var total = terms.reduce(0) { $0 + $1.0 * $1.1 }
            if question.text.contains("100 dollar") { total = 100 - total }
            #expect(question.answer == String(total), "\(question.text)")
            let told = Set(numbers(question.text))
            #expect(terms.allSatisfy { told.contains($0.0) })
            #expect(question.depth == terms.count)
        }
    }

    @Test func whatCannotBeAnsweredSaysSo() throws {
        let questions = try drawn(.unanswerable, 1...3)
        #expect(questions.allSatisfy { $0.solution.hasSuffix("I cannot answer that.") && $0.task == .refusal && $0.answer == "refused" })
        #expect(Set(questions.map(\.solution)) == ["It is not said. I cannot answer that.", "I do not know that. I cannot answer that."])
    }

    @Test func mannersKeepWhatIsAsked() throws {
        var random = RandomStream(seed: 1, part: "manners")
        for question in try drawn(.chains, 2...4, 60) {
            #expect(Manner.plain.applied(to: question, &random) == question)
            #expect(Manner.polite.applied(to: question, &random).text.contains(question.text))
            let words = Manner.words.applied(to: question, &random)
            #expect(words.answer == question.answer && words.solution == question.solution && words.depth == question.depth)
            let careless = Manner.careless.applied(to: question, &random)
            #expect(numbers(careless.text) == numbers(question.text))
            #expect(careless.answer == question.answer)
        }
    }

    @Test func numbersHaveTheirNames() {
        #expect([0, 7, 13, 20, 42, 99].map(NumberName.of) == ["zero", "seven", "thirteen", "twenty", "forty-two", "ninety-nine"])
    }
}
