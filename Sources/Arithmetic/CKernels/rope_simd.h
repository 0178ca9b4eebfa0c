/* Rotary positions on vectors; rope.c has the formula.
 *
 * The angle is reduced to [−π/4, π/4] in double precision; sine and cosine are then minimax polynomials in single precision, with
 * an absolute error below 2e-7.
 */
#include "simd.h"

typedef struct {
    float *x;
    const int32_t *position;
    const float *frequency;
    size_t heads, half, stride;
    bool inverse;
} rope_simd_call;

INLINE void v_sincos(VD angle, V *sine, V *cosine) {
    const VD shift = 0x1.8p52;
    VD turns = __builtin_elementwise_fma(angle, (VD)(0x1.45f306dc9c883p-1), shift) - shift; // quarter turns, whole
    VD rest = __builtin_elementwise_fma(turns, (VD)(-0x1.921fb54442d18p+0), angle);
    rest = __builtin_elementwise_fma(turns, (VD)(-0x1.1a62633145c07p-54), rest);
    VI quarter = __builtin_convertvector(turns, VI);
    V r = __builtin_convertvector(rest, V), s = r * r;
    V p = v_fma((V)(-0x1.98ab3cp-13f), s, (V)(0x1.11051ep-7f));
    p = v_fma(p, s, (V)(-0x1.55553ep-3f));
    V sin_r = v_fma(p * s, r, r);
    V q = v_fma((V)(0x1.99daaap-16f), s, (V)(-0x1.6c0c04p-10f));
    q = v_fma(q, s, (V)(0x1.55554ap-5f));
    V cos_r = v_fma(q, s * s, v_fma((V)(-0.5f), s, (V)(1.0f)));
    VI odd = (quarter & 1) != 0;
    VI sin_sign = (quarter & 2) << 30, cos_sign = ((quarter + 1) & 2) << 30;
    *sine = v_float(v_bits(odd ? cos_r : sin_r) ^ sin_sign);
    *cosine = v_float(v_bits(odd ? sin_r : cos_r) ^ cos_sign);
}

static void rotate_simd(void *context, size_t begin, size_t end) {
    const rope_simd_call *c = context;
    size_t half = c->half, padded = (half + LANES - 1) / LANES * LANES;
    float *cosine = ck_scratch(0, 2 * padded * sizeof(float)), *sine = cosine + padded;
    for (size_t row = begin; row < end; row++) {
        if (row == begin || c->position[row] != c->position[row - 1])
            for (size_t i = 0; i < half; i += LANES) {
                VD angle = (double)c->position[row] * v_double(v_load_upto(c->frequency + i, half - i));
                V s, co;
                v_sincos(angle, &s, &co);
                v_store(cosine + i, co);
                v_store(sine + i, c->inverse ? -s : s);
            }
        for (size_t head = 0; head < c->heads; head++) {
            float *low = c->x + row * c->stride + head * 2 * half, *high = low + half;
            for (size_t i = 0; i < half; i += LANES) {
                size_t count = half - i;
                V a = v_load_upto(low + i, count), b = v_load_upto(high + i, count);
                V co = v_load(cosine + i), s = v_load(sine + i);
                v_store_upto(low + i, v_fma(a, co, -(b * s)), count);
                v_store_upto(high + i, v_fma(b, co, a * s), count);
            }
        }
    }
}

void CK_VARIANT(ck_rope)(float *x, const int32_t *position, const float *frequency, size_t rows, size_t heads,
                         size_t head_size, size_t stride, bool inverse) {
    rope_simd_call call = {x, position, frequency, heads, head_size / 2, stride, inverse};
    ck_parallel(rows, ck_grain(head_size * (heads + 4) / 4), &call, rotate_simd);
}
