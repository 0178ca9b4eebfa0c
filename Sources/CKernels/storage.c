/* Conversions between float32 and the formats that weights are stored in: bfloat16, float16 and 8 bits with a scale. */
#include "kernels.h"

#include <math.h>

void CK_VARIANT(ck_transpose)(float *y, size_t stride, const float *x, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c++)
        for (size_t i = 0; i < rows; i++) y[c * stride + i] = x[i * columns + c];
}

typedef struct {
    void *y;
    const void *x;
    float *scale;
    size_t columns;
} conversion;

enum { storage_grain = 32768 };

static void widen_bf16(void *context, size_t begin, size_t end) {
    const conversion *c = context;
    float *y = c->y;
    const uint16_t *x = c->x;
    for (size_t i = begin; i < end; i++) y[i] = ck_bf16_to_f32(x[i]);
}

static void narrow_bf16(void *context, size_t begin, size_t end) {
    const conversion *c = context;
    uint16_t *y = c->y;
    const float *x = c->x;
    for (size_t i = begin; i < end; i++) y[i] = ck_f32_to_bf16(x[i]);
}

static void widen_f16(void *context, size_t begin, size_t end) {
    const conversion *c = context;
    float *y = c->y;
    const uint16_t *x = c->x;
    for (size_t i = begin; i < end; i++) {
        // The exponent is moved up by multiplying with 2^112, which also normalises subnormals exactly.
        uint32_t magnitude = (uint32_t)(x[i] & 0x7fff) << 13, bits;
        float value;
        memcpy(&value, &magnitude, 4);
        value *= 0x1p112f;
        memcpy(&bits, &value, 4);
        bits = (x[i] & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : bits;
        bits |= (uint32_t)(x[i] & 0x8000) << 16;
        memcpy(&y[i], &bits, 4);
    }
}

static void widen_q8(void *context, size_t begin, size_t end) {
    const conversion *c = context;
    for (size_t i = begin; i < end; i++) {
        float *y = (float *)c->y + i * c->columns, scale = c->scale[i];
        const int8_t *x = (const int8_t *)c->x + i * c->columns;
        for (size_t j = 0; j < c->columns; j++) y[j] = scale * (float)x[j];
    }
}

static void quantize_q8(void *context, size_t begin, size_t end) {
    const conversion *c = context;
    for (size_t i = begin; i < end; i++) {
        int8_t *y = (int8_t *)c->y + i * c->columns;
        const float *x = (const float *)c->x + i * c->columns;
        float largest = 0;
        for (size_t j = 0; j < c->columns; j++) {
            float magnitude = fabsf(x[j]);
            largest = magnitude > largest ? magnitude : largest;
        }
        c->scale[i] = largest / 127;
        float inverse = largest > 0 ? 127 / largest : 0;
        // Adding and taking away 1.5 · 2^23 rounds to the nearest integer, even in ties.
        for (size_t j = 0; j < c->columns; j++) y[j] = (int8_t)(int32_t)((x[j] * inverse + 0x1.8p23f) - 0x1.8p23f);
    }
}

void CK_VARIANT(ck_widen_bf16)(float *y, const uint16_t *x, size_t count) {
    ck_parallel(count, storage_grain, &(conversion){y, x, NULL, 0}, widen_bf16);
}

void CK_VARIANT(ck_narrow_bf16)(uint16_t *y, const float *x, size_t count) {
    ck_parallel(count, storage_grain, &(conversion){y, x, NULL, 0}, narrow_bf16);
}

void CK_VARIANT(ck_widen_f16)(float *y, const uint16_t *x, size_t count) {
    ck_parallel(count, storage_grain, &(conversion){y, x, NULL, 0}, widen_f16);
}

void CK_VARIANT(ck_widen_q8)(float *y, const int8_t *x, const float *scale, size_t rows, size_t columns) {
    ck_parallel(rows, ck_grain(columns), &(conversion){y, x, (float *)scale, columns}, widen_q8);
}

void CK_VARIANT(ck_quantize_q8)(int8_t *y, float *scale, const float *x, size_t rows, size_t columns) {
    ck_parallel(rows, ck_grain(columns), &(conversion){y, x, scale, columns}, quantize_q8);
}
