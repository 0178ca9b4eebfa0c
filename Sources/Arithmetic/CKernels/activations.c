/* GELU and gated SiLU, forward beside backward.
 *
 *     gelu(x) = x Φ(x), Φ(x) = (1 + erf(x/√2)) / 2        gelu′(x) = Φ(x) + x φ(x), φ(x) = exp(−x²/2) / √(2π)
 *     silu(x) = x σ(x), σ(x) = 1 / (1 + exp(−x))           silu′(x) = σ(x) (1 + x (1 − σ(x)))
 */
#include "kernels.h"

#include <math.h>

enum { grain = 4096 };

typedef struct {
    float *y, *d2;
    const float *x, *up, *dy;
} activation;

static void gelu(void *context, size_t begin, size_t end) {
    const activation *c = context;
    for (size_t i = begin; i < end; i++) c->y[i] = 0.5f * c->x[i] * (1 + erff(c->x[i] * 0.70710678f));
}

static void gelu_backward(void *context, size_t begin, size_t end) {
    const activation *c = context;
    for (size_t i = begin; i < end; i++) {
        float x = c->x[i];
        float slope = 0.5f * (1 + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
        c->y[i] += c->dy[i] * slope;
    }
}

static void silu_mul(void *context, size_t begin, size_t end) {
    const activation *c = context;
    for (size_t i = begin; i < end; i++) c->y[i] = c->x[i] / (1 + expf(-c->x[i])) * c->up[i];
}

static void silu_mul_backward(void *context, size_t begin, size_t end) {
    const activation *c = context;
    for (size_t i = begin; i < end; i++) {
        float x = c->x[i], sigmoid = 1 / (1 + expf(-x));
        if (c->y) c->y[i] += c->dy[i] * c->up[i] * sigmoid * (1 + x * (1 - sigmoid));
        if (c->d2) c->d2[i] += c->dy[i] * x * sigmoid;
    }
}

void CK_VARIANT(ck_gelu)(float *y, const float *x, size_t count) {
    ck_parallel(count, grain, &(activation){.y = y, .x = x}, gelu);
}

void CK_VARIANT(ck_gelu_backward)(float *dx, const float *dy, const float *x, size_t count) {
    if (dx) ck_parallel(count, grain, &(activation){.y = dx, .dy = dy, .x = x}, gelu_backward);
}

void CK_VARIANT(ck_silu_mul)(float *y, const float *gate, const float *up, size_t count) {
    ck_parallel(count, grain, &(activation){.y = y, .x = gate, .up = up}, silu_mul);
}

void CK_VARIANT(ck_silu_mul_backward)(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t count) {
    activation call = {.y = dgate, .d2 = dup, .dy = dy, .x = gate, .up = up};
    ck_parallel(count, grain, &call, silu_mul_backward);
}
