import Foundation

/// Triangular filters on Slaney's mel scale, each of unit area in Hz, from 0 to 8000 Hz over the 201 bins of the power
/// spectrum: transformers' `mel_filter_bank(norm="slaney", mel_scale="slaney")`.
///
///     mel(f) = 3 f / 200                             f < 1000 Hz
///              15 + 27 ln(f / 1000) / ln 6.4         otherwise
///     weight(m, f) = max(0, min(rise, fall)) · 2 / (edge[m + 2] − edge[m])
///
/// A filter covers few bins, so only its run of nonzero weights is kept.
struct MelFilterBank {
    struct Filter {
        /// First bin with weight.
        let start: Int
        let count: Int
        /// Where its weights begin in ``weights``.
        let offset: Int
    }

    let filters: [Filter]
    let weights: [Float]

    init(melCount: Int, highest: Double = 8000) {
        let binCount = LogMelConfiguration.fourierLength / 2 + 1
        let nyquist = Double(AudioClip.sampleRate) / 2
        let top = Self.mel(hertz: highest)
        let edges = (0...melCount + 1).map { Self.hertz(mel: top * Double($0) / Double(melCount + 1)) }
        var filters: [Filter] = []
        var weights: [Float] = []
        for m in 0..<melCount {
            let row = (0..<binCount).map { bin in
                let f = nyquist * Double(bin) / Double(binCount - 1)
                let rise = (f - edges[m]) / (edges[m + 1] - edges[m])
                let fall = (edges[m + 2] - f) / (edges[m + 2] - edges[m + 1])
                return Float(max(0, min(rise, fall)) * 2 / (edges[m + 2] - edges[m]))
            }
            let start = row.firstIndex { $0 > 0 } ?? 0
            let end = (row.lastIndex { $0 > 0 } ?? -1) + 1
            let run = row[start..<max(start, end)]
            filters.append(Filter(start: start, count: run.count, offset: weights.count))
            weights += run
        }
        self.filters = filters
        self.weights = weights
    }

    private static func mel(hertz f: Double) -> Double {
        f < 1000 ? 3 * f / 200 : 15 + 27 * log(f / 1000) / log(6.4)
    }

    private static func hertz(mel m: Double) -> Double {
        m < 15 ? 200 * m / 3 : 1000 * exp((m - 15) * log(6.4) / 27)
    }
}
