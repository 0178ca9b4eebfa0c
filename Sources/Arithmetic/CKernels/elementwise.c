/* Sums of vectors. */
#include "kernels.h"

enum { sum_grain = 32768 };

typedef struct {
    float *y;
    const float *a, *b;
    float s;
} sum_call;

static void add(void *context, size_t begin, size_t end) {
    const sum_call *c = context;
    for (size_t i = begin; i < end; i++) c->y[i] = c->a[i] + c->b[i];
}

static void axpy(void *context, size_t begin, size_t end) {
    const sum_call *c = context;
    for (size_t i = begin; i < end; i++) c->y[i] += c->s * c->a[i];
}

void CK_VARIANT(ck_add)(float *y, const float *a, const float *b, size_t count) {
    ck_parallel(count, sum_grain, &(sum_call){.y = y, .a = a, .b = b}, add);
}

void CK_VARIANT(ck_axpy)(float *y, float s, const float *x, size_t count) {
    ck_parallel(count, sum_grain, &(sum_call){.y = y, .a = x, .s = s}, axpy);
}
