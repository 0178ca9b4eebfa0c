/* Conversions between float32 and the other formats of floats, and rows to columns. */
#include "kernels.h"

#include <math.h>

void CK_VARIANT(ck_transpose)(float *y, size_t stride, const float *x, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c++)
        for (size_t i = 0; i < rows; i++) y[c * stride + i] = x[i * columns + c];
}

/// Elements that lie `stride` apart, from floats; returns their scale.
static inline float store_narrow(int8_t *to, size_t stride, const float *x, size_t count) {
    float largest = 0, finite = 0;
    for (size_t e = 0; e < count; e++) {
        largest = CK_MAX(largest, fabsf(x[e]));
        finite += x[e] * 0;
    }
    float inverse = largest > 0 && finite == 0 ? 127 / largest : 0;
    // 127 / largest is infinite for the least numbers, which are as good as 0.
    if (isinf(inverse)) inverse = 0;
    for (size_t e = 0; e < count; e++) to[e * stride] = inverse > 0 ? (int8_t)nearbyintf(x[e] * inverse) : 0;
    return finite == 0 ? largest / 127 : finite;
}

void CK_VARIANT(ck_store_narrow)(int8_t *k, int8_t *v, float *scales, size_t key_columns, const float *key_rows, const float *value_rows,
                                 size_t rows, size_t kv_heads, size_t head_size) {
    size_t columns = kv_heads * head_size;
    for (size_t i = 0; i < rows; i++)
        for (size_t h = 0; h < kv_heads; h++) {
            size_t at = h * head_size;
            scales[h * key_columns + i] = store_narrow(k + at * key_columns + i, key_columns, key_rows + i * columns + at, head_size);
            scales[(kv_heads + h) * key_columns + i] = store_narrow(v + i * columns + at, 1, value_rows + i * columns + at, head_size);
        }
}

typedef struct {
    void *y;
    const void *x;
} conversion;

enum { storage_grain = 32768 };

#define AS_IS(x) (x)

// Both ways between float32 and the format `id`, whose elements are of `type`.
#define FLOAT_FORMAT(id, type, widened, narrowed)                                                                      \
    static void widen_##id(void *context, size_t begin, size_t end) {                                                  \
        const conversion *c = context;                                                                                 \
        float *y = c->y;                                                                                               \
        const type *x = c->x;                                                                                          \
        for (size_t i = begin; i < end; i++) y[i] = widened(x[i]);                                                     \
    }                                                                                                                  \
    static void encode_##id(void *context, size_t begin, size_t end) {                                                 \
        const conversion *c = context;                                                                                 \
        type *y = c->y;                                                                                                \
        const float *x = c->x;                                                                                         \
        for (size_t i = begin; i < end; i++) y[i] = narrowed(x[i]);                                                    \
    }                                                                                                                  \
    void CK_VARIANT(ck_widen_##id)(float *y, ck_matrix w, size_t first, size_t count) {                                \
        conversion c = {y, (const type *)w.elements + first * w.columns};                                              \
        ck_parallel(count * w.columns, storage_grain, &c, widen_##id);                                                 \
    }                                                                                                                  \
    void CK_VARIANT(ck_encode_##id)(void *stored, const float *x, size_t rows, size_t columns) {                       \
        ck_parallel(rows * columns, storage_grain, &(conversion){stored, x}, encode_##id);                             \
    }

FLOAT_FORMAT(f32, float, AS_IS, AS_IS)
FLOAT_FORMAT(f16, uint16_t, ck_f16_to_f32, ck_f32_to_f16)
FLOAT_FORMAT(bf16, uint16_t, ck_bf16_to_f32, ck_f32_to_bf16)
