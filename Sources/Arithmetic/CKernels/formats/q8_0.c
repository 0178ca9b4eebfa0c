/* Q8_0: 32 elements in 34 bytes, w = d · q.
 *
 *     d, float16 │ q, 32 signed bytes
 */
#include "../blocks.h"

enum { q8_0_bytes = 2 + span };

static inline void read_q8_0(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    memcpy(to->code, block + 2, span);
}

// The regrouped bytes have their sign bit inverted, which adds 128: they are unsigned codes.
const ck_block_kind CK_VARIANT(ck_kind_q8_0) = {
    .elements = span, .bytes = q8_0_bytes, .head_bytes = 2, .flip = 0x80, .zero = 128, .read = read_q8_0,
};

#ifdef LANES
INLINE void scales_q8_0(float *scale, float *offset, const uint8_t *heads) { g_store_floats(scale, head_float(heads, 0)); }

INLINE G32 codes_q8_0(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return g_load(stored + step * 64);
}
#endif

CK_BLOCK_FORMAT(q8_0)

#ifndef CK_VNNI
/// d is the largest magnitude / 127. Codes are rounded with d before its conversion to float16, as in GGML.
static void encode_q8_0(uint8_t *block, const float *x) {
    float largest = 0;
    for (size_t e = 0; e < span; e++) largest = fabsf(x[e]) > largest ? fabsf(x[e]) : largest;
    float d = largest / 127, inverse = d > 0 ? 1 / d : 0;
    uint16_t half = ck_f32_to_f16(d);
    memcpy(block, &half, 2);
    for (size_t e = 0; e < span; e++) {
        float magnitude = fabsf(x[e] * inverse), whole = floorf(magnitude); // to nearest, ties away from zero
        whole += magnitude - whole >= 0.5f ? 1 : 0;
        ((int8_t *)block)[2 + e] = (int8_t)(int)(x[e] < 0 ? -whole : whole);
    }
}

CK_ENCODE(q8_0)
#endif
