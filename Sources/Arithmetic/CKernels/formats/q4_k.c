/* Q4_K: 256 elements in 144 bytes, eight spans of w = d · scale · q − offset d · offset.
 *
 *     d, float16 │ offset d, float16 │ scales and offsets, 12 bytes │ 4 × 32 bytes: lower halves q of an even span, upper of the next
 */
#include "k_scales.h"

enum { q4_k_bytes = 2 + 2 + 12 + 256 / 2 };

static inline void read_q4_k(ck_span_codes *to, const uint8_t *block) {
    read_k_scales(to, block);
    for (size_t i = 0; i < 8; i++)
        for (size_t e = 0; e < span; e++) to[i].code[e] = block[16 + i / 2 * 32 + e] >> (i % 2 * 4) & 15;
}

const ck_block_kind CK_VARIANT(ck_kind_q4_k) = {
    .elements = 256, .bytes = q4_k_bytes, .head_bytes = 16, .offsets = true, .together = 8, .read = read_q4_k,
};

#ifdef LANES
INLINE void scales_q4_k(float *scale, float *offset, const uint8_t *heads) { read_k_scales_of_group(scale, offset, heads); }

INLINE G32 codes_q4_k(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return codes_of_pair(stored, of_block, step);
}
#endif

CK_BLOCK_FORMAT(q4_k)
