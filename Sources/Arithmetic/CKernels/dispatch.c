/* Chooses, once, which version of the operations runs, and forwards every call to it.
 *
 * The best version whose instructions the CPU has, or the one that the environment variable CORD_KERNELS names.
 */
#include "kernels.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define DECLARE(op) extern __typeof__(op) op##_reference;
CK_OPERATIONS(DECLARE)

static const ck_kernels reference = {
    .name = "reference",
#define MEMBER(op) .op = op##_reference,
    CK_OPERATIONS(MEMBER)
};

static _Atomic(const ck_kernels *) choice;
static _Thread_local const ck_kernels *selected; // by this thread, for itself

/// The kernels of that name, or the best ones for NULL; NULL where the CPU lacks their instructions.
static const ck_kernels *available(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    bool avx2_vnni = avx2 && __builtin_cpu_supports("avxvnni");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    bool avx512_vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    bool bf16 = avx512_vnni && __builtin_cpu_supports("avx512bf16");
    if (bf16 && (!name || strcmp(name, "avx512_bf16") == 0)) return &ck_kernels_avx512_bf16;
    if (avx512_vnni && (!name || strcmp(name, "avx512_vnni") == 0)) return &ck_kernels_avx512_vnni;
    if (avx512 && (!name || strcmp(name, "avx512") == 0)) return &ck_kernels_avx512;
    if (avx2_vnni && (!name || strcmp(name, "avx2_vnni") == 0)) return &ck_kernels_avx2_vnni;
    if (avx2 && (!name || strcmp(name, "avx2") == 0)) return &ck_kernels_avx2;
#endif
    return !name || strcmp(name, "reference") == 0 ? &reference : NULL;
}

static const ck_kernels *choose(void) {
    const char *wanted = getenv("CORD_KERNELS");
    const ck_kernels *kernels = available(wanted && *wanted ? wanted : NULL);
    if (!kernels) {
        kernels = available(NULL);
        fprintf(stderr,
                "cord: CORD_KERNELS=%s names no kernels for this CPU; expected reference, avx2, avx2_vnni, avx512, avx512_vnni "
                "or avx512_bf16. Running with %s.\n",
                wanted, kernels->name);
    }
    atomic_store(&choice, kernels);
    return kernels;
}

static inline const ck_kernels *chosen(void) {
    if (selected) return selected;
    const ck_kernels *kernels = atomic_load_explicit(&choice, memory_order_relaxed);
    return kernels ? kernels : choose();
}

const char *ck_kernel_name(void) { return chosen()->name; }

bool ck_select_kernels(const char *name) {
    const ck_kernels *kernels = name ? available(name) : NULL;
    if (name && !kernels) return false;
    selected = kernels;
    return true;
}

// Operations on stored formats go to the format's own.
#define CALL_LINEAR(X, id, ...)                                                                                        \
    case ck_format_##id: chosen()->ck_linear_##id(y, x, w, bias, m); break;
#define CALL_NARROW(X, id, ...)                                                                                        \
    case ck_format_##id: chosen()->ck_linear_narrow_##id(y, x, w, bias, m); break;
#define CALL_WIDEN(X, id, ...)                                                                                         \
    case ck_format_##id: chosen()->ck_widen_##id(y, w, first, count); break;
