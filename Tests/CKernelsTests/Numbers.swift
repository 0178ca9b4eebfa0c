import CKernels
import TestSupport
import Testing

/// Memory that C functions read and write, with small deterministic random numbers in it, and the loops that tests share.
@safe final class Numbers<Element> {
    let count: Int
    let pointer: UnsafeMutablePointer<Element>

    init(repeating value: Element, count: Int) {
        self.count = count
        unsafe pointer = .allocate(capacity: max(count, 1))
        unsafe pointer.initialize(repeating: value, count: count)
    }

    deinit { unsafe pointer.deallocate() }

    subscript(_ index: Int) -> Element {
        get { unsafe pointer[index] }
        set { unsafe pointer[index] = newValue }
    }

    var array: [Element] { (0..<count).map { self[$0] } }

    func copy() -> Numbers {
        let other = Numbers(array)
        return other
    }

    init(_ array: [Element]) {
        count = array.count
        unsafe pointer = .allocate(capacity: max(array.count, 1))
        for (index, value) in array.enumerated() { unsafe (pointer + index).initialize(to: value) }
    }
}

extension Numbers<Float> {
    static func zeros(_ count: Int) -> Numbers { Numbers(repeating: 0, count: count) }

    /// Uniform in ±scale.
    static func random(_ count: Int, seed: UInt64, scale: Float = 1) -> Numbers {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        return Numbers(
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (Float(state >> 40) / Float(1 << 23) - 1) * scale
            })
    }

    /// The largest difference, relative to the largest magnitude.
    func difference(from other: Numbers) -> Float { largestRelativeDifference(other.array, array) }

    /// Σ self · other
    func dot(_ other: Numbers) -> Double { (0..<count).reduce(0) { $0 + Double(self[$1]) * Double(other[$1]) } }

    var bits: [UInt32] { array.map(\.bitPattern) }
}

/// The kernels that this CPU can run besides the references.
let fastKernels = ["avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16"].filter { name in
    let available = unsafe ck_select_kernels(name)
    _ = ck_select_kernels(nil)
    return available
}
let allKernels = ["reference"] + fastKernels

/// Runs the calls inside with the named kernels.
func with<Result>(_ kernels: String, _ body: () -> Result) -> Result {
    let known = unsafe ck_select_kernels(kernels)
    precondition(known, "no kernels named \(kernels)")
    defer { _ = ck_select_kernels(nil) }
    return body()
}

/// Checks gradients along random directions: for each input x and its gradient g, Σ g·d = (f(x + h d) − f(x − h d)) / 2h.
func expectGradients(
    of loss: () -> Double, _ pairs: [(input: Numbers<Float>, gradient: Numbers<Float>)], step: Float = 0.01,
    tolerance: Double = 2e-3, _ location: SourceLocation = #_sourceLocation
) {
    for (index, pair) in pairs.enumerated() {
        for trial in 0..<3 {
            let direction = Numbers<Float>.random(pair.input.count, seed: UInt64(100 + 10 * index + trial))
            let original = pair.input.array
            for i in 0..<pair.input.count { pair.input[i] = original[i] + step * direction[i] }
            let above = loss()
            for i in 0..<pair.input.count { pair.input[i] = original[i] - step * direction[i] }
            let below = loss()
            for i in 0..<pair.input.count { pair.input[i] = original[i] }
            let expected = (above - below) / (2 * Double(step)), found = pair.gradient.dot(direction)
            let size = max(abs(expected), pair.gradient.dot(pair.gradient).squareRoot())
            #expect(largestDifference([found], [expected]) <= tolerance * max(size, 1e-3), "input \(index)", sourceLocation: location)
        }
    }
}
