import Tensors
import TestSupport
import Testing

/// Every operation's backward pass against finite differences.
@Suite(.ownThread) struct GradientTests {
    private func tensor(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Tensor { Numbers.tensor(rows, columns, seed: seed) }

    @Test func linearWithTrainedWeight() {
        GradientCheck(inputs: [tensor(5, 7, 1), tensor(6, 7, 2), tensor(1, 6, 3)]) { x, tape in
            linear(x[0], x[1], bias: x[2], tape)
        }.run("linear")
    }

    @Test(arguments: StoredFormat.all.filter(\.isWritable))
    func linearWithStoredWeight(format: StoredFormat) {
        let w = StoredMatrix(tensor(9, 8, 4)).converted(to: format)
        GradientCheck(inputs: [tensor(5, 8, 1), tensor(1, 9, 3)]) { x, tape in
            linear(x[0], w, bias: x[1], tape)
        }.run("linear \(format)")
    }

    @Test func rootMeanSquareNorm() {
        GradientCheck(inputs: [tensor(4, 16, 1), tensor(1, 16, 2)]) { x, tape in
            rmsNorm(x[0], weight: x[1], epsilon: 1e-5, tape)
        }.run("rmsNorm")
    }

    @Test func layerNormWithShift() {
        GradientCheck(inputs: [tensor(4, 16, 1), tensor(1, 16, 2), tensor(1, 16, 3)]) { x, tape in
            layerNorm(x[0], weight: x[1], bias: x[2], epsilon: 1e-5, tape)
        }.run("layerNorm")
    }

    @Test func geluOfErrorFunction() {
        GradientCheck(inputs: [tensor(3, 11, 1)]) { x, tape in gelu(x[0], tape) }.run("gelu")
    }

    @Test func reluOfEitherSign() {
        GradientCheck(inputs: [Tensor(row: [-1, -0.3, 0.4, 2])]) { x, tape in relu(x[0], tape) }.run("relu")
        #expect(relu(Tensor(row: [-1, 0, 2])).values == [0, 0, 2])
    }

    /// Two rows over four experts, two each; the choice stays the same within the differences.
    @Test(arguments: [true, false]) func mixtureOfExperts(normalizes: Bool) {
        let logits = Tensor([1, -1, 2, 0, -2, 1, 0.5, 3], rows: 2, columns: 4)
        let experts: [[(row: Int, slot: Int)]] = [[(0, 0)], [(1, 0)], [(0, 1)], [(1, 1)]]
        GradientCheck(inputs: [logits] + (0..<4).map { tensor(1, 3, $0) }) { x, tape in
            let routing = Routing(logits: x[0], count: 2, normalizes: normalizes, tape)
            #expect(routing.experts == [[0, 2], [1, 3]])
            return weightedSum(
                rows: 2, columns: 3, experts.indices.map { (x[1 + $0], experts[$0]) }, weights: routing.weights, tape)
        }.run("experts")
    }

    @Test func theLargestLogitsAreChosenAndOfEqualOnesTheFirst() {
        let logits = Tensor([0, 2, 2, 2, 1, 1, 1, 1], rows: 2, columns: 4)
        let routing = Routing(logits: logits, count: 2, normalizes: true)
        #expect(routing.experts == [[1, 2], [0, 1]] && routing.weights.values == [0.5, 0.5, 0.5, 0.5])
        let whole = Routing(logits: logits, count: 1, normalizes: false)
        #expect(whole.weights[1, 0] == 0.25 && whole.experts == [[1], [0]])
    }

    @Test func gateOfSwiGLU() {
        GradientCheck(inputs: [tensor(3, 11, 1), tensor(3, 11, 2)]) { x, tape in gated(x[0], x[1], tape) }.run("gated")
    }

    @Test func scaledSum() {
        GradientCheck(inputs: [tensor(3, 5, 1), tensor(3, 5, 2)]) { x, tape in
            add(x[0], x[1], scale: 0.7, tape)
        }.run("add")
    }

    @Test func sumWithItself() {
        GradientCheck(inputs: [tensor(3, 5, 1)]) { x, tape in add(x[0], x[0], tape) }.run("x + x")
    }

    @Test func rotaryPositions() {
        let rotary = Rotary(frequencies: Rotary.frequencies(headSize: 8, theta: 10_000))
        GradientCheck(inputs: [tensor(4, 16, 1)]) { x, tape in
            rotary(x[0], positions: [0, 3, 17, 900], tape)
        }.run("rotary")
    }

    @Test func pairsTurnedByAngles() {
        let angles = tensor(4, 3, 2)
        GradientCheck(inputs: [tensor(4, 9, 1)]) { x, tape in turnedPairs(x[0], by: angles, tape) }.run("turnedPairs")
    }

    @Test func normOfEachHead() {
        GradientCheck(inputs: [tensor(3, 12, 1), tensor(1, 4, 2)]) { x, tape in
            rmsNorm(x[0], weight: x[1], epsilon: 1e-5, tape)
        }.run("rmsNorm of groups")
    }

    @Test func windowsOfAnImageOfOddSides() {
        GradientCheck(inputs: [tensor(15, 2, 1)]) { x, tape in imageWindows(x[0], height: 3, tape) }.run("imageWindows")
    }

    @Test func columnsOfAnImage() {
        GradientCheck(inputs: [tensor(6, 4, 1)]) { x, tape in imageColumns(x[0], height: 2, tape) }.run("imageColumns")
    }

    @Test func chosenRowsWithRepeats() {
        GradientCheck(inputs: [tensor(4, 5, 1)]) { x, tape in selectRows(x[0], [3, 1, 3], tape) }.run("selectRows")
        GradientCheck(inputs: [tensor(4, 5, 1)]) { x, tape in selectColumns(x[0], 1..<4, tape) }.run("selectColumns")
        #expect(selectColumns(Tensor([1, 2, 3, 4, 5, 6], rows: 2, columns: 3), 1..<3).values == [2, 3, 5, 6])
    }

    @Test func replacedRows() {
        GradientCheck(inputs: [tensor(5, 4, 1), tensor(2, 4, 2)]) { x, tape in
            replacingRows(x[0], [1, 4], with: x[1], tape)
        }.run("replacingRows")
    }

    @Test func joinedRows() {
        GradientCheck(inputs: [tensor(2, 4, 1), tensor(3, 4, 2)]) { x, tape in
            concatenated([x[0], x[1], x[0]], tape)
        }.run("concatenated")
    }

    @Test(arguments: [1, 2])
    func convolutionWindows(stride: Int) {
        GradientCheck(inputs: [tensor(7, 3, 1)]) { x, tape in
            windows(x[0], width: 3, stride: stride, padding: 1, tape)
        }.run("windows")
    }

    @Test func pooledPairs() {
        GradientCheck(inputs: [tensor(7, 3, 1)]) { x, tape in averagedPairs(x[0], tape) }.run("averagedPairs")
    }

    @Test func attentionWithGroupedHeads() {
        let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 8)
        let segments = PackedSegment.sequences([5, 3], causal: true)
        GradientCheck(inputs: [tensor(8, 32, 1), tensor(8, 16, 2), tensor(8, 16, 3)]) { x, tape in
            attention(x[0], x[1], x[2], shape, segments, tape)
        }.run("attention")
    }

