/* Q5_1: 32 elements in 24 bytes, w = d · q + m.
 *
 *     d, float16 │ m, float16 │ 32 bits: bit e is the highest of q of element e │ 16 bytes with the lower four bits, as in Q4_0
 */
#include "../blocks.h"

enum { q5_1_bytes = 2 + 2 + span / 8 + span / 2 };

static inline void read_q5_1(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    to->offset = ck_f16_to_f32(ck_u16(block + 2));
    uint32_t high = ck_u16(block + 4) | (uint32_t)ck_u16(block + 6) << 16;
    for (size_t i = 0; i < 16; i++) {
        to->code[i] = (int8_t)((block[8 + i] & 15) | (high >> i & 1) << 4);
        to->code[i + 16] = (int8_t)((block[8 + i] >> 4) | (high >> (i + 16) & 1) << 4);
    }
}

const ck_block_kind CK_VARIANT(ck_kind_q5_1) = {
    .elements = span, .bytes = q5_1_bytes, .head_bytes = 8, .offsets = true, .together = 4, .read = read_q5_1,
};

#ifdef LANES
INLINE void scales_q5_1(float *scale, float *offset, const uint8_t *heads) {
    g_store_floats(scale, head_float(heads, 0));
    g_store_floats(offset, head_float(heads, 1));
}

INLINE G32 codes_q5_1(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return codes_in_halves(stored, step) | fifth_bits(head_bits(heads, 2) | head_bits(heads, 3) << 16, step);
}
#endif

CK_BLOCK_FORMAT(q5_1)
