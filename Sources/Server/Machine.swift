import Tensors

/// The arithmetic's share of the machine.
package enum Machine {
    /// Bounds the threads; for start-up, before the first model is loaded.
    package static func use(threads: Int) { Threads.use(threads) }
}
