/* Shared parts of the kernels: the table of operations, scratch memory and storage formats. */
#pragma once
#include "CKernels.h"

#include <string.h>

/// The name of this translation unit's version of an operation. avx512.c and avx2.c define it otherwise.
#ifndef CK_VARIANT
#define CK_VARIANT(op) op##_reference
#endif

#define CK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CK_MAX(a, b) ((a) > (b) ? (a) : (b))

/// Formats that ck_encode writes.
#define CK_WRITABLE_FORMATS(ROW, X) ROW(X, f32) ROW(X, f16) ROW(X, bf16) ROW(X, q8_0) ROW(X, q4_0)

/// The operations of one format: those of CKernels.h for matrices of this format.
#define CK_FORMAT_OPERATIONS(X, id, ...) X(ck_linear_##id) X(ck_linear_narrow_##id) X(ck_widen_##id)
#define CK_ENCODE_OPERATION(X, id) X(ck_encode_##id)
#define CK_DECLARE_FORMAT(X, id, ...)                                                                                  \
    void ck_linear_##id(float *y, const float *x, ck_matrix w, const float *bias, size_t m);                           \
    void ck_linear_narrow_##id(float *y, const float *x, ck_matrix w, const float *bias, size_t m);                    \
    void ck_widen_##id(float *y, ck_matrix w, size_t first, size_t count);
#define CK_DECLARE_ENCODE(X, id) void ck_encode_##id(void *stored, const float *x, size_t rows, size_t columns);
CK_FORMATS(CK_DECLARE_FORMAT, )
CK_WRITABLE_FORMATS(CK_DECLARE_ENCODE, )

/// Every operation of which there are several versions.
#define CK_OPERATIONS(X)                                                                                               \
    CK_FORMATS(CK_FORMAT_OPERATIONS, X) CK_WRITABLE_FORMATS(CK_ENCODE_OPERATION, X) X(ck_transpose) X(ck_store_narrow) \
    X(ck_attention) X(ck_attention_backward)                                                                           \
    X(ck_rmsnorm) X(ck_rmsnorm_backward) X(ck_layernorm) X(ck_layernorm_backward)                                      \
    X(ck_gelu) X(ck_gelu_backward) X(ck_silu_mul) X(ck_silu_mul_backward) X(ck_rope) X(ck_add) X(ck_axpy)              \
    X(ck_windows) X(ck_windows_backward) X(ck_average_pairs) X(ck_average_pairs_backward)                              \
    X(ck_logsumexp) X(ck_argmax) X(ck_exp_sums) X(ck_mask) X(ck_measure_rows) X(ck_measure_rows_backward) X(ck_adamw)          \
    X(ck_sum_of_squares)

/// One version of all operations.
typedef struct {
    const char *name;
#define CK_MEMBER(op) __typeof__(op) *op;
    CK_OPERATIONS(CK_MEMBER)
#undef CK_MEMBER
} ck_kernels;

extern const ck_kernels ck_kernels_avx2, ck_kernels_avx2_vnni, ck_kernels_avx512, ck_kernels_avx512_vnni, ck_kernels_avx512_bf16;

/// The calling thread's scratch memory number `slot`, at least `bytes` long and aligned to 64 bytes. Its contents last until
/// the same thread asks for the same slot. It aborts if the system has no memory.
void *ck_scratch(int slot, size_t bytes);
enum { ck_scratch_slots = 8 };

/// The number of threads that a region opened here can have; one inside another region.
size_t ck_helping_threads(void);

/// The number of rows of a piece that is worth another thread, if one row costs about `cost` simple operations.
static inline size_t ck_grain(size_t cost) { return 1 + 32768 / (cost + 1); }

static inline float ck_float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static inline uint32_t ck_bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static inline float ck_bf16_to_f32(uint16_t x) { return ck_float_of_bits((uint32_t)x << 16); }

/// To nearest even; NaN stays NaN.
static inline uint16_t ck_f32_to_bf16(float x) {
    uint32_t bits = ck_bits_of_float(x);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

static inline float ck_f16_to_f32(uint16_t x) {
    // The exponent is moved up by multiplying with 2^112, which also normalises subnormals exactly.
    uint32_t magnitude = (uint32_t)(x & 0x7fff) << 13, bits = ck_bits_of_float(ck_float_of_bits(magnitude) * 0x1p112f);
    bits = (x & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : bits;
    return ck_float_of_bits(bits | (uint32_t)(x & 0x8000) << 16);
}

/// To nearest even; NaN stays NaN.
static inline uint16_t ck_f32_to_f16(float x) {
    uint32_t bits = ck_bits_of_float(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    // Adding 0.5 leaves the bits of a subnormal in the last ones of the sum; the FPU rounds them.
    uint32_t subnormal = ck_bits_of_float(ck_float_of_bits(magnitude) + 0.5f) - 0x3f000000;
    uint32_t normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    uint32_t special = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (uint16_t)(sign | (magnitude >= 0x47800000 ? special : magnitude < 0x38800000 ? subnormal : normal));
}
