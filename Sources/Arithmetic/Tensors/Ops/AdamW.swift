import CKernels

/// Constants of AdamW (Loshchilov and Hutter, 2019) with PyTorch's defaults, but for the learning rate, which is CORD's.
package struct AdamW: Sendable, Equatable, Codable {
    package var learningRate = 3e-5
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    /// Decoupled: every parameter shrinks by learning rate · decay.
    package var weightDecay = 0.01

    package init(learningRate: Double = 3e-5) { self.learningRate = learningRate }

    /// Updates `parameter`, and the moments `m` and `v`, in place by the `gradient`. `step` counts from 1. No other thread may
    /// read the parameter meanwhile.
    package func update(
        _ parameter: Tensor, _ m: Tensor, _ v: Tensor, gradient: Tensor, rate: Double, step: Int
    ) {
        let count = parameter.count
        precondition(
            m.count == count && v.count == count && gradient.count == count && step > 0,
            "AdamW: gradient \(gradient.shape) for \(parameter.shape), step \(step)")
        unsafe ck_adamw(
            parameter.pointer, m.pointer, v.pointer, gradient.pointer, count, Float(rate), Float(beta1), Float(beta2),
            Float(epsilon), Float(weightDecay), step)
    }
}

/// Σ x² over all elements, in double precision and a fixed order.
package func sumOfSquares(_ x: Tensor) -> Double { unsafe ck_sum_of_squares(x.pointer, x.count) }

/// x ← factor · x. No other operation may read x.
package func scale(_ x: Tensor, by factor: Float) {
    Threads.parallel(x.count, grain: 1 << 16) { range in
        for index in range { unsafe x.pointer[index] *= factor }
    }
}
