/* AdamW as PyTorch computes it, and the sum of squares for gradient clipping.
 *
 *     p ← p (1 − lr·decay)   m ← m + (1 − β₁)(g − m)   v ← β₂ v + (1 − β₂) g²
 *     p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps)
 */
#include "kernels.h"

#include <math.h>

enum { optimiser_block = 16384 };

typedef struct {
    float *parameter, *m, *v;
    const float *gradient;
    float keep, rate1, beta2, rate2, step_size, root, eps;
} adamw_call;

static void adamw(void *context, size_t begin, size_t end) {
    const adamw_call c = *(adamw_call *)context;
    for (size_t i = begin; i < end; i++) {
        float g = c.gradient[i];
        c.m[i] += c.rate1 * (g - c.m[i]);
        c.v[i] = c.beta2 * c.v[i] + c.rate2 * g * g;
        c.parameter[i] = c.parameter[i] * c.keep - c.step_size * (c.m[i] / (sqrtf(c.v[i]) / c.root + c.eps));
    }
}

void CK_VARIANT(ck_adamw)(float *parameter, float *m, float *v, const float *gradient, size_t count, float learning_rate,
              float beta1, float beta2, float eps, float weight_decay, size_t step) {
    double lr = (double)learning_rate, b1 = (double)beta1, b2 = (double)beta2, t = (double)step;
    adamw_call call = {.parameter = parameter, .m = m, .v = v, .gradient = gradient, .beta2 = beta2, .eps = eps,
                       .keep = (float)(1 - lr * (double)weight_decay),
                       .rate1 = (float)(1 - b1),
                       .rate2 = (float)(1 - b2),
                       .step_size = (float)(lr / (1 - pow(b1, t))),
                       .root = (float)sqrt(1 - pow(b2, t))};
    ck_parallel(count, optimiser_block, &call, adamw);
}

typedef struct {
    const float *x;
    double *sums; // one for each block
    size_t count;
} squares_call;

static void squares(void *context, size_t begin, size_t end) {
    const squares_call *c = context;
    for (size_t b = begin; b < end; b++) {
        const float *x = c->x + b * optimiser_block;
        size_t count = CK_MIN(c->count - b * optimiser_block, (size_t)optimiser_block), i = 0;
        double sum[8] = {0};
        for (; i + 8 <= count; i += 8)
            for (size_t l = 0; l < 8; l++) sum[l] += (double)x[i + l] * (double)x[i + l];
        for (size_t l = 0; i + l < count; l++) sum[l] += (double)x[i + l] * (double)x[i + l];
        c->sums[b] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
}

double CK_VARIANT(ck_sum_of_squares)(const float *x, size_t count) {
    size_t blocks = (count + optimiser_block - 1) / optimiser_block;
    double *sums = ck_scratch(0, (blocks + 1) * sizeof *sums), total = 0;
    ck_parallel(blocks, 1, &(squares_call){x, sums, count}, squares);
    for (size_t b = 0; b < blocks; b++) total += sums[b];
    return total;
}
