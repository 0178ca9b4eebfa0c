/* Q4_1: 32 elements in 20 bytes, w = d · q + m.
 *
 *     d, float16 │ m, float16 │ 16 bytes: the lower half of byte i is q of element i, the upper half q of element i + 16
 */
#include "../blocks.h"

enum { q4_1_bytes = 2 + 2 + span / 2 };

static inline void read_q4_1(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    to->offset = ck_f16_to_f32(ck_u16(block + 2));
    for (size_t i = 0; i < 16; i++) {
        to->code[i] = block[4 + i] & 15;
        to->code[i + 16] = block[4 + i] >> 4;
    }
}

const ck_block_kind CK_VARIANT(ck_kind_q4_1) = {
    .elements = span, .bytes = q4_1_bytes, .head_bytes = 4, .offsets = true, .together = 8, .read = read_q4_1,
};

#ifdef LANES
INLINE void scales_q4_1(float *scale, float *offset, const uint8_t *heads) {
    g_store_floats(scale, head_float(heads, 0));
    g_store_floats(offset, head_float(heads, 1));
}

INLINE G32 codes_q4_1(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return codes_in_halves(stored, step);
}
#endif

CK_BLOCK_FORMAT(q4_1)
