/* Vectors of LANES floats, 16 for AVX-512 and 8 for AVX2, on which the fast kernels are written once for both.
 *
 * Included by avx512.c and avx2.c, inside a region that switches the instruction set on.
 */
#pragma once
#include "kernels.h"

#include <math.h>

// Vectors wider than the registers are never passed: all functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float V __attribute__((ext_vector_type(LANES)));
typedef int32_t VI __attribute__((ext_vector_type(LANES)));
typedef uint32_t VU __attribute__((ext_vector_type(LANES)));
typedef double VD __attribute__((ext_vector_type(LANES)));
typedef float F4 __attribute__((ext_vector_type(4)));
typedef int32_t I4 __attribute__((ext_vector_type(4)));
typedef uint16_t V16 __attribute__((ext_vector_type(LANES)));
typedef _Float16 VH __attribute__((ext_vector_type(LANES)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE V v_load(const void *p) {
    V v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(void *p, V v) { memcpy(p, &v, sizeof v); }

INLINE V v_fma(V a, V b, V c) { return __builtin_elementwise_fma(a, b, c); }
INLINE V v_max(V a, V b) { return a > b ? a : b; }
INLINE VI v_bits(V v) { return (VI)v; }
INLINE V v_float(VI v) { return (V)v; }

#if LANES == 16
#define V_INDEX ((VI){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
INLINE V v_load_part(const float *p, size_t count) {
    return (V)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
INLINE void v_store_part(float *p, V v, size_t count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
#else
#define V_INDEX ((VI){0, 1, 2, 3, 4, 5, 6, 7})
INLINE V v_load_part(const float *p, size_t count) {
    return (V)_mm256_maskload_ps(p, (__m256i)((VI)(int32_t)count > V_INDEX));
}
INLINE void v_store_part(float *p, V v, size_t count) {
    _mm256_maskstore_ps(p, (__m256i)((VI)(int32_t)count > V_INDEX), (__m256)v);
}
#endif

/// The first `count` of four elements, the rest zero.
INLINE F4 four_load(const float *p, size_t count) {
#if LANES == 16
    return (F4)_mm_maskz_loadu_ps((__mmask8)((1u << count) - 1), p);
#else
    return (F4)_mm_maskload_ps(p, (__m128i)((I4)(int32_t)count > (I4){0, 1, 2, 3}));
#endif
}

INLINE void four_store(float *p, F4 v, size_t count) {
#if LANES == 16
    _mm_mask_storeu_ps(p, (__mmask8)((1u << count) - 1), (__m128)v);
#else
    _mm_maskstore_ps(p, (__m128i)((I4)(int32_t)count > (I4){0, 1, 2, 3}), (__m128)v);
#endif
}

/// LANES integers of 8 bits as floats.
INLINE V v_load_int8(const int8_t *p) {
    typedef int8_t V8 __attribute__((ext_vector_type(LANES)));
    V8 v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, V);
}

/// Loads `count` elements, the rest zero; a whole vector where count ≥ LANES.
INLINE V v_load_upto(const float *p, size_t count) { return count >= LANES ? v_load(p) : v_load_part(p, count); }

INLINE void v_store_upto(float *p, V v, size_t count) {
    if (count >= LANES) v_store(p, v);
    else v_store_part(p, v, count);
}

#if LANES == 16
/// Four sums of lanes, folded in halves to quarters: of a, c, b and d, a quarter each.
INLINE V v_quarters(V a, V b, V c, V d) {
    // Half of each sum is taken where it lies, by a blend, and half is shuffled beside it.
    V ab = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31) +
           __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    V cd = __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31) +
           __builtin_shufflevector(c, d, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    return __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31) +
           __builtin_shufflevector(ab, cd, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
}

/// The quarters of two rows folded to halves of theirs: l and l + 2 of the first, then of the second.
INLINE V v_eighths(V a, V b) {
    return __builtin_shufflevector(a, b, 0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31) +
           __builtin_shufflevector(a, b, 2, 3, 16, 17, 6, 7, 20, 21, 10, 11, 24, 25, 14, 15, 28, 29);
}
#endif

/// The four sums of the lanes of a, b, c and d, each folded in halves: l and l + 8, then l and l + 4, l + 2, l + 1.
INLINE F4 v_sums(V a, V b, V c, V d) {
#if LANES == 16
    V q = v_quarters(a, b, c, d);
    q += __builtin_shufflevector(q, q, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    q += __builtin_shufflevector(q, q, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    return __builtin_shufflevector(q, q, 0, 8, 4, 12);
#else
    V ab = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    V cd = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15);
    V q = __builtin_shufflevector(ab, cd, 0, 1, 4, 5, 8, 9, 12, 13) +
          __builtin_shufflevector(ab, cd, 2, 3, 6, 7, 10, 11, 14, 15);
    return __builtin_shufflevector(q, q, 0, 2, 4, 6) + __builtin_shufflevector(q, q, 1, 3, 5, 7);
#endif
}

/// sum[i] = v_sums of row i, for each of `rows` rows: the last folds of several rows are done together.
INLINE void v_row_sums(const int rows, V (*lanes)[4], F4 *sum) {
    int row = 0;
#if LANES == 16
    if (rows >= 4) {
        V q[4];
        UNROLL for (int i = 0; i < 4; i++) q[i] = v_quarters(lanes[i][0], lanes[i][1], lanes[i][2], lanes[i][3]);
        V a = v_eighths(q[0], q[1]), b = v_eighths(q[2], q[3]);
        V s = __builtin_shufflevector(a, b, 0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31) +
              __builtin_shufflevector(a, b, 1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
        V t = __builtin_shufflevector(s, s, 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
        sum[0] = __builtin_shufflevector(t, t, 0, 1, 2, 3);
        sum[1] = __builtin_shufflevector(t, t, 4, 5, 6, 7);
        sum[2] = __builtin_shufflevector(t, t, 8, 9, 10, 11);
        sum[3] = __builtin_shufflevector(t, t, 12, 13, 14, 15);
        row = 4;
    }
    if (rows - row >= 2) {
        V s = v_eighths(v_quarters(lanes[row][0], lanes[row][1], lanes[row][2], lanes[row][3]),
                        v_quarters(lanes[row + 1][0], lanes[row + 1][1], lanes[row + 1][2], lanes[row + 1][3]));
        s += __builtin_shufflevector(s, s, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
        sum[row] = __builtin_shufflevector(s, s, 0, 8, 4, 12);
        sum[row + 1] = __builtin_shufflevector(s, s, 2, 10, 6, 14);
        row += 2;
    }
#endif
    for (; row < rows; row++) sum[row] = v_sums(lanes[row][0], lanes[row][1], lanes[row][2], lanes[row][3]);
}

INLINE float v_sum(V v) { return v_sums(v, (V)(0), (V)(0), (V)(0))[0]; }

INLINE float v_largest(V v) {
    float largest = v[0];
    UNROLL for (int l = 1; l < LANES; l++) largest = v[l] > largest ? v[l] : largest;
    return largest;
}

INLINE double v_total(VD v) {
    double sum[LANES];
    memcpy(sum, &v, sizeof sum);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) sum[l] += sum[l + half];
    return sum[0];
}

INLINE VD v_double(V v) { return __builtin_convertvector(v, VD); }

/// exp, with a relative error below 2e-7. Results below the smallest normal number are zero.
///
/// exp(x) = 2^n · 2^f with n the integer nearest to x/log 2; 2^f = 1 + f P(f) by a minimax polynomial on [−1/2, 1/2].
INLINE V v_exp(V x) {
    const V shift = 0x1.8p23f, log2e_high = 0x1.715476p+0f, log2e_low = 0x1.4ae0cp-26f;
    V clamped = x > 88.72283f ? (V)(88.72283f) : x;
    clamped = clamped < -87.5f ? (V)(-87.5f) : clamped;
    V shifted = v_fma(clamped, log2e_high, shift);
    V n = shifted - shift;
    V f = v_fma(clamped, log2e_low, v_fma(clamped, log2e_high, -n));
    V p = v_fma((V)(0x1.41fa9cp-13f), f, (V)(0x1.5f401p-10f));
    p = v_fma(p, f, (V)(0x1.3b2d52p-7f));
    p = v_fma(p, f, (V)(0x1.c6aee6p-5f));
    p = v_fma(p, f, (V)(0x1.ebfbdcp-3f));
    p = v_fma(p, f, (V)(0x1.62e43p-1f));
    p = v_fma(p, f, (V)(1.0f));
    // n reaches 128, one more than an exponent holds, so half of it is applied first.
    VI whole = v_bits(shifted) << 23;
    V y = v_float(v_bits(p) + whole - (1 << 23)) * 2;
    y = x < -87.33654f ? (V)(0.0f) : y;
    return x > 88.72283f ? (V)(INFINITY) : y;
}
