#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The arithmetic of cord.
 *
 * Every operation <op> has a readable reference in <op>.c, portable C, and may have a faster twin in <op>_simd.h, which avx512.c
 * and avx2.c compile for their instructions (references that the compiler widens well are compiled there again). dispatch.c
 * chooses once, at first use, by the CPU's features; CORD_KERNELS=reference, avx2, avx2_vnni, avx512, avx512_vnni or avx512_bf16
 * forces a choice.
 *
 * Matrices are row-major and contiguous; T counts packed tokens, rows of a ragged batch.
 *
 * Invariance: each output row of ck_linear, ck_linear_narrow, ck_attention, the norms and the activations is computed by the same sequence of
 * floating-point operations, independent of the values and the number of the other rows and of the number of threads. A
 * sequence therefore gives the same bits alone and in any batch, whole and in chunks. Backward products have no such
 * promise, but are deterministic for given shapes.
 */

#ifdef __cplusplus
extern "C" {
#endif

/* ── threads ── */

/// Sets how many threads run a parallel region, the caller included. 0 stands for one for each CPU that the process may use,
/// which is also the default.
void ck_set_threads(size_t count);
size_t ck_threads(void);

/// Runs body(context, begin, end) over [0, count) in pieces of at least `grain`, on all threads; returns when all is done.
/// Pieces are handed out dynamically. Where the pool is already at work for another caller, the region runs on the calling
/// thread alone. Idle workers spin for some microseconds, then sleep.
void ck_parallel(size_t count, size_t grain, void *context, void (*body)(void *context, size_t begin, size_t end));

/// The name of the chosen kernels, as in CORD_KERNELS.
const char *ck_kernel_name(void);
/// Makes calls from this thread use the kernels of that name, or the chosen ones again for NULL: for tests and measurements.
/// Returns false, and changes nothing, if there are none of that name or the CPU lacks their instructions.
bool ck_select_kernels(const char *name);

/* ── weights as stored ── */

/// The stored formats, ROW(X, identifier, name in files, GGUF's number, elements and bytes of a block). A block is what a format stores
/// together, along a row. Formats of floats have blocks of one element. Blocks of integers are GGML's (ggml-common.h), which share
/// scales; formats/ has a file for each.
#define CK_FLOAT_FORMATS(ROW, X)                                                                                       \
    ROW(X, f32, "F32", 0, 1, 4)                                                                                        \
    ROW(X, f16, "F16", 1, 1, 2)                                                                                        \
    ROW(X, bf16, "BF16", 30, 1, 2)
#define CK_BLOCK_FORMATS(ROW, X)                                                                                       \
    ROW(X, q8_0, "Q8_0", 8, 32, 34)                                                                                    \
    ROW(X, q4_0, "Q4_0", 2, 32, 18)                                                                                    \
    ROW(X, q4_1, "Q4_1", 3, 32, 20)                                                                                    \
    ROW(X, q5_0, "Q5_0", 6, 32, 22)                                                                                    \
    ROW(X, q5_1, "Q5_1", 7, 32, 24)                                                                                    \
    ROW(X, q4_k, "Q4_K", 12, 256, 144)                                                                                 \
    ROW(X, q5_k, "Q5_K", 13, 256, 176)                                                                                 \
    ROW(X, q6_k, "Q6_K", 14, 256, 210)                                                                                 \
    ROW(X, iq4_nl, "IQ4_NL", 20, 32, 18)                                                                               \
    ROW(X, iq4_xs, "IQ4_XS", 23, 256, 136)
#define CK_FORMATS(ROW, X) CK_FLOAT_FORMATS(ROW, X) CK_BLOCK_FORMATS(ROW, X)

typedef enum {
#define CK_FORMAT(X, id, ...) ck_format_##id,
    CK_FORMATS(CK_FORMAT, )
#undef CK_FORMAT
    ck_format_count
} ck_format;

typedef struct {
    const char *name;
    uint32_t gguf; // GGUF's number for it
    size_t block_elements, block_bytes;
} ck_format_facts;
/// The table's row of a format.
const ck_format_facts *ck_facts(ck_format format);
/// Whether ck_encode writes it.
bool ck_is_writable(ck_format format);

/// A weight [rows, columns] in memory. Floats lie row by row, as in files. Blocks lie regrouped by ck_regroup, so that a product reads
/// the same part of sixteen rows side by side. A row of blocks that ends within a block is filled up to its end.
typedef struct {
    ck_format format;
    const void *elements; // aligned to 64 bytes where the format has blocks
    size_t rows, columns;
} ck_matrix;

/// Bytes of a row as files have it, and of a matrix as ck_matrix has it.
size_t ck_row_bytes(ck_format format, size_t columns);
size_t ck_matrix_bytes(ck_format format, size_t rows, size_t columns);

/// y[m, rows] = x[m, columns] · wᵀ (+ bias[rows] where bias is not NULL), in float32 with the widened weights.
void ck_linear(float *y, const float *x, ck_matrix w, const float *bias, size_t m);
/// The same with x rounded to what the format multiplies fastest: to bfloat16 (to nearest even) beside bfloat16; to 8 bits with a
/// scale for each 32 elements beside blocks, whose integers are multiplied exactly and which have the same bits on every CPU. Beside
/// float32 and float16 x stays as it is.
void ck_linear_narrow(float *y, const float *x, ck_matrix w, const float *bias, size_t m);
/// y[count, columns] = the rows [first, first + count) in float32, exactly as the format defines them.
void ck_widen(float *y, ck_matrix w, size_t first, size_t count);
/// Writes rows of x as files have them, each element to its nearest, ties of float formats to even. The format is writable.
void ck_encode(void *stored, ck_format format, const float *x, size_t rows, size_t columns);
/// Puts `count` rows as files have them into `elements` of w, from row `first` on, a multiple of 16. Where the count is none, they are
/// the last. Formats of floats are copied.
void ck_regroup(void *elements, ck_matrix w, const void *stored, size_t first, size_t count);
/// The index of the first of `count` elements, stored as files have them, that is infinite or not a number, or whose scale is;
/// `count` if there is none.
size_t ck_find_not_finite(ck_format format, const void *stored, size_t count);

/// y[c · stride + i] = x[i, c]: rows to columns.
void ck_transpose(float *y, size_t stride, const float *x, size_t rows, size_t columns);
/// Rows of keys and of values, [rows, kv_heads · head_size] each, in 8 bits as spans with `scales` have them: k and v are where the first of the rows
/// lies, scales the keys' scale of the first row and head. A head's elements of one row share a scale, their largest magnitude / 127; where one is not
/// finite, the scale is no number.
void ck_store_narrow(int8_t *k, int8_t *v, float *scales, size_t key_columns, const float *key_rows, const float *value_rows, size_t rows,
                     size_t kv_heads, size_t head_size);

/* ── attention over spans ── */

/// `count` consecutive keys and values. Row i of v lies at v + i·stride; a row holds all key-value heads. With `key_columns` 0, k is laid out
/// alike. Otherwise keys are columns: element e of key i lies at k + e·key_columns + i. That spares each query of a cached sequence
/// turning them, but not all of it is for every use: key_columns is 16, 32 or 64, all spans of the segment are of this kind and all but its
/// last are full, and there is no backward pass. The gradient pointers (rows like v's) are used by the backward pass alone.
///
/// With `scales`, keys are columns, and the elements of k and v are int8_t (kv_stride counts elements, kv_offset the bytes / 4): element e of key i of
/// key-value head h is k[(h·head_size + e)·key_columns + i] · scales[h·key_columns + i], and likewise of v's rows with the scales that follow those of
/// all heads' keys.
typedef struct {
    const float *k;
    const float *v;
    float *dk;
    float *dv;
    size_t count;
    size_t key_columns;
    const float *scales;
} ck_span;

/// Query rows [query_begin, query_begin + query_count) of the packed batch attend to the concatenation of the spans
/// [span_begin, span_begin + span_count). Where causal, query i sees all keys but the last (query_count − 1 − i).
typedef struct {
    size_t query_begin, query_count;
    size_t span_begin, span_count;
    bool causal;
} ck_segment;

typedef struct {
    size_t heads, kv_heads, head_size; // heads % kv_heads == 0; head_size a multiple of 8, at most 256
    size_t q_stride, kv_stride;        // floats between rows of q and out, and of keys and values
    size_t kv_offset;                  // floats that keys and values lie after where the spans say: of another layer, in one cache
    float scale;                       // softmax(scale · q·kᵀ)
} ck_attention_shape;

/// out[T, heads·head_size] = softmax(scale·q kᵀ) v. lse [T, heads] receives log Σ exp(scale·q·k), or is NULL.
void ck_attention(float *out, float *lse, const float *q, ck_attention_shape shape, const ck_segment *segments,
                  size_t segment_count, const ck_span *spans);
/// Adds to dq and to the spans' dk and dv. `out` and `lse` are those of the forward pass.
void ck_attention_backward(float *dq, const float *dout, const float *out, const float *lse, const float *q,
                           ck_attention_shape shape, const ck_segment *segments, size_t segment_count,
                           const ck_span *spans);

/* ── norms, activations, positions: forward beside backward. Backward adds (+=) to the d… outputs that are not NULL ── */

/// y = x / √(mean(x²) + eps) · w
void ck_rmsnorm(float *y, const float *x, const float *w, size_t rows, size_t n, float eps);
void ck_rmsnorm_backward(float *dx, float *dw, const float *dy, const float *x, const float *w, size_t rows, size_t n,
                         float eps);
/// y = (x − mean) / √(var + eps) · w + b
void ck_layernorm(float *y, const float *x, const float *w, const float *b, size_t rows, size_t n, float eps);
void ck_layernorm_backward(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w,
                           size_t rows, size_t n, float eps);
/// The exact GELU, x·Φ(x) by erf.
void ck_gelu(float *y, const float *x, size_t count);
void ck_gelu_backward(float *dx, const float *dy, const float *x, size_t count);
/// y = silu(gate) · up
void ck_silu_mul(float *y, const float *gate, const float *up, size_t count);
void ck_silu_mul_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t count);
/// Rotates halves as Hugging Face does: element i is paired with i + head_size/2; angle = position[t] · frequency[i].
/// In place; `inverse` rotates back, which is the backward pass. The angles are computed in double precision (or as
/// exactly), so that position 30,000 agrees with a float64 computation within 1e-6.
void ck_rope(float *x, const int32_t *position, const float *frequency, size_t rows, size_t heads, size_t head_size,
             size_t stride, bool inverse);
