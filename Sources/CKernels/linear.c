/* Products with stored weights, for reference: y[i, j] = Σ_l x[i, l] · w[j, l] (+ bias[j]).
 *
 * Sixteen partial sums run along k, lane l taking the elements l, l + 16, …; they are then folded in halves. The order does
 * not depend on i, j, m, n or threads.
 */
#include "kernels.h"

enum { lanes = 16 };

typedef struct {
    float *y;
    const float *x, *bias, *scale;
    const void *w;
    size_t m, n, k;
} linear_call;

static inline float folded(float *sum) {
    for (size_t half = lanes / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) sum[l] += sum[l + half];
    return sum[0];
}

// One body for each weight format: `weight` reads element l of row w, `activation` rounds where the format asks for it.
#define LINEAR(name, type, weight, activation)                                                                         \
    static void name##_columns(void *context, size_t begin, size_t end) {                                              \
        const linear_call *c = context;                                                                                \
        for (size_t j = begin; j < end; j++) {                                                                         \
            const type *w = (const type *)c->w + j * c->k;                                                             \
            for (size_t i = 0; i < c->m; i++) {                                                                        \
                const float *x = c->x + i * c->k;                                                                      \
                float sum[lanes] = {0};                                                                                \
                size_t l = 0;                                                                                          \
                for (; l + lanes <= c->k; l += lanes)                                                                  \
                    for (size_t e = 0; e < lanes; e++) sum[e] += activation(x[l + e]) * weight(w[l + e]);              \
                for (size_t e = 0; l + e < c->k; e++) sum[e] += activation(x[l + e]) * weight(w[l + e]);               \
                float total = folded(sum);                                                                             \
                if (c->scale) total *= c->scale[j];                                                                    \
                c->y[i * c->n + j] = c->bias ? total + c->bias[j] : total;                                             \
            }                                                                                                          \
        }                                                                                                              \
    }

#define AS_IS(x) (x)
#define AS_FLOAT(x) ((float)(x))
#define ROUNDED(x) ck_bf16_to_f32(ck_f32_to_bf16(x))

LINEAR(f32, float, AS_IS, AS_IS)
LINEAR(bf16, uint16_t, ck_bf16_to_f32, AS_IS)
LINEAR(bf16_bf16, uint16_t, ck_bf16_to_f32, ROUNDED)
LINEAR(q8, int8_t, AS_FLOAT, AS_IS)

void CK_VARIANT(ck_linear_f32)(float *y, const float *x, const float *w, const float *bias, size_t m, size_t n, size_t k) {
    ck_parallel(n, ck_grain(m * k), &(linear_call){y, x, bias, NULL, w, m, n, k}, f32_columns);
}

void CK_VARIANT(ck_linear_bf16)(float *y, const float *x, const uint16_t *w, const float *bias, size_t m, size_t n, size_t k) {
    ck_parallel(n, ck_grain(m * k), &(linear_call){y, x, bias, NULL, w, m, n, k}, bf16_columns);
}

void CK_VARIANT(ck_linear_bf16_bf16)(float *y, const float *x, const uint16_t *w, const float *bias, size_t m, size_t n, size_t k) {
    ck_parallel(n, ck_grain(m * k), &(linear_call){y, x, bias, NULL, w, m, n, k}, bf16_bf16_columns);
}

void CK_VARIANT(ck_linear_q8)(float *y, const float *x, const int8_t *w, const float *scale, const float *bias, size_t m, size_t n,
                  size_t k) {
    ck_parallel(n, ck_grain(m * k), &(linear_call){y, x, bias, scale, w, m, n, k}, q8_columns);
}
