import Foundation

/// Frames that go through the transform side by side, one per SIMD lane.
typealias Lanes = SIMD8<Float>

/// The windowed power spectrum of 400 real samples, for several frames at once:
///
///     P[k] = |Σ_j w[j] x[j] e^(−2πi jk/400)|²,   k = 0…200,   w the periodic Hann window
///
/// Even and odd samples become the real and imaginary parts of 200 complex numbers z. Their transform Z is computed by
/// Stockham's algorithm (200 = 5 · 5 · 8, in order without a permutation); the real one follows from its symmetry:
///
///     E = Z[k] + Z*[200−k],  O = −i (Z[k] − Z*[200−k])
///     X[k] = (E + ω^k O) / 2,  X*[200−k] = (E − ω^k O) / 2,   ω = e^(−2πi/400)
///
/// The half is folded into the window. Twiddles are rounded from float64.
struct PowerSpectrum {
    static let length = LogMelConfiguration.fourierLength
    static let binCount = length / 2 + 1
    static let half = length / 2

    /// Half of Hann's window.
    private let window: [Float]
    /// ω₂₀₀^(pk) for p in 0..<40, k in 1...4, and ω₄₀^(pk) for p in 0..<8.
    private let firstTwiddles, secondTwiddles: [SIMD2<Float>]
    /// ω^k for k in 0...100.
    private let realTwiddles: [SIMD2<Float>]