void ck_add(float *y, const float *a, const float *b, size_t count);
/// y += s · x
void ck_axpy(float *y, float s, const float *x, size_t count);

/* ── convolution over time and pooling, for the audio encoder: x[T, channels], frames in rows ── */

/// y[i, j·channels + c] = x[stride·i + j − padding, c], zero outside [0, t): windows as rows, so that a convolution is a product
/// with weights stored [out, width, channels]. There are (t + 2·padding − width) / stride + 1 rows.
void ck_windows(float *y, const float *x, size_t t, size_t channels, size_t width, size_t stride, size_t padding);
void ck_windows_backward(float *dx, const float *dy, size_t t, size_t channels, size_t width, size_t stride,
                         size_t padding);
/// y[i] = (x[2i] + x[2i + 1]) / 2, for i < t / 2
void ck_average_pairs(float *y, const float *x, size_t t, size_t channels);
void ck_average_pairs_backward(float *dx, const float *dy, size_t t, size_t channels);

/* ── vocabulary-wide rows ── */

/// lse[i] = log Σ_j exp(x[i, j])
void ck_logsumexp(float *lse, const float *x, size_t rows, size_t n);
/// The index of the largest element of each row; of equal ones the first.
void ck_argmax(int32_t *index, const float *x, size_t rows, size_t n);
/// sums[b] = Σ exp(scale · (x[j] − top)) over the words j of block b, which are `ck_sum_block` from b · ck_sum_block on: for draws.
enum { ck_sum_block = 1024 };
void ck_exp_sums(double *sums, const float *x, size_t n, float top, float scale);
/// y[j] = x[j] where bit j of `allowed` is set (of word j / 64, the lowest bit first), −∞ elsewhere.
void ck_mask(float *y, const float *x, const uint64_t *allowed, size_t n);

