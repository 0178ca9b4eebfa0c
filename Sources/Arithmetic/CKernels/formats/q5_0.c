/* Q5_0: 32 elements in 22 bytes, w = d · (q − 16).
 *
 *     d, float16 │ 32 bits: bit e is the highest of q of element e │ 16 bytes with the lower four bits, as in Q4_0
 */
#include "../blocks.h"

enum { q5_0_bytes = 2 + span / 8 + span / 2 };

static inline void read_q5_0(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    uint32_t high = ck_u16(block + 2) | (uint32_t)ck_u16(block + 4) << 16;
    for (size_t i = 0; i < 16; i++) {
        to->code[i] = (int8_t)(((block[6 + i] & 15) | (high >> i & 1) << 4) - 16);
        to->code[i + 16] = (int8_t)(((block[6 + i] >> 4) | (high >> (i + 16) & 1) << 4) - 16);
    }
}

const ck_block_kind CK_VARIANT(ck_kind_q5_0) = {
    .elements = span, .bytes = q5_0_bytes, .head_bytes = 6, .zero = 16, .together = 4, .read = read_q5_0,
};

#ifdef LANES
INLINE void scales_q5_0(float *scale, float *offset, const uint8_t *heads) { g_store_floats(scale, head_float(heads, 0)); }

INLINE G32 codes_q5_0(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return codes_in_halves(stored, step) | fifth_bits(head_bits(heads, 1) | head_bits(heads, 2) << 16, step);
}
#endif

CK_BLOCK_FORMAT(q5_0)
