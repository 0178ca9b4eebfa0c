/* Rotary positions: each pair (x[i], x[i + half]) of a head turns by the angle position · frequency[i].
 *
 * Angles, sines and cosines are computed once for a row, in double precision, and used for all its heads.
 */
#include "kernels.h"

#include <math.h>

typedef struct {
    float *x;
    const int32_t *position;
    const float *frequency;
    size_t heads, half, stride;
    bool inverse;
} rope_call;

static void rotate(void *context, size_t begin, size_t end) {
    const rope_call *c = context;
    size_t half = c->half;
    float *cosine = ck_scratch(0, 2 * half * sizeof(float)), *sine = cosine + half;
    for (size_t row = begin; row < end; row++) {
        if (row == begin || c->position[row] != c->position[row - 1])
            for (size_t i = 0; i < half; i++) {
                double angle = (double)c->position[row] * (double)c->frequency[i];
                cosine[i] = (float)cos(angle);
                sine[i] = (float)(c->inverse ? -sin(angle) : sin(angle));
            }
        for (size_t head = 0; head < c->heads; head++) {
            float *low = c->x + row * c->stride + head * 2 * half, *high = low + half;
            for (size_t i = 0; i < half; i++) {
                float a = low[i], b = high[i];
                low[i] = a * cosine[i] - b * sine[i];
                high[i] = b * cosine[i] + a * sine[i];
            }
        }
    }
}

void CK_VARIANT(ck_rope)(float *x, const int32_t *position, const float *frequency, size_t rows, size_t heads, size_t head_size,
             size_t stride, bool inverse) {
    rope_call call = {x, position, frequency, heads, head_size / 2, stride, inverse};
    ck_parallel(rows, ck_grain(head_size * (heads + 20)), &call, rotate);
}
