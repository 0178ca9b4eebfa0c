import JSON
import Tensors
import Weights

/// From the encoder's rows to the decoder's width: linear layers with GELU between them.
struct Projector: Sendable {
    let layers: [Linear]

    init(layers: [Linear]) { self.layers = layers }

    /// Two layers, as several families have them. `config` may leave out their biases.
    init(_ weights: WeightCursor, _ config: JSONValue, from columns: Int, to size: Int, _ table: ParameterTable) throws {
        try config.require("projector_hidden_act", is: "gelu")
        let bias = try config.boolean("projector_bias", default: true)
        layers = [
            try Linear(weights["linear_1"], table, in: columns, out: size, bias: bias),
            try Linear(weights["linear_2"], table, in: size, out: size, bias: bias),
        ]
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        layers.dropFirst().reduce(layers[0](x, pass)) { y, layer in layer(gelu(y, pass.tape), pass) }
    }
}