#define CALL_ENCODE(X, id)                                                                                             \
    if (format == ck_format_##id) chosen()->ck_encode_##id(stored, x, rows, columns);

void ck_linear(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {
    switch (w.format) {
        CK_FORMATS(CALL_LINEAR, )
    case ck_format_count: abort();
    }
}

void ck_linear_narrow(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {
    switch (w.format) {
        CK_FORMATS(CALL_NARROW, )
    case ck_format_count: abort();
    }
}

void ck_widen(float *y, ck_matrix w, size_t first, size_t count) {
    switch (w.format) {
        CK_FORMATS(CALL_WIDEN, )
    case ck_format_count: abort();
    }
}

void ck_encode(void *stored, ck_format format, const float *x, size_t rows, size_t columns) {
    if (!ck_is_writable(format)) abort();
    CK_WRITABLE_FORMATS(CALL_ENCODE, )
}

void ck_transpose(float *y, size_t stride, const float *x, size_t rows, size_t columns) {
    chosen()->ck_transpose(y, stride, x, rows, columns);
}

void ck_store_narrow(int8_t *k, int8_t *v, float *scales, size_t key_columns, const float *key_rows, const float *value_rows, size_t rows,
        size_t kv_heads, size_t head_size) {
    chosen()->ck_store_narrow(k, v, scales, key_columns, key_rows, value_rows, rows, kv_heads, head_size);
}

void ck_attention(float *out, float *lse, const float *q, ck_attention_shape shape, const ck_segment *segments, size_t
        segment_count, const ck_span *spans) {
    chosen()->ck_attention(out, lse, q, shape, segments, segment_count, spans);
}

void ck_attention_backward(float *dq, const float *dout, const float *out, const float *lse, const float *q,
        ck_attention_shape shape, const ck_segment *segments, size_t segment_count, const ck_span *spans) {
    chosen()->ck_attention_backward(dq, dout, out, lse, q, shape, segments, segment_count, spans);
}

void ck_rmsnorm(float *y, const float *x, const float *w, size_t rows, size_t n, float eps) {
    chosen()->ck_rmsnorm(y, x, w, rows, n, eps);
}

void ck_rmsnorm_backward(float *dx, float *dw, const float *dy, const float *x, const float *w, size_t rows, size_t n,
        float eps) {
    chosen()->ck_rmsnorm_backward(dx, dw, dy, x, w, rows, n, eps);
}

void ck_layernorm(float *y, const float *x, const float *w, const float *b, size_t rows, size_t n, float eps) {
    chosen()->ck_layernorm(y, x, w, b, rows, n, eps);
}

void ck_layernorm_backward(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w, size_t
        rows, size_t n, float eps) {
    chosen()->ck_layernorm_backward(dx, dw, db, dy, x, w, rows, n, eps);
}

void ck_gelu(float *y, const float *x, size_t count) {
    chosen()->ck_gelu(y, x, count);
}

void ck_gelu_backward(float *dx, const float *dy, const float *x, size_t count) {
    chosen()->ck_gelu_backward(dx, dy, x, count);
}

void ck_silu_mul(float *y, const float *gate, const float *up, size_t count) {
    chosen()->ck_silu_mul(y, gate, up, count);
}

void ck_silu_mul_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t count)
        {
    chosen()->ck_silu_mul_backward(dgate, dup, dy, gate, up, count);
}

void ck_rope(float *x, const int32_t *position, const float *frequency, size_t rows, size_t heads, size_t head_size,
        size_t stride, bool inverse) {
    chosen()->ck_rope(x, position, frequency, rows, heads, head_size, stride, inverse);
}

void ck_add(float *y, const float *a, const float *b, size_t count) {
    chosen()->ck_add(y, a, b, count);
}

void ck_axpy(float *y, float s, const float *x, size_t count) {
    chosen()->ck_axpy(y, s, x, count);
}

void ck_windows(float *y, const float *x, size_t t, size_t channels, size_t width, size_t stride, size_t padding) {
    chosen()->ck_windows(y, x, t, channels, width, stride, padding);
}

void ck_windows_backward(float *dx, const float *dy, size_t t, size_t channels, size_t width, size_t stride, size_t
        padding) {
    chosen()->ck_windows_backward(dx, dy, t, channels, width, stride, padding);
}

void ck_average_pairs(float *y, const float *x, size_t t, size_t channels) {
    chosen()->ck_average_pairs(y, x, t, channels);
}

void ck_average_pairs_backward(float *dx, const float *dy, size_t t, size_t channels) {
    chosen()->ck_average_pairs_backward(dx, dy, t, channels);
}

void ck_logsumexp(float *lse, const float *x, size_t rows, size_t n) {
    chosen()->ck_logsumexp(lse, x, rows, n);
}

void ck_argmax(int32_t *index, const float *x, size_t rows, size_t n) {
    chosen()->ck_argmax(index, x, rows, n);
}

void ck_exp_sums(double *sums, const float *x, size_t n, float top, float scale) {
    chosen()->ck_exp_sums(sums, x, n, top, scale);
}

void ck_mask(float *y, const float *x, const uint64_t *allowed, size_t n) {
    chosen()->ck_mask(y, x, allowed, n);
}

void ck_measure_rows(ck_row_measures *measures, const float *s, const float *t, const int32_t *target, size_t rows,
        size_t n) {
    chosen()->ck_measure_rows(measures, s, t, target, rows, n);
}

void ck_measure_rows_backward(float *s, const float *t, const int32_t *target, const float *a, const float *b, const
        float *c, size_t rows, size_t n) {
    chosen()->ck_measure_rows_backward(s, t, target, a, b, c, rows, n);
}

void ck_adamw(float *parameter, float *m, float *v, const float *gradient, size_t count, float learning_rate, float
        beta1, float beta2, float eps, float weight_decay, size_t step) {
    chosen()->ck_adamw(parameter, m, v, gradient, count, learning_rate, beta1, beta2, eps, weight_decay, step);
}

double ck_sum_of_squares(const float *x, size_t count) {
    return chosen()->ck_sum_of_squares(x, count);
}
