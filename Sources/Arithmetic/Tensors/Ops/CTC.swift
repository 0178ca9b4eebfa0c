import CKernels

/// Turns logits [Σ lengths, V] of clips that lie one after the other into `scale` times the gradient of the sum of their CTC
/// losses, in place, and returns the losses (Graves et al., 2006; PyTorch's `ctc_loss`).
///
/// Clip i is to spell `labels[i]`, none of them `blank`. A clip with too few rows has an infinite loss and no gradient. The
/// logits must have been made for this call.
package func overwriteWithCTCGradient(
    _ logits: Tensor, lengths: [Int], labels: [[Int32]], blank: Int32, scale: Float
) -> [Double] {
    precondition(
        lengths.count == labels.count && lengths.reduce(0, +) == logits.rows && lengths.allSatisfy { $0 > 0 },
        "CTC: \(lengths.count) clips, \(labels.count) texts, logits \(logits.shape)")
    let words = 0..<Int32(logits.columns)
    precondition(
        words.contains(blank) && labels.allSatisfy { $0.allSatisfy { words.contains($0) && $0 != blank } },
        "CTC: a label is the blank or outside the vocabulary of \(logits.columns)")
    var losses = [Double](repeating: 0, count: lengths.count)
    let flat = labels.flatMap { $0 }
    unsafe flat.withUnsafeBufferPointer { flat in
        var clips: [ck_ctc_clip] = unsafe []
        var row = 0
        var label = 0
        for (length, own) in zip(lengths, labels) {
            unsafe clips.append(
                ck_ctc_clip(
                    row: row, rows: length, labels: flat.baseAddress.map { unsafe $0 + label }, label_count: own.count))
            row += length
            label += own.count
        }
        unsafe ck_ctc(logits.pointer, &losses, clips, clips.count, logits.columns, blank, scale)
    }
    return losses
}
