/* Q5_K: 256 elements in 176 bytes, eight spans of w = d · scale · q − offset d · offset.
 *
 *     d, float16 │ offset d, float16 │ scales and offsets, 12 bytes │ 32 bytes: bit i of byte e is the highest of q of element e of span i
 *     │ 4 × 32 bytes with the lower four bits, as in Q4_K
 */
#include "k_scales.h"

enum { q5_k_bytes = 2 + 2 + 12 + 256 / 8 + 256 / 2 };

static inline void read_q5_k(ck_span_codes *to, const uint8_t *block) {
    read_k_scales(to, block);
    for (size_t i = 0; i < 8; i++)
        for (size_t e = 0; e < span; e++) {
            int low = block[48 + i / 2 * 32 + e] >> (i % 2 * 4) & 15, high = block[16 + e] >> i & 1;
            to[i].code[e] = (int8_t)(low | high << 4);
        }
}

const ck_block_kind CK_VARIANT(ck_kind_q5_k) = {
    .elements = 256, .bytes = q5_k_bytes, .head_bytes = 16, .offsets = true, .together = 4, .read = read_q5_k,
};

#ifdef LANES
INLINE void scales_q5_k(float *scale, float *offset, const uint8_t *heads) { read_k_scales_of_group(scale, offset, heads); }

INLINE G32 codes_q5_k(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    G32 fifth = g_load(stored + step * 64) >> (uint32_t)of_block & 0x01010101;
    return codes_of_pair(stored + span_codes, of_block, step) | fifth << 4;
}
#endif

CK_BLOCK_FORMAT(q5_k)
