/* Windows over time (a convolution is then one product) and averages of frame pairs, forward beside backward. */
#include "kernels.h"

typedef struct {
    float *y;
    const float *x;
    size_t t, channels, width, stride, padding, rows;
} window_call;

static void gather(void *context, size_t begin, size_t end) {
    const window_call *c = context;
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < c->width; j++) {
            float *y = c->y + (i * c->width + j) * c->channels;
            size_t frame = i * c->stride + j; // of the padded clip
            if (frame >= c->padding && frame - c->padding < c->t)
                memcpy(y, c->x + (frame - c->padding) * c->channels, c->channels * sizeof *y);
            else
                memset(y, 0, c->channels * sizeof *y);
        }
}

/// Frames run in parallel, each collecting from the windows that hold it.
static void scatter(void *context, size_t begin, size_t end) {
    const window_call *c = context;
    for (size_t frame = begin; frame < end; frame++)
        for (size_t j = 0; j < c->width && j <= frame + c->padding; j++) {
            size_t start = frame + c->padding - j, i = start / c->stride;
            if (start % c->stride != 0 || i >= c->rows) continue;
            float *dx = c->y + frame * c->channels;
            const float *dy = c->x + (i * c->width + j) * c->channels;
            for (size_t e = 0; e < c->channels; e++) dx[e] += dy[e];
        }
}

static size_t window_rows(size_t t, size_t width, size_t stride, size_t padding) {
    return t + 2 * padding < width ? 0 : (t + 2 * padding - width) / stride + 1;
}

void CK_VARIANT(ck_windows)(float *y, const float *x, size_t t, size_t channels, size_t width, size_t stride, size_t padding) {
    size_t rows = window_rows(t, width, stride, padding);
    window_call call = {y, x, t, channels, width, stride, padding, rows};
    ck_parallel(rows, ck_grain(width * channels), &call, gather);
}

void CK_VARIANT(ck_windows_backward)(float *dx, const float *dy, size_t t, size_t channels, size_t width, size_t stride,
                         size_t padding) {
    window_call call = {dx, dy, t, channels, width, stride, padding, window_rows(t, width, stride, padding)};
    ck_parallel(t, ck_grain(width * channels), &call, scatter);
}

static void average(void *context, size_t begin, size_t end) {
    const window_call *c = context;
    for (size_t i = begin; i < end; i++) {
        const float *first = c->x + 2 * i * c->channels, *second = first + c->channels;
        for (size_t e = 0; e < c->channels; e++) c->y[i * c->channels + e] = 0.5f * (first[e] + second[e]);
    }
}

static void average_backward(void *context, size_t begin, size_t end) {
    const window_call *c = context;
    for (size_t i = begin; i < end; i++) {
        float *first = c->y + 2 * i * c->channels, *second = first + c->channels;
        for (size_t e = 0; e < c->channels; e++) {
            float half = 0.5f * c->x[i * c->channels + e];
            first[e] += half;
            second[e] += half;
        }
    }
}

void CK_VARIANT(ck_average_pairs)(float *y, const float *x, size_t t, size_t channels) {
    ck_parallel(t / 2, ck_grain(2 * channels), &(window_call){.y = y, .x = x, .channels = channels}, average);
}

void CK_VARIANT(ck_average_pairs_backward)(float *dx, const float *dy, size_t t, size_t channels) {
    ck_parallel(t / 2, ck_grain(2 * channels), &(window_call){.y = dx, .x = dy, .channels = channels}, average_backward);
}
