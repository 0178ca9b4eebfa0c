/* What the kernels share among themselves: the table of operations, scratch memory and storage formats. */
#pragma once
#include "CKernels.h"

#include <string.h>

/// The name of this translation unit's version of an operation. avx512.c and avx2.c define it otherwise.
#ifndef CK_VARIANT
#define CK_VARIANT(op) op##_reference
#endif

#define CK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CK_MAX(a, b) ((a) > (b) ? (a) : (b))

/// Every operation of which there are several versions.
#define CK_OPERATIONS(X)                                                                                               \
    X(ck_linear_f32) X(ck_linear_bf16) X(ck_linear_bf16_bf16) X(ck_linear_q8)                                          \
    X(ck_widen_bf16) X(ck_narrow_bf16) X(ck_widen_f16) X(ck_widen_q8) X(ck_quantize_q8) X(ck_transpose)                \
    X(ck_attention) X(ck_attention_backward)                                                                           \
    X(ck_rmsnorm) X(ck_rmsnorm_backward) X(ck_layernorm) X(ck_layernorm_backward)                                      \
    X(ck_gelu) X(ck_gelu_backward) X(ck_silu_mul) X(ck_silu_mul_backward) X(ck_rope) X(ck_add) X(ck_axpy)              \
    X(ck_windows) X(ck_windows_backward) X(ck_average_pairs) X(ck_average_pairs_backward)                              \
    X(ck_logsumexp) X(ck_argmax) X(ck_exp_sums) X(ck_measure_rows) X(ck_measure_rows_backward) X(ck_adamw) X(ck_sum_of_squares)

/// One version of all operations.
typedef struct {
    const char *name;
#define CK_MEMBER(op) __typeof__(op) *op;
    CK_OPERATIONS(CK_MEMBER)
#undef CK_MEMBER
} ck_kernels;

extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512, ck_kernels_avx512_bf16;

/// The calling thread's scratch memory number `slot`, at least `bytes` long and aligned to 64 bytes. Its contents last until
/// the same thread asks for the same slot. Aborts where the system has no memory.
void *ck_scratch(int slot, size_t bytes);
enum { ck_scratch_slots = 6 };

/// How many threads a region that opens here can have: one inside of another region.
size_t ck_helping_threads(void);

/// How many rows make a piece worth handing to another thread, where one row costs about `cost` simple operations.
static inline size_t ck_grain(size_t cost) { return 1 + 32768 / (cost + 1); }

static inline float ck_bf16_to_f32(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, 4);
    return y;
}

static inline uint16_t ck_f32_to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}
