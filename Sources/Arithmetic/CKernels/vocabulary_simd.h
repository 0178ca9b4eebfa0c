/* Measures of vocabulary-wide rows on vectors; vocabulary.c has the formulas.
 *
 * With s′ = s − max s, Z = Σ exp s′ and the same for t, one pass gives all sums:
 *     log p = s′ − log Z     entropy = log Z − Σ exp(s′) s′ / Z     reverse_kl = Σ exp(s′)(s′ − t′) / Z − log Z + log Z_t
 * Terms are single, sums double precision. A word with p = 0 adds nothing, though its logit may be −∞.
 */
#include "simd.h"

typedef struct {
    float *s_out, *lse;
    const float *s, *t;
    int32_t *index;
    const int32_t *target;
    ck_row_measures *measures;
    const float *a, *b, *c;
    size_t n;
} rows_simd_call;

typedef struct {
    double z, moment, cross; // Σ e, Σ e x′, Σ e (x′ − y′), where e = exp x′
} row_sums;

/// Loads a part of a row; lanes past its end are −∞.
INLINE V logits(const float *x, size_t count) {
    if (count >= LANES) return v_load(x);
    return V_INDEX < (VI)(int32_t)count ? v_load_part(x, count) : (V)(-INFINITY);
}

static float row_largest(const float *x, size_t n) {
    V a = -INFINITY, b = a, c = a, d = a;
    size_t j = 0;
    for (; j + 4 * LANES <= n; j += 4 * LANES) {
        a = v_max(a, v_load(x + j));
        b = v_max(b, v_load(x + j + LANES));
        c = v_max(c, v_load(x + j + 2 * LANES));
        d = v_max(d, v_load(x + j + 3 * LANES));
    }
    for (; j < n; j += LANES) a = v_max(a, logits(x + j, n - j));
    return v_largest(v_max(v_max(a, b), v_max(c, d)));
}

static int32_t row_argmax(const float *x, size_t n) {
    float largest = row_largest(x, n);
    for (size_t j = 0; j < n; j += LANES) {
        VI equal = logits(x + j, n - j) == (V)(largest);
        if (__builtin_reduce_or(equal) == 0) continue;
        for (size_t l = 0; l < LANES && j + l < n; l++)
            if (equal[l]) return (int32_t)(j + l);
    }
    return 0;
}

static double exp_sum(const float *x, float largest, size_t n) {
    VD z = 0;
    for (size_t j = 0; j < n; j += LANES) z += v_double(v_exp(logits(x + j, n - j) - largest));
    return v_total(z);
}

static double row_logsumexp(const float *x, size_t n) {
    float largest = row_largest(x, n);
    return isinf(largest) ? (double)largest : (double)largest + log(exp_sum(x, largest, n));
}

/// One more than the words with a larger logit than the target's.
static int32_t row_rank(const float *x, int32_t target, size_t n) {
    VI larger = 0; // Lanes of a comparison are −1 where it holds.
    for (size_t j = 0; j < n; j += LANES) larger -= logits(x + j, n - j) > x[target];
    int32_t count = 0;
    for (size_t l = 0; l < LANES; l++) count += larger[l];
    return 1 + count;
}

INLINE V present(V e, V term) { return e > 0.0f ? e * term : (V)(0.0f); }

static void measure_simd(void *context, size_t begin, size_t end) {
    const rows_simd_call *c = context;
    size_t n = c->n;
    for (size_t i = begin; i < end; i++) {
        ck_row_measures *row = &c->measures[i];
        const float *s = c->s + i * n, *t = c->t ? c->t + i * n : s;
        int32_t target = c->target[i];
        bool known = target >= 0 && (size_t)target < n;
        row->argmax = row_argmax(s, n);
        if (c->t) row->teacher_argmax = row_argmax(t, n);
        float s_max = s[row->argmax], t_max = c->t ? t[row->teacher_argmax] : s_max;
        VD z_s = 0, z_t = 0, moment_s = 0, moment_t = 0, cross_s = 0, cross_t = 0;
        for (size_t j = 0; j < n; j += LANES) {
            V x = logits(s + j, n - j) - s_max, e = v_exp(x);
            z_s += v_double(e);
            moment_s += v_double(present(e, x));
            if (!c->t) continue;
            V y = logits(t + j, n - j) - t_max, g = v_exp(y);
            z_t += v_double(g);
            moment_t += v_double(present(g, y));
            cross_s += v_double(present(e, x - y));
            cross_t += v_double(present(g, y - x));
        }
        double z = v_total(z_s), log_z = log(z);
        row->log_probability = known ? (float)((double)s[target] - (double)s_max - log_z) : 0;
        row->rank = known ? row_rank(s, target, n) : 0;
        row->entropy = (float)(log_z - v_total(moment_s) / z);
        if (!c->t) continue;
        double y = v_total(z_t), log_y = log(y);
        row->reverse_kl = (float)(v_total(cross_s) / z - log_z + log_y);
        row->forward_kl = (float)(v_total(cross_t) / y - log_y + log_z);
        row->teacher_log_probability = known ? (float)((double)t[target] - (double)t_max - log_y) : 0;
        row->teacher_rank = known ? row_rank(t, target, n) : 0;
        row->teacher_entropy = (float)(log_y - v_total(moment_t) / y);
    }
}

