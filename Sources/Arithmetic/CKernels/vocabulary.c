/* Measures of vocabulary-wide rows of logits: log Σ exp, argmax, entropy and the divergences of two distributions.
 *
 * With p = softmax(s) and q = softmax(t):
 *     entropy = −Σ p log p     reverse_kl = Σ p (log p − log q)     forward_kl = Σ q (log q − log p)
 * and the gradients with respect to s are
 *     reverse_kl: p (log p − log q − reverse_kl)     forward_kl: p − q     −log_probability: p − 1[target]
 * Sums over the words are in double precision. A target outside [0, n) counts as none, with log probability 0.
 */
#include "kernels.h"

#include <math.h>

typedef struct {
    float *s_out, *lse;
    const float *s, *t;
    int32_t *index;
    const int32_t *target;
    ck_row_measures *measures;
    const float *a, *b, *c;
    size_t n;
} rows_call;

static int32_t argmax(const float *x, size_t n) {
    size_t best = 0;
    for (size_t j = 1; j < n; j++)
        if (x[j] > x[best]) best = j;
    return (int32_t)best;
}

static double logsumexp(const float *x, size_t n) {
    float largest = x[argmax(x, n)];
    if (isinf(largest)) return (double)largest;
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)expf(x[j] - largest);
    return (double)largest + log(sum);
}

/// Σ p (log p − log q), where log p = x − x_lse and log q = y − y_lse. With y NULL, Σ p log p.
static double divergence(const float *x, double x_lse, const float *y, double y_lse, size_t n) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double log_p = (double)x[j] - x_lse, p = exp(log_p);
        if (p > 0) sum += p * (y ? log_p - ((double)y[j] - y_lse) : log_p);
    }
    return sum;
}

static float log_probability(const float *x, double lse, int32_t target, size_t n) {
    return target >= 0 && (size_t)target < n ? (float)((double)x[target] - lse) : 0;
}

static int32_t rank(const float *x, int32_t target, size_t n) {
    if (target < 0 || (size_t)target >= n) return 0;
    int32_t larger = 0;
    for (size_t j = 0; j < n; j++) larger += x[j] > x[target];
    return 1 + larger;
}

static void logsumexp_rows(void *context, size_t begin, size_t end) {
    const rows_call *c = context;
    for (size_t i = begin; i < end; i++) c->lse[i] = (float)logsumexp(c->s + i * c->n, c->n);
}

static void argmax_rows(void *context, size_t begin, size_t end) {
    const rows_call *c = context;
    for (size_t i = begin; i < end; i++) c->index[i] = argmax(c->s + i * c->n, c->n);
}

typedef struct {
    double *sums;
    const float *x;
    size_t n;
    float top, scale;
} sums_call;

static void exp_sums(void *context, size_t begin, size_t end) {
    const sums_call *c = context;
    for (size_t b = begin; b < end; b++) {
        size_t to = CK_MIN(c->n, (b + 1) * ck_sum_block);
        c->sums[b] = 0;
        for (size_t j = b * ck_sum_block; j < to; j++) c->sums[b] += (double)expf(c->scale * (c->x[j] - c->top));
    }
}

static void measure(void *context, size_t begin, size_t end) {
    const rows_call *c = context;
    size_t n = c->n;
    for (size_t i = begin; i < end; i++) {
        const float *s = c->s + i * n;
        ck_row_measures *row = &c->measures[i];
        double s_lse = logsumexp(s, n);
        row->log_probability = log_probability(s, s_lse, c->target[i], n);
        row->entropy = (float)-divergence(s, s_lse, NULL, 0, n);
        row->argmax = argmax(s, n);
        row->rank = rank(s, c->target[i], n);
        if (!c->t) continue;
        const float *t = c->t + i * n;
        double t_lse = logsumexp(t, n);
        row->reverse_kl = (float)divergence(s, s_lse, t, t_lse, n);
        row->forward_kl = (float)divergence(t, t_lse, s, s_lse, n);
        row->teacher_log_probability = log_probability(t, t_lse, c->target[i], n);
        row->teacher_entropy = (float)-divergence(t, t_lse, NULL, 0, n);
        row->teacher_argmax = argmax(t, n);
        row->teacher_rank = rank(t, c->target[i], n);
    }
}

static void measure_backward(void *context, size_t begin, size_t end) {
    const rows_call *call = context;
    size_t n = call->n;
    for (size_t i = begin; i < end; i++) {
        float *s = call->s_out + i * n;
        const float *t = call->t ? call->t + i * n : NULL;
        double a = t ? (double)call->a[i] : 0, b = t ? (double)call->b[i] : 0, c = (double)call->c[i];
        double s_lse = logsumexp(s, n), t_lse = t ? logsumexp(t, n) : 0;
        double kl = a != 0 ? divergence(s, s_lse, t, t_lse, n) : 0;
        for (size_t j = 0; j < n; j++) {
            double log_p = (double)s[j] - s_lse, p = exp(log_p), gradient = (b + c) * p;
            if (a != 0 && p > 0) gradient += a * p * (log_p - ((double)t[j] - t_lse) - kl);
            if (b != 0) gradient -= b * exp((double)t[j] - t_lse);
            s[j] = (float)gradient;
        }
        int32_t target = call->target[i];
        if (target >= 0 && (size_t)target < n) s[target] -= (float)c;
    }
}

void CK_VARIANT(ck_logsumexp)(float *lse, const float *x, size_t rows, size_t n) {
    ck_parallel(rows, ck_grain(8 * n), &(rows_call){.lse = lse, .s = x, .n = n}, logsumexp_rows);
}

void CK_VARIANT(ck_argmax)(int32_t *index, const float *x, size_t rows, size_t n) {
    ck_parallel(rows, ck_grain(n), &(rows_call){.index = index, .s = x, .n = n}, argmax_rows);
}

void CK_VARIANT(ck_exp_sums)(double *sums, const float *x, size_t n, float top, float scale) {
    sums_call call = {sums, x, n, top, scale};
    ck_parallel((n + ck_sum_block - 1) / ck_sum_block, ck_grain(8 * ck_sum_block), &call, exp_sums);
}

typedef struct {
    float *y;
    const float *x;
    const uint64_t *allowed;
    size_t n;
} mask_call;

static void mask_words(void *context, size_t begin, size_t end) {
    const mask_call *c = context;
    for (size_t j = begin * 64; j < CK_MIN(c->n, end * 64); j++) c->y[j] = c->allowed[j / 64] >> (j % 64) & 1 ? c->x[j] : -INFINITY;
}

void CK_VARIANT(ck_mask)(float *y, const float *x, const uint64_t *allowed, size_t n) {
    ck_parallel((n + 63) / 64, ck_grain(64), &(mask_call){y, x, allowed, n}, mask_words);
}

void CK_VARIANT(ck_measure_rows)(ck_row_measures *measures, const float *s, const float *t, const int32_t *target, size_t rows,
                     size_t n) {
    rows_call call = {.measures = measures, .s = s, .t = t, .target = target, .n = n};
    ck_parallel(rows, ck_grain(30 * n), &call, measure);
}

void CK_VARIANT(ck_measure_rows_backward)(float *s, const float *t, const int32_t *target, const float *a, const float *b,
                              const float *c, size_t rows, size_t n) {
    rows_call call = {.s_out = s, .t = t, .target = target, .a = a, .b = b, .c = c, .n = n};
    ck_parallel(rows, ck_grain(30 * n), &call, measure_backward);
}
