import API
import Foundation
import Jobs
import Training
import Workshop

extension Workshop {
    /// Metrics of training, the store and the queues, in Prometheus's format.
    func describe(on page: inout Exposition) {
        let numbers = metrics.numbers
        page.single("cord_training_steps_total", "counter", "Steps taken, by requests and jobs.", Double(numbers.steps))
        page.single(
            "cord_training_steps_refused_total", "counter", "Steps of requests that could not be taken.", Double(numbers.refused))
        page.single(
            "cord_training_steps_waiting", "gauge", "Steps of requests that wait for their turn.", Double(numbers.waiting))
        page.single("cord_training_seconds_total", "counter", "Time spent in steps.", numbers.seconds)
        page.single("cord_training_rollout_tokens_total", "counter", "Tokens sampled for steps.", Double(numbers.rolloutTokens))
        page.single("cord_training_tokens_total", "counter", "Tokens that had a gradient.", Double(numbers.trainTokens))
        if let last = numbers.last {
            let values: [(String, Double?)] = [
                ("loss", last.loss), ("token_loss", last.tokenLoss), ("sequence_loss", last.sequenceLoss),
                ("kl_mean_nats", last.klMean),
                ("reward_mean", last.rewardMean), ("teacher_agreement", last.teacherAgreement), ("grad_norm", last.gradNorm),
                ("learning_rate", last.learningRate), ("logprob_difference_max", last.logProbabilityDifferenceMax),
            ]
            for (name, value) in values {
                if let value { page.single("cord_training_\(name)", "gauge", "Of the last step.", value) }
            }
        }
        if let counts = try? store.jobCounts() {
            page.begin("cord_jobs", "gauge", "Jobs that are kept, by state.")
            for state in JobState.allCases { page.sample([("state", state.rawValue)], Double(counts[state] ?? 0)) }
        }
        page.begin("cord_jobs_waiting", "gauge", "Jobs that wait, by lane.")
        for lane in Lane.all {
            if let waiting = try? store.queue(lane: lane).count { page.sample([("lane", lane)], Double(waiting)) }
        }
        if let counts = try? store.counts() {
            page.begin("cord_stored", "gauge", "What the data folder holds, by kind.")
            for kind in ["versions", "steps", "files", "reports", "benchmarks"] {
                page.sample([("kind", kind)], Double(counts[kind] ?? 0))
            }
        }
        gaps(on: &page)
    }

    /// The latest reports: one sample per version and benchmark.
    private func gaps(on page: inout Exposition) {
        guard let reports = try? store.reports(limit: 50).elements, !reports.isEmpty else { return }
        page.begin(
            "cord_gap_points", "gauge", "Text minus audio accuracy in points, by the latest report of each version and benchmark."
        )
        var told: Set<[String]> = []
        for report in reports where told.insert([report.versionID, report.benchmark]).inserted {
            guard let gap = try? WireDecoder.response(GapReportSummary.self, from: report.summary).gap else { continue }
            page.sample([("model", report.model), ("version", report.versionID), ("benchmark", report.benchmark)], gap)
        }
    }
}
