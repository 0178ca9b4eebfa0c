/* Connectionist temporal classification (Graves et al., 2006): −log of the probability that a clip's rows, read with repeats
 * joined and blanks dropped, spell its labels.
 *
 *     states s = 0 … 2L: blank, label 1, blank, label 2, …, blank          z_t(s): log softmax(x_t)[label of s]
 *     α_t(s) = z_t(s) + log Σ exp α_{t−1}(s, s − 1, and s − 2 between different labels)
 *     β_t(s) = log Σ exp (z_{t+1} + β_{t+1})(s, s + 1, and s + 2 between different labels)
 *     loss = −log Σ_s exp(α_T + β_T)     d loss / d x_t = softmax(x_t) − Σ_s exp(α_t(s) + β_t(s) + loss) at the label of s
 *
 * In double precision, in the log domain.
 */
#include "kernels.h"

#include <math.h>

typedef struct {
    float *x;
    double *losses;
    const ck_ctc_clip *clips;
    size_t n;
    int32_t blank;
    float scale;
} ctc_call;

static double log_sum(double a, double b) {
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

static int32_t label_of(const ck_ctc_clip *clip, size_t s, int32_t blank) { return s % 2 ? clip->labels[s / 2] : blank; }

/// Whether state s can be reached from s − 2: labels that differ need no blank between them.
static bool skips(const ck_ctc_clip *clip, size_t s) {
    return s % 2 && s >= 3 && clip->labels[s / 2] != clip->labels[s / 2 - 1];
}

static double log_normaliser(const float *x, size_t n) {
    float largest = x[0];
    for (size_t j = 1; j < n; j++) largest = CK_MAX(largest, x[j]);
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)expf(x[j] - largest);
    return (double)largest + log(sum);
}

static void clip_gradient(const ctc_call *c, size_t index) {
    const ck_ctc_clip *clip = &c->clips[index];
    size_t states = 2 * clip->label_count + 1, rows = clip->rows, n = c->n;
    float *x = c->x + clip->row * n;
    double *alpha = ck_scratch(1, (rows * states + 2 * states + rows) * sizeof *alpha);
    double *beta = alpha + rows * states, *next = beta + states, *normaliser = next + states;
    for (size_t t = 0; t < rows; t++) {
        normaliser[t] = log_normaliser(x + t * n, n);
        const double *before = alpha + (t - 1) * states;
        for (size_t s = 0; s < states; s++) {
            double sum = -INFINITY;
            if (t == 0) {
                if (s < 2) sum = 0;
            } else {
                sum = before[s];
                if (s >= 1) sum = log_sum(sum, before[s - 1]);
                if (skips(clip, s)) sum = log_sum(sum, before[s - 2]);
            }
            alpha[t * states + s] = sum + (double)x[t * n + (size_t)label_of(clip, s, c->blank)] - normaliser[t];
        }
    }
    const double *last = alpha + (rows - 1) * states;
    double total = log_sum(last[states - 1], states > 1 ? last[states - 2] : -INFINITY);
    c->losses[index] = -total;
    if (!isfinite(total)) { // too few rows for the labels: nothing to learn from
        memset(x, 0, rows * n * sizeof *x);
        return;
    }
    for (size_t s = 0; s < states; s++) beta[s] = s + 2 >= states ? 0 : -INFINITY;
    for (size_t t = rows; t-- > 0;) {
        float *row = x + t * n;
        if (t + 1 < rows) {
            // `next` holds z + β of the row after this one.
            for (size_t s = 0; s < states; s++) {
                double sum = next[s];
                if (s + 1 < states) sum = log_sum(sum, next[s + 1]);
                if (s + 2 < states && skips(clip, s + 2)) sum = log_sum(sum, next[s + 2]);
                beta[s] = sum;
            }
        }
        for (size_t s = 0; s < states; s++)
            next[s] = beta[s] + (double)row[label_of(clip, s, c->blank)] - normaliser[t];
        for (size_t j = 0; j < n; j++) row[j] = c->scale * expf((float)((double)row[j] - normaliser[t]));
        for (size_t s = 0; s < states; s++) {
            double occupancy = alpha[t * states + s] + beta[s] - total;
            if (occupancy > -60) row[label_of(clip, s, c->blank)] -= c->scale * (float)exp(occupancy);
        }
    }
}

static void ctc(void *context, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) clip_gradient(context, i);
}

void ck_ctc(float *x, double *losses, const ck_ctc_clip *clips, size_t count, size_t n, int32_t blank, float scale) {
    ck_parallel(count, 1, &(ctc_call){x, losses, clips, n, blank, scale}, ctc);
}
