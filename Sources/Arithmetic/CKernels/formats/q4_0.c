/* Q4_0: 32 elements in 18 bytes, w = d · (q − 8).
 *
 *     d, float16 │ 16 bytes: the lower half of byte i is q of element i, the upper half q of element i + 16
 */
#include "../blocks.h"

enum { q4_0_bytes = 2 + span / 2 };

static inline void read_q4_0(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    for (size_t i = 0; i < 16; i++) {
        to->code[i] = (int8_t)((block[2 + i] & 15) - 8);
        to->code[i + 16] = (int8_t)((block[2 + i] >> 4) - 8);
    }
}

const ck_block_kind CK_VARIANT(ck_kind_q4_0) = {
    .elements = span, .bytes = q4_0_bytes, .head_bytes = 2, .zero = 8, .together = 8, .read = read_q4_0,
};

#ifdef LANES
INLINE void scales_q4_0(float *scale, float *offset, const uint8_t *heads) { g_store_floats(scale, head_float(heads, 0)); }

INLINE G32 codes_q4_0(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return codes_in_halves(stored, step);
}
#endif

CK_BLOCK_FORMAT(q4_0)

#ifndef CK_VNNI
/// d is the element of the largest magnitude / −8, so that this one is exact. Codes are rounded with d before its conversion to
/// float16, as in GGML.
static void encode_q4_0(uint8_t *block, const float *x) {
    float most = 0;
    for (size_t e = 0; e < span; e++) most = fabsf(x[e]) > fabsf(most) ? x[e] : most;
    float d = most / -8, inverse = d != 0 ? 1 / d : 0;
    uint16_t half = ck_f32_to_f16(d);
    memcpy(block, &half, 2);
    for (size_t i = 0; i < 16; i++) {
        int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + 16] * inverse + 8.5f);
        block[2 + i] = (uint8_t)(CK_MIN(low, 15) | CK_MIN(high, 15) << 4);
    }
}

CK_ENCODE(q4_0)
#endif
