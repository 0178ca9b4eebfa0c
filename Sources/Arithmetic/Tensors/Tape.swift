import CKernels

/// Records operations as they run, to compute gradients backwards through them.
///
///     let tape = Tape(); tape.watch(w)
///     let y = linear(x, w, tape); tape.backward(from: y, gradient: dy); tape.gradient(of: w)
///
/// An operation is recorded only if one of its inputs is watched or depends on something watched, so frozen parts cost
/// nothing. A tape belongs to one thread.
package final class Tape {
    private struct Node {
        let output: Tensor
        let backward: (_ gradient: Tensor, _ tape: Tape) -> Void
    }

    private var nodes: [Node] = []
    private var tracked: Set<ObjectIdentifier> = []
    private var leaves: [ObjectIdentifier: Tensor] = [:]
    private var gradients: [ObjectIdentifier: Tensor] = [:]
    /// The tape whose parameters this one shares while it recomputes a checkpointed section.
    private let parent: Tape?

    /// Whether this tape only records which tensors are tracked, and no operations.
    private let isProbe: Bool
    /// Whether checkpointed sections are computed again. Otherwise their values are kept, which costs memory and saves time.
    private let recomputes: Bool

    package init(recomputing: Bool = true) {
        parent = nil
        isProbe = false
        recomputes = recomputing
    }

    private init(within parent: Tape, isProbe: Bool = false) {
        self.parent = parent
        self.isProbe = isProbe
        recomputes = true
    }

    /// Asks for the gradient with respect to `tensor`, a parameter or an input.
    package func watch(_ tensor: Tensor) {
        leaves[tensor.identity] = tensor
        tracked.insert(tensor.identity)
    }

    package func isTracked(_ tensor: Tensor) -> Bool {
        tracked.contains(tensor.identity) || (parent?.isWatched(tensor) ?? false)
    }

    private func isWatched(_ tensor: Tensor) -> Bool {
        leaves[tensor.identity] != nil || (parent?.isWatched(tensor) ?? false)
    }

    /// Notes that `output` was computed from `inputs`; `backward` receives the gradient of `output` and adds to the inputs' gradients.
    package func record(
        _ output: Tensor, from inputs: [Tensor], backward: @escaping (_ gradient: Tensor, _ tape: Tape) -> Void
    ) {
        guard inputs.contains(where: isTracked) else { return }
        tracked.insert(output.identity)
        if !isProbe { nodes.append(Node(output: output, backward: backward)) }
    }

    /// The gradient of `tensor` so far; nil if it is not tracked or nothing reached it.
    package func gradient(of tensor: Tensor) -> Tensor? {
        gradients[tensor.identity] ?? (parent?.isWatched(tensor) == true ? parent?.gradient(of: tensor) : nil)
    }

    /// Lets `body` add to the gradient of `tensor`, which starts as zeros. It does nothing if `tensor` is not tracked.
    @unsafe package func accumulate(into tensor: Tensor, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        if !tracked.contains(tensor.identity) {
            if let parent, parent.isWatched(tensor) { unsafe parent.accumulate(into: tensor, body) }
            return
        }
        let gradient: Tensor
        if let existing = gradients[tensor.identity] {
            gradient = existing
        } else {
            gradient = Tensor(zeros: tensor.rows, tensor.columns)
            gradients[tensor.identity] = gradient
        }
        unsafe body(gradient.pointer)
    }

    /// Adds `gradient` to that of `tensor`.
    package func add(_ gradient: Tensor, to tensor: Tensor) {
        precondition(
            gradient.rows == tensor.rows && gradient.columns == tensor.columns,
            "gradient \(gradient.shape) for \(tensor.shape)")
        unsafe accumulate(into: tensor) { unsafe ck_axpy($0, 1, gradient.pointer, gradient.count) }
    }

    /// Runs backwards from `outputs` with their gradients; the recorded operations are spent by it.
    package func backward(from outputs: [(Tensor, gradient: Tensor)]) {
        for (output, gradient) in outputs { add(gradient, to: output) }
        while let node = nodes.popLast() {
            guard let gradient = gradients[node.output.identity] else { continue }
            if leaves[node.output.identity] == nil { gradients[node.output.identity] = nil }
            node.backward(gradient, self)
            tracked.remove(node.output.identity)
            if leaves[node.output.identity] != nil { tracked.insert(node.output.identity) }
        }
    }

    package func backward(from output: Tensor, gradient: Tensor) { backward(from: [(output, gradient)]) }

    /// Runs `body` without keeping its intermediate results; the backward pass computes them again.
    ///
    /// `body` must depend on tracked tensors only through `input` and through parameters watched on this tape.
    package func checkpoint(_ input: Tensor, _ body: @escaping (Tensor, Tape?) -> Tensor) -> Tensor {
        if !recomputes { return body(input, self) }
        let probe = Tape(within: self, isProbe: true)
        if isTracked(input) { probe.watch(input) }
        let output = body(input, probe)
        // A section that nothing tracked takes part in is not computed again.
        guard probe.isTracked(output) else { return output }
        tracked.insert(output.identity)
        if isProbe { return output }
        nodes.append(
            Node(output: output) { gradient, tape in
                let inner = Tape(within: tape)
                if tape.isTracked(input) { inner.watch(input) }
                let again = body(input, inner)
                guard inner.isTracked(again) else { return }
                inner.backward(from: again, gradient: gradient)
                if tape.isTracked(input), let inputGradient = inner.gradients[input.identity] {
                    tape.add(inputGradient, to: input)
                }
            })
        return output
    }
}

/// Runs `body` on `input`, checkpointed if there is a tape.
package func checkpointed(_ input: Tensor, _ tape: Tape?, _ body: @escaping (Tensor, Tape?) -> Tensor) -> Tensor {
    guard let tape else { return body(input, nil) }
    return tape.checkpoint(input, body)
}
