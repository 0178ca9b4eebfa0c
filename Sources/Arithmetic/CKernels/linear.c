/* Products with stored floats, for reference: y[i, j] = Σ_l x[i, l] · w[j, l] (+ bias[j]).
 *
 * Sixteen partial sums run along k, lane l taking the elements l, l + 16, …; they are then folded in halves. The order does
 * not depend on i, j, m, n or threads.
 */
#include "kernels.h"

enum { lanes = 16 };

typedef struct {
    float *y;
    const float *x, *bias;
    ck_matrix w;
    size_t m;
} linear_call;

static inline float folded(float *sum) {
    for (size_t half = lanes / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) sum[l] += sum[l + half];
    return sum[0];
}

// One body for each format: `weight` reads element l of row w, `activation` rounds where the product asks for it.
#define LINEAR(name, type, weight, activation)                                                                         \
    static void name##_columns(void *context, size_t begin, size_t end) {                                              \
        const linear_call *c = context;                                                                                \
        size_t n = c->w.rows, k = c->w.columns;                                                                        \
        for (size_t j = begin; j < end; j++) {                                                                         \
            const type *w = (const type *)c->w.elements + j * k;                                                       \
            for (size_t i = 0; i < c->m; i++) {                                                                        \
                const float *x = c->x + i * k;                                                                         \
                float sum[lanes] = {0};                                                                                \
                size_t l = 0;                                                                                          \
                for (; l + lanes <= k; l += lanes)                                                                     \
                    for (size_t e = 0; e < lanes; e++) sum[e] += activation(x[l + e]) * weight(w[l + e]);              \
                for (size_t e = 0; l + e < k; e++) sum[e] += activation(x[l + e]) * weight(w[l + e]);                  \
                float total = folded(sum);                                                                             \
                c->y[i * n + j] = c->bias ? total + c->bias[j] : total;                                                \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void CK_VARIANT(name)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {                        \
        ck_parallel(w.rows, ck_grain(m * w.columns), &(linear_call){y, x, bias, w, m}, name##_columns);                \
    }

#define AS_IS(x) (x)
#define ROUNDED(x) ck_bf16_to_f32(ck_f32_to_bf16(x))

LINEAR(ck_linear_f32, float, AS_IS, AS_IS)
LINEAR(ck_linear_narrow_f32, float, AS_IS, AS_IS)
LINEAR(ck_linear_f16, uint16_t, ck_f16_to_f32, AS_IS)
LINEAR(ck_linear_narrow_f16, uint16_t, ck_f16_to_f32, AS_IS)
LINEAR(ck_linear_bf16, uint16_t, ck_bf16_to_f32, AS_IS)
LINEAR(ck_linear_narrow_bf16, uint16_t, ck_bf16_to_f32, ROUNDED)
