/* RMS norm and layer norm, forward beside backward.
 *
 * With x̂ = (x − mean) · r and r = 1/√(var + eps) (mean = 0 for the RMS norm), backward is
 *     g = dy · w     dx += r (g − mean(g) − x̂ mean(g x̂))     dw += Σ dy x̂     db += Σ dy
 * where mean(g) belongs to the layer norm alone. Row statistics are summed in double precision.
 */
#include "kernels.h"

#include <math.h>

typedef struct {
    float *y, *dx, *dw, *db;
    const float *dy, *x, *w, *b;
    float *mean, *r; // of every row, for dw and db
    size_t rows, n;
    float eps;
    bool centred;
} norm_call;

enum { norm_lanes = 8 };

static double lanes_total(const double *sum) {
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static double sum_of(const float *x, size_t n) {
    double sum[norm_lanes] = {0};
    size_t i = 0;
    for (; i + norm_lanes <= n; i += norm_lanes)
        for (size_t l = 0; l < norm_lanes; l++) sum[l] += x[i + l];
    for (size_t l = 0; i + l < n; l++) sum[l] += x[i + l];
    return lanes_total(sum);
}

/// Σ (x − mean)²
static double squares_of(const float *x, float mean, size_t n) {
    double sum[norm_lanes] = {0};
    size_t i = 0;
    for (; i + norm_lanes <= n; i += norm_lanes)
        for (size_t l = 0; l < norm_lanes; l++) sum[l] += (double)(x[i + l] - mean) * (double)(x[i + l] - mean);
    for (size_t l = 0; i + l < n; l++) sum[l] += (double)(x[i + l] - mean) * (double)(x[i + l] - mean);
    return lanes_total(sum);
}

static void statistics(const norm_call *c, size_t row, float *mean, float *r) {
    const float *x = c->x + row * c->n;
    *mean = c->centred ? (float)(sum_of(x, c->n) / (double)c->n) : 0;
    *r = (float)(1 / sqrt(squares_of(x, *mean, c->n) / (double)c->n + (double)c->eps));
}

static void norm_forward(void *context, size_t begin, size_t end) {
    const norm_call *c = context;
    for (size_t row = begin; row < end; row++) {
        const float *x = c->x + row * c->n;
        float *y = c->y + row * c->n, mean, r;
        statistics(c, row, &mean, &r);
        if (c->b)
            for (size_t i = 0; i < c->n; i++) y[i] = (x[i] - mean) * r * c->w[i] + c->b[i];
        else
            for (size_t i = 0; i < c->n; i++) y[i] = (x[i] - mean) * r * c->w[i];
    }
}

/// mean(g) and mean(g x̂) of a row, where g = dy · w and x̂ = (x − mean) · r.
static void gradient_means(const norm_call *c, const float *x, const float *dy, float mean, float r, float *g_mean, float *gx_mean) {
    double g[norm_lanes] = {0}, gx[norm_lanes] = {0};
    size_t i = 0;
    for (; i + norm_lanes <= c->n; i += norm_lanes)
        for (size_t l = 0; l < norm_lanes; l++) {
            double product = (double)(dy[i + l] * c->w[i + l]);
            g[l] += product;
            gx[l] += product * (double)((x[i + l] - mean) * r);
        }
    for (size_t l = 0; i + l < c->n; l++) {
        double product = (double)(dy[i + l] * c->w[i + l]);
        g[l] += product;
        gx[l] += product * (double)((x[i + l] - mean) * r);
    }
    *g_mean = c->centred ? (float)(lanes_total(g) / (double)c->n) : 0;
    *gx_mean = (float)(lanes_total(gx) / (double)c->n);
}

static void norm_backward_rows(void *context, size_t begin, size_t end) {
    const norm_call *c = context;
    for (size_t row = begin; row < end; row++) {
        const float *x = c->x + row * c->n, *dy = c->dy + row * c->n;
        float mean, r;
        statistics(c, row, &mean, &r);
        c->mean[row] = mean;
        c->r[row] = r;
        if (!c->dx) continue;
        float *dx = c->dx + row * c->n;
        float g_mean, gx_mean;
        gradient_means(c, x, dy, mean, r, &g_mean, &gx_mean);
        for (size_t i = 0; i < c->n; i++) dx[i] += r * (dy[i] * c->w[i] - g_mean - (x[i] - mean) * r * gx_mean);
    }
}

static void norm_backward_columns(void *context, size_t begin, size_t end) {
    const norm_call *c = context;
    for (size_t row = 0; row < c->rows; row++) {
        const float *x = c->x + row * c->n, *dy = c->dy + row * c->n;
        float mean = c->mean[row], r = c->r[row];
        if (c->dw)
            for (size_t i = begin; i < end; i++) c->dw[i] += dy[i] * ((x[i] - mean) * r);
        if (c->db)
            for (size_t i = begin; i < end; i++) c->db[i] += dy[i];
    }
}

static void norm_backward(norm_call *c) {
    c->mean = ck_scratch(0, 2 * c->rows * sizeof(float) + 64);
    c->r = c->mean + c->rows;
    ck_parallel(c->rows, ck_grain(4 * c->n), c, norm_backward_rows);
    if (c->dw || c->db) ck_parallel(c->n, CK_MAX(64, ck_grain(2 * c->rows)), c, norm_backward_columns);
}

void CK_VARIANT(ck_rmsnorm)(float *y, const float *x, const float *w, size_t rows, size_t n, float eps) {
    norm_call call = {.y = y, .x = x, .w = w, .rows = rows, .n = n, .eps = eps};
    ck_parallel(rows, ck_grain(2 * n), &call, norm_forward);
}

void CK_VARIANT(ck_rmsnorm_backward)(float *dx, float *dw, const float *dy, const float *x, const float *w, size_t rows, size_t n,
                         float eps) {
    norm_backward(&(norm_call){.dx = dx, .dw = dw, .dy = dy, .x = x, .w = w, .rows = rows, .n = n, .eps = eps});
}

void CK_VARIANT(ck_layernorm)(float *y, const float *x, const float *w, const float *b, size_t rows, size_t n, float eps) {
    norm_call call = {.y = y, .x = x, .w = w, .b = b, .rows = rows, .n = n, .eps = eps, .centred = true};
    ck_parallel(rows, ck_grain(3 * n), &call, norm_forward);
}

void CK_VARIANT(ck_layernorm_backward)(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w,
                           size_t rows, size_t n, float eps) {
    norm_backward(&(norm_call){
        .dx = dx, .dw = dw, .db = db, .dy = dy, .x = x, .w = w, .rows = rows, .n = n, .eps = eps, .centred = true});
}
