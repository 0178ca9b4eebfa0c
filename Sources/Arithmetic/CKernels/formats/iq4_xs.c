/* IQ4_XS: 256 elements in 136 bytes, eight spans of w = d · (scale − 32) · value(q), values as in IQ4_NL.
 *
 *     d, float16 │ upper two bits of the scales, 16 bits │ lower four bits, 4 bytes │ 8 × 16 bytes of q, each as in IQ4_NL
 */
#include "iq4_values.h"

enum { iq4_xs_bytes = 2 + 2 + 256 / 64 + 256 / 2 };

static inline void read_iq4_xs(ck_span_codes *to, const uint8_t *block) {
    float d = ck_f16_to_f32(ck_u16(block));
    uint16_t upper = ck_u16(block + 2);
    for (size_t i = 0; i < 8; i++) {
        int scale = (block[4 + i / 2] >> (i % 2 * 4) & 15) | (upper >> (2 * i) & 3) << 4;
        to[i].scale[0] = to[i].scale[1] = d * (float)(scale - 32);
        read_iq4(&to[i], block + 8 + i * 16);
    }
}

const ck_block_kind CK_VARIANT(ck_kind_iq4_xs) = {
    .elements = 256, .bytes = iq4_xs_bytes, .head_bytes = 8, .zero = 128, .read = read_iq4_xs,
};

#ifdef LANES
INLINE void scales_iq4_xs(float *scale, float *offset, const uint8_t *heads) {
    GF d = head_float(heads, 0);
    G32 upper = head_bits(heads, 1);
    for (uint32_t i = 0; i < 8; i++) {
        G32 lower = head_bits(heads, 2 + i / 4) >> (i % 4 * 4) & 15;
        g_store_floats(scale + i * group, d * g_float((GI)(lower | (upper >> (2 * i) & 3) << 4) - 32));
    }
}

INLINE G32 codes_iq4_xs(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return iq4_codes(codes_in_halves(stored + of_block * 256, step));
}
#endif

CK_BLOCK_FORMAT(iq4_xs)
