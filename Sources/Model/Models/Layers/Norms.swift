import Tensors
import Weights

/// Root-mean-square norm with a learned scale.
struct RMSNorm: Sendable {
    let weight: Parameter
    let epsilon: Float

    init(_ cursor: WeightCursor, _ table: ParameterTable, size: Int, epsilon: Float) throws {
        weight = try table.vector(cursor, "weight", size: size)
        self.epsilon = epsilon
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        pass.byVersion(x, replacing: [weight]) { x, version in
            rmsNorm(x, weight: version.vector(weight), epsilon: epsilon, pass.tape)
        }
    }
}

/// Layer norm with a learned scale and shift.
struct LayerNorm: Sendable {
    let weight: Parameter
    let bias: Parameter
    let epsilon: Float

    init(_ cursor: WeightCursor, _ table: ParameterTable, size: Int, epsilon: Float = 1e-5) throws {
        weight = try table.vector(cursor, "weight", size: size)
        bias = try table.vector(cursor, "bias", size: size)
        self.epsilon = epsilon
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        pass.byVersion(x, replacing: [weight, bias]) { x, version in
            layerNorm(x, weight: version.vector(weight), bias: version.vector(bias), epsilon: epsilon, pass.tape)
        }
    }
}