static void measure_backward_simd(void *context, size_t begin, size_t end) {
    const rows_simd_call *call = context;
    size_t n = call->n;
    for (size_t i = begin; i < end; i++) {
        float *s = call->s_out + i * n;
        const float *t = call->t ? call->t + i * n : s;
        float a = call->t ? call->a[i] : 0, b = call->t ? call->b[i] : 0, c = call->c[i];
        float s_max = row_largest(s, n), t_max = call->t ? row_largest(t, n) : s_max;
        VD z_s = 0, z_t = 0, cross = 0;
        for (size_t j = 0; j < n; j += LANES) {
            V x = logits(s + j, n - j) - s_max, y = logits(t + j, n - j) - t_max, e = v_exp(x);
            z_s += v_double(e);
            if (b != 0 || a != 0) z_t += v_double(v_exp(y));
            if (a != 0) cross += v_double(present(e, x - y));
        }
        double z = v_total(z_s), y_total = v_total(z_t);
        // log p − log q − KL = x′ − y′ − Σ e (x′ − y′) / Z: the normalisers cancel.
        float mean = (float)(v_total(cross) / z), inverse = (float)(1 / z);
        float inverse_y = b != 0 ? (float)(1 / y_total) : 0;
        for (size_t j = 0; j < n; j += LANES) {
            V x = logits(s + j, n - j) - s_max, p = v_exp(x) * inverse, gradient = (b + c) * p;
            if (a != 0 || b != 0) {
                V y = logits(t + j, n - j) - t_max;
                gradient += present(p, a * (x - y - mean));
                if (b != 0) gradient -= b * inverse_y * v_exp(y);
            }
            v_store_upto(s + j, gradient, n - j);
        }
        int32_t target = call->target[i];
        if (target >= 0 && (size_t)target < n) s[target] -= c;
    }
}

static void logsumexp_simd(void *context, size_t begin, size_t end) {
    const rows_simd_call *c = context;
    for (size_t i = begin; i < end; i++) c->lse[i] = (float)row_logsumexp(c->s + i * c->n, c->n);
}

static void argmax_simd(void *context, size_t begin, size_t end) {
    const rows_simd_call *c = context;
    for (size_t i = begin; i < end; i++) c->index[i] = row_argmax(c->s + i * c->n, c->n);
}

typedef struct {
    double *sums;
    const float *x;
    size_t n;
    float top, scale;
} sums_simd_call;

static void exp_sums_simd(void *context, size_t begin, size_t end) {
    const sums_simd_call *c = context;
    for (size_t b = begin; b < end; b++) {
        size_t from = b * ck_sum_block, to = CK_MIN(c->n, from + ck_sum_block);
        VD sum = 0;
        for (size_t j = from; j < to; j += LANES) sum += v_double(v_exp(c->scale * (logits(c->x + j, to - j) - c->top)));
        c->sums[b] = v_total(sum);
    }
}

void CK_VARIANT(ck_logsumexp)(float *lse, const float *x, size_t rows, size_t n) {
    ck_parallel(rows, ck_grain(n), &(rows_simd_call){.lse = lse, .s = x, .n = n}, logsumexp_simd);
}

void CK_VARIANT(ck_argmax)(int32_t *index, const float *x, size_t rows, size_t n) {
    ck_parallel(rows, ck_grain(n), &(rows_simd_call){.index = index, .s = x, .n = n}, argmax_simd);
}

void CK_VARIANT(ck_exp_sums)(double *sums, const float *x, size_t n, float top, float scale) {
    sums_simd_call call = {sums, x, n, top, scale};
    ck_parallel((n + ck_sum_block - 1) / ck_sum_block, ck_grain(ck_sum_block), &call, exp_sums_simd);
}

typedef struct {
    float *y;
    const float *x;
    const uint64_t *allowed;
    size_t n;
} mask_simd_call;

static void mask_simd(void *context, size_t begin, size_t end) {
    const mask_simd_call *c = context;
    const VI bit = (VI)(1) << V_INDEX;
    for (size_t word = begin; word < end; word++) {
        uint64_t bits = c->allowed[word];
        for (size_t j = word * 64; j < CK_MIN(c->n, word * 64 + 64); j += LANES, bits >>= LANES) {
            VI isAllowed = ((VI)(int32_t)(bits & ((1u << LANES) - 1)) & bit) != 0;
            v_store_upto(c->y + j, isAllowed ? logits(c->x + j, c->n - j) : (V)(-INFINITY), c->n - j);
        }
    }
}

void CK_VARIANT(ck_mask)(float *y, const float *x, const uint64_t *allowed, size_t n) {
    ck_parallel((n + 63) / 64, ck_grain(64), &(mask_simd_call){y, x, allowed, n}, mask_simd);
}

void CK_VARIANT(ck_measure_rows)(ck_row_measures *measures, const float *s, const float *t, const int32_t *target,
                                 size_t rows, size_t n) {
    rows_simd_call call = {.measures = measures, .s = s, .t = t, .target = target, .n = n};
    ck_parallel(rows, ck_grain(4 * n), &call, measure_simd);
}

void CK_VARIANT(ck_measure_rows_backward)(float *s, const float *t, const int32_t *target, const float *a,
                                          const float *b, const float *c, size_t rows, size_t n) {
    rows_simd_call call = {.s_out = s, .t = t, .target = target, .a = a, .b = b, .c = c, .n = n};
    ck_parallel(rows, ck_grain(4 * n), &call, measure_backward_simd);
}