    @Test func attentionWithoutMask() {
        let shape = AttentionShape(heads: 2, keyValueHeads: 2, headSize: 8)
        let segments = PackedSegment.sequences([4, 2], causal: false)
        GradientCheck(inputs: [tensor(6, 16, 1), tensor(6, 16, 2), tensor(6, 16, 3)]) { x, tape in
            attention(x[0], x[1], x[2], shape, segments, tape)
        }.run("attention")
    }

    /// Rollouts of one prompt: several segments send gradients to the keys that they share.
    @Test func attentionBehindASharedPrefix() {
        let shape = AttentionShape(heads: 2, keyValueHeads: 1, headSize: 8)
        let prefix = 0..<4
        let segments = [
            PackedSegment(queries: prefix, keys: [prefix], causal: true),
            PackedSegment(queries: 4..<7, keys: [prefix, 4..<7], causal: true),
            PackedSegment(queries: 7..<9, keys: [prefix, 7..<9], causal: true),
        ]
        GradientCheck(inputs: [tensor(9, 16, 1), tensor(9, 8, 2), tensor(9, 8, 3)]) { x, tape in
            attention(x[0], x[1], x[2], shape, segments, tape)
        }.run("attention")
    }

    @Test func divergencesAndLogProbability() {
        let teacher = tensor(3, 7, 8)
        let targets: [Int32] = [2, 0, 6]
        let (a, b, c): ([Float], [Float], [Float]) = ([1, 0.5, 0], [0, 2, 0.3], [0.7, 0, 1])
        let student = tensor(3, 7, 1)
        let gradient = student.copy()
        overwriteWithGradient(
            gradient, teacher: teacher, targets: targets, reverseKL: a, forwardKL: b, logProbability: c)
        func loss(_ values: [Float]) -> Double {
            let rows = measureRows(Tensor(values, rows: 3, columns: 7), teacher: teacher, targets: targets)
            return rows.indices.reduce(0) { sum, i in
                sum + Double(a[i]) * Double(rows[i].reverseKL) + Double(b[i]) * Double(rows[i].forwardKL)
                    - Double(c[i]) * Double(rows[i].logProbability)
            }
        }
        for element in 0..<student.count {
            func difference(_ h: Float) -> Double {
                var up = student.values
                var down = up
                up[element] += h
                down[element] -= h
                return (loss(up) - loss(down)) / (2 * Double(h))
            }
            let expected = (4 * difference(0.01) - difference(0.02)) / 3
            #expect(abs(Double(gradient.values[element]) - expected) < 1e-4, "element \(element)")
        }
    }

