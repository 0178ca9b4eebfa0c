/* GELU and gated SiLU on vectors; activations.c has the formulas.
 *
 * The normal distribution Φ is 1/2 + x P(x²) for |x| < 1 and exp Q(|x|) in the tails, P and Q minimax polynomials; its absolute error
 * is below 1e-7.
 */
#include "simd.h"

enum { activation_grain_simd = 8192 };

typedef struct {
    float *y, *d2;
    const float *x, *up, *dy;
} activation_simd;

INLINE V normal_cdf(V x) {
    V t = v_float(v_bits(x) & 0x7fffffff), s = x * x;
    V p = v_fma((V)(-0x1.00d526p-17f), s, (V)(0x1.dbff1p-14f));
    p = v_fma(p, s, (V)(-0x1.36fd42p-10f));
    p = v_fma(p, s, (V)(0x1.46ce4cp-7f));
    p = v_fma(p, s, (V)(-0x1.105832p-4f));
    p = v_fma(p, s, (V)(0x1.988454p-2f));
    V middle = v_fma(p, x, (V)(0.5f));
    V u = t > 9.0f ? (V)(9.0f) : t;
    V q = v_fma((V)(-0x1.4f1efep-20f), u, (V)(0x1.6b370cp-15f));
    q = v_fma(q, u, (V)(-0x1.597c8ep-11f));
    q = v_fma(q, u, (V)(0x1.886ae2p-8f));
    q = v_fma(q, u, (V)(-0x1.34884ap-5f));
    q = v_fma(q, u, (V)(-0x1.450c04p-2f));
    q = v_fma(q, u, (V)(-0x1.98ad42p-1f));
    q = v_fma(q, u, (V)(-0x1.62de94p-1f));
    V tail = v_exp(q);
    tail = x > 0.0f ? 1 - tail : tail;
    return t < 1.0f ? middle : tail;
}

INLINE V v_sigmoid(V x) { return 1 / (1 + v_exp(-x)); }

// Runs the statement for every vector of [begin, end): `i` is its first element, `count` the number of valid lanes.
#define EACH_VECTOR(statement)                                                                                         \
    for (size_t i = begin; i < end; i += LANES) {                                                                      \
        size_t count = end - i;                                                                                        \
        statement                                                                                                      \
    }

static void gelu_simd(void *context, size_t begin, size_t end) {
    const activation_simd *c = context;
    EACH_VECTOR({
        V x = v_load_upto(c->x + i, count);
        v_store_upto(c->y + i, x * normal_cdf(x), count);
    })
}

static void gelu_backward_simd(void *context, size_t begin, size_t end) {
    const activation_simd *c = context;
    EACH_VECTOR({
        V x = v_load_upto(c->x + i, count);
        V slope = v_fma(x * 0.39894228f, v_exp(-0.5f * x * x), normal_cdf(x));
        v_store_upto(c->y + i, v_fma(v_load_upto(c->dy + i, count), slope, v_load_upto(c->y + i, count)), count);
    })
}

static void silu_mul_simd(void *context, size_t begin, size_t end) {
    const activation_simd *c = context;
    EACH_VECTOR({
        V x = v_load_upto(c->x + i, count);
        v_store_upto(c->y + i, x * v_sigmoid(x) * v_load_upto(c->up + i, count), count);
    })
}

static void silu_mul_backward_simd(void *context, size_t begin, size_t end) {
    const activation_simd *c = context;
    EACH_VECTOR({
        V x = v_load_upto(c->x + i, count);
        V dy = v_load_upto(c->dy + i, count);
        V s = v_sigmoid(x);
        V slope = s * v_fma(x, 1 - s, (V)(1.0f));
        if (c->y)
            v_store_upto(c->y + i, v_fma(dy * v_load_upto(c->up + i, count), slope, v_load_upto(c->y + i, count)), count);
        if (c->d2) v_store_upto(c->d2 + i, v_fma(dy, x * s, v_load_upto(c->d2 + i, count)), count);
    })
}

void CK_VARIANT(ck_gelu)(float *y, const float *x, size_t count) {
    ck_parallel(count, activation_grain_simd, &(activation_simd){.y = y, .x = x}, gelu_simd);
}

void CK_VARIANT(ck_gelu_backward)(float *dx, const float *dy, const float *x, size_t count) {
    if (dx) ck_parallel(count, activation_grain_simd, &(activation_simd){.y = dx, .dy = dy, .x = x}, gelu_backward_simd);
}

void CK_VARIANT(ck_silu_mul)(float *y, const float *gate, const float *up, size_t count) {
    ck_parallel(count, activation_grain_simd, &(activation_simd){.y = y, .x = gate, .up = up}, silu_mul_simd);
}

void CK_VARIANT(ck_silu_mul_backward)(float *dgate, float *dup, const float *dy, const float *gate, const float *up,
                                      size_t count) {
    activation_simd call = {.y = dgate, .d2 = dup, .dy = dy, .x = gate, .up = up};
    ck_parallel(count, activation_grain_simd, &call, silu_mul_backward_simd);
}