    init() {
        func root(_ numerator: Int, _ denominator: Int) -> SIMD2<Float> {
            let angle = -2 * Double.pi * Double(numerator % denominator) / Double(denominator)
            return SIMD2(Float(cos(angle)), Float(sin(angle)))
        }
        window = (0..<Self.length).map {
            Float((0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(Self.length))) / 2)
        }
        firstTwiddles = (0..<40).flatMap { p in (1...4).map { root(p * $0, 200) } }
        secondTwiddles = (0..<8).flatMap { p in (1...4).map { root(p * $0, 40) } }
        realTwiddles = (0...Self.half / 2).map { root($0, Self.length) }
    }

    /// Lane l of `power` [201] becomes the spectrum of the 400 samples that start at `samples + l · hop`. `work` holds 400
    /// values; all pointers must be valid for the whole extent.
    @unsafe func compute(
        samples: UnsafePointer<Float>, hop: Int, power: UnsafeMutablePointer<Lanes>,
        work: UnsafeMutablePointer<ComplexLanes>
    ) {
        let a = unsafe work
        let b = unsafe work + Self.half
        unsafe load(samples, hop: hop, into: a)
        unsafe Self.radix5(from: a, to: b, blocks: 40, stride: 1, twiddles: firstTwiddles)
        unsafe Self.radix5(from: b, to: a, blocks: 8, stride: 5, twiddles: secondTwiddles)
        unsafe Self.radix8(from: a, to: b, stride: 25)
        unsafe untangle(b, into: power)
    }

    private func load(_ samples: UnsafePointer<Float>, hop: Int, into z: UnsafeMutablePointer<ComplexLanes>) {
        unsafe window.withUnsafeBufferPointer { window in
            for j in 0..<Self.half {
                var even = Lanes()
                var odd = Lanes()
                for lane in 0..<Lanes.scalarCount {
                    let sample = unsafe samples + (lane &* hop &+ 2 &* j)
                    even[lane] = unsafe sample[0]
                    odd[lane] = unsafe sample[1]
                }
                unsafe z[j] = ComplexLanes(re: even * window[2 &* j], im: odd * window[2 &* j &+ 1])
            }
        }
    }

    /// One decimation-in-frequency stage: y[q + s(5p + k)] = ω^(pk) Σ_r x[q + s(p + m r)] e^(−2πi rk/5), m blocks, s stride.
    private static func radix5(
        from x: UnsafeMutablePointer<ComplexLanes>, to y: UnsafeMutablePointer<ComplexLanes>, blocks m: Int,
        stride s: Int,
        twiddles: [SIMD2<Float>]
    ) {
        let c1: Float = 0.309016994374947424
        let c2: Float = -0.809016994374947424
        let s1: Float = 0.951056516295153572
        let s2: Float = 0.587785252292473129
        unsafe twiddles.withUnsafeBufferPointer { twiddles in
            for p in 0..<m {
                let w1 = unsafe twiddles[4 &* p]
                let w2 = unsafe twiddles[4 &* p &+ 1]
                let w3 = unsafe twiddles[4 &* p &+ 2]
                let w4 = unsafe twiddles[4 &* p &+ 3]
                for q in 0..<s {
                    let input = unsafe x + (q &+ s &* p)
                    let step = s &* m
                    let x0 = unsafe input[0]
                    let x1 = unsafe input[step]
                    let x4 = unsafe input[4 &* step]
                    let x2 = unsafe input[2 &* step]
                    let x3 = unsafe input[3 &* step]
                    let t1 = x1 + x4
                    let t2 = x2 + x3
                    let t3 = x1 - x4
                    let t4 = x2 - x3
                    let m1 = x0 + t1 * c1 + t2 * c2
                    let m2 = x0 + t1 * c2 + t2 * c1
                    let n1 = (t3 * s1 + t4 * s2).timesMinusI
                    let n2 = (t3 * s2 - t4 * s1).timesMinusI
                    let output = unsafe y + (q &+ 5 &* s &* p)
                    unsafe output[0] = x0 + t1 + t2
                    unsafe output[s] = (m1 + n1).times(w1)
                    unsafe output[2 &* s] = (m2 + n2).times(w2)
                    unsafe output[3 &* s] = (m2 - n2).times(w3)
                    unsafe output[4 &* s] = (m1 - n1).times(w4)
                }
            }
        }
    }

    /// The last stage: y[q + s k] = Σ_r x[q + s r] e^(−2πi rk/8).
    private static func radix8(
        from x: UnsafeMutablePointer<ComplexLanes>, to y: UnsafeMutablePointer<ComplexLanes>, stride s: Int
    ) {
        let h: Float = 0.707106781186547524
        for q in 0..<s {
            let input = unsafe x + q
            let output = unsafe y + q
            let (e0, e1, e2, e3) = unsafe fourth(input[0], input[2 &* s], input[4 &* s], input[6 &* s])
            let (o0, o1, o2, o3) = unsafe fourth(input[s], input[3 &* s], input[5 &* s], input[7 &* s])
            let r1 = ComplexLanes(re: (o1.re + o1.im) * h, im: (o1.im - o1.re) * h)
            let r2 = o2.timesMinusI
            let r3 = ComplexLanes(re: (o3.im - o3.re) * h, im: (o3.re + o3.im) * -h)
            unsafe output[0] = e0 + o0
            unsafe output[s] = e1 + r1
            unsafe output[2 &* s] = e2 + r2
            unsafe output[3 &* s] = e3 + r3
            unsafe output[4 &* s] = e0 - o0
            unsafe output[5 &* s] = e1 - r1
            unsafe output[6 &* s] = e2 - r2
            unsafe output[7 &* s] = e3 - r3
        }
    }

    @inline(__always)
    private static func fourth(
        _ x0: ComplexLanes, _ x1: ComplexLanes, _ x2: ComplexLanes, _ x3: ComplexLanes
    ) -> (ComplexLanes, ComplexLanes, ComplexLanes, ComplexLanes) {
        let a = x0 + x2
        let b = x0 - x2
        let c = x1 + x3
        let d = (x1 - x3).timesMinusI
        return (a + c, b + d, a - c, b - d)
    }

    private func untangle(_ z: UnsafeMutablePointer<ComplexLanes>, into power: UnsafeMutablePointer<Lanes>) {
        unsafe realTwiddles.withUnsafeBufferPointer { twiddles in
            for k in 0...Self.half / 2 {
                let low = unsafe z[k]
                let high = unsafe z[k == 0 ? 0 : Self.half &- k]
                let even = ComplexLanes(re: low.re + high.re, im: low.im - high.im)
                let odd = ComplexLanes(re: low.im + high.im, im: high.re - low.re).times(unsafe twiddles[k])
                unsafe power[k] = (even + odd).power
                unsafe power[Self.half &- k] = (even - odd).power
            }
        }
    }
}

/// One complex number per lane.
struct ComplexLanes {
    var re, im: Lanes

    @inline(__always) static func + (a: Self, b: Self) -> Self { Self(re: a.re + b.re, im: a.im + b.im) }
    @inline(__always) static func - (a: Self, b: Self) -> Self { Self(re: a.re - b.re, im: a.im - b.im) }
    @inline(__always) static func * (a: Self, scale: Float) -> Self { Self(re: a.re * scale, im: a.im * scale) }

    /// −i · self.
    @inline(__always) var timesMinusI: Self { Self(re: im, im: -re) }

    /// |self|².
    @inline(__always) var power: Lanes { re * re + im * im }

    @inline(__always) func times(_ w: SIMD2<Float>) -> Self {
        Self(re: re * w.x - im * w.y, im: re * w.y + im * w.x)
    }
}