    @Test func checkpointedSectionGivesTheSameGradients() {
        let x = tensor(4, 6, 1)
        let w = tensor(6, 6, 2)
        func gradients(checkpointing: Bool, recomputing: Bool = true) -> [[Float]] {
            let tape = Tape(recomputing: recomputing)
            tape.watch(x)
            tape.watch(w)
            let body: (Tensor, Tape?) -> Tensor = { x, tape in gelu(linear(x, w, tape), tape) }
            let y = checkpointing ? tape.checkpoint(tape.checkpoint(x, body), body) : body(body(x, tape), tape)
            tape.backward(from: y, gradient: tensor(4, 6, 3))
            return [tape.gradient(of: x)!.values, tape.gradient(of: w)!.values]
        }
        let plain = gradients(checkpointing: false)
        #expect(gradients(checkpointing: true) == plain)
        #expect(gradients(checkpointing: true, recomputing: false) == plain)
    }

    /// A section in which nothing is trained leaves no operation behind, even where parameters elsewhere are watched.
    @Test func frozenSectionIsNotRecorded() {
        let tape = Tape()
        let elsewhere = tensor(2, 2, 1)
        tape.watch(elsewhere)
        let frozen = StoredMatrix(tensor(3, 4, 2))
        let y = tape.checkpoint(tensor(2, 4, 3)) { x, tape in gelu(linear(x, frozen, tape), tape) }
        #expect(!tape.isTracked(y))
    }

    @Test func unwatchedInputsCostNothing() {
        let tape = Tape()
        let y = linear(tensor(2, 4, 1), tensor(3, 4, 2), tape)
        #expect(!tape.isTracked(y))
    }

    @Test func optimiserMovesAsPyTorchDoes() {
        // torch.optim.AdamW, lr 0.1, defaults, two steps on [1, −2] with gradients [0.5, −1] and [0.25, 2].
        let parameter = Tensor(row: [1, -2])
        let m = Tensor(zeros: 1, 2)
        let v = Tensor(zeros: 1, 2)
        let optimizer = AdamW(learningRate: 0.1)
        optimizer.update(parameter, m, v, gradient: Tensor(row: [0.5, -1]), rate: 0.1, step: 1)
        #expect(largestDifference(parameter.values, [0.899, -1.898]) < 1e-6)
        optimizer.update(parameter, m, v, gradient: Tensor(row: [0.25, 2]), rate: 0.1, step: 2)
        #expect(largestDifference(parameter.values, [0.804_883_06, -1.932_712_44]) < 1e-6)

        // The same gradients with betas 0.8 and 0.95, eps 0.01, weight_decay 0.2, and rates 0.1 and 0.05.
        let other = Tensor(row: [1, -2]), (m2, v2) = (Tensor(zeros: 1, 2), Tensor(zeros: 1, 2))
        var options = AdamW(learningRate: 0.1)
        (options.beta1, options.beta2, options.epsilon, options.weightDecay) = (0.8, 0.95, 0.01, 0.2)
        options.update(other, m2, v2, gradient: Tensor(row: [0.5, -1]), rate: 0.1, step: 1)
        #expect(largestDifference(other.values, [0.881_960_78, -1.860_990_10]) < 1e-6)
        options.update(other, m2, v2, gradient: Tensor(row: [0.25, 2]), rate: 0.05, step: 2)
        #expect(largestDifference(other.values, [0.828_252_80, -1.863_171_23]) < 1e-6)
    }
}