/// Measures of a row of student logits s and teacher logits t over n words (t may be NULL, then only the student's are set).
typedef struct {
    float log_probability; // log softmax(s)[target]
    float entropy;         // of softmax(s)
    float reverse_kl;      // KL(softmax(s) ‖ softmax(t))
    float forward_kl;      // KL(softmax(t) ‖ softmax(s))
    float teacher_log_probability;
    float teacher_entropy;
    int32_t argmax, teacher_argmax;
    int32_t rank, teacher_rank; // of the target: 1 + the words with a larger logit, so that equal logits share the better rank; 0 without target
} ck_row_measures;
void ck_measure_rows(ck_row_measures *measures, const float *s, const float *t, const int32_t *target, size_t rows,
                     size_t n);
/// Overwrites s with the gradient with respect to the student's logits of
///     a[i]·reverse_kl + b[i]·forward_kl − c[i]·log_probability
/// t may be NULL where all a and b are zero.
void ck_measure_rows_backward(float *s, const float *t, const int32_t *target, const float *a, const float *b,
                              const float *c, size_t rows, size_t n);

/* ── alignment ── */

/// Rows [row, row + rows) of a packed batch of logits, at least one, and the labels that they are to spell; no label is the blank.
typedef struct {
    size_t row, rows;
    const int32_t *labels;
    size_t label_count;
} ck_ctc_clip;
/// losses[i] = the connectionist temporal classification loss of clip i over logits x[T, n], which are overwritten with scale times
/// their gradient. A clip with too few rows for its labels has an infinite loss and no gradient.
void ck_ctc(float *x, double *losses, const ck_ctc_clip *clips, size_t count, size_t n, int32_t blank, float scale);

/* ── optimiser ── */

/// One AdamW step (PyTorch's: decoupled decay, bias-corrected, eps outside the root) on `count` parameters. `step` starts at 1.
void ck_adamw(float *parameter, float *m, float *v, const float *gradient, size_t count, float learning_rate,
              float beta1, float beta2, float eps, float weight_decay, size_t step);
/// Σ x², summed in double precision in a fixed order.
double ck_sum_of_squares(const float *x, size_t count);

#ifdef __cplusplus
}
#endif
