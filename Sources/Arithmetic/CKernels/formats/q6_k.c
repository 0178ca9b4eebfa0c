/* Q6_K: 256 elements in 210 bytes, w = d · scale · (q − 32), a scale for each 16 elements.
 *
 *     2 × 64 bytes with lower four bits │ 2 × 32 bytes with upper two │ 16 signed scales │ d, float16
 *
 * Each half of the block has four spans. Byte e of the 64 has the lower bits of element e of the first span in its lower half and of the
 * third in its upper; byte e + 32 those of the second and the fourth. Byte e of the 32 has the upper bits of the four, the first's lowest.
 */
#include "../blocks.h"

enum { q6_k_bytes = 256 / 2 + 256 / 4 + 256 / 16 + 2 };

static inline void read_q6_k(ck_span_codes *to, const uint8_t *block) {
    const int8_t *scales = (const int8_t *)block + 192;
    float d = ck_f16_to_f32(ck_u16(block + 208));
    for (size_t i = 0; i < 8; i++) {
        size_t half = i / 4, part = i % 4;
        for (size_t s = 0; s < 2; s++) to[i].scale[s] = d * (float)scales[2 * i + s];
        for (size_t e = 0; e < span; e++) {
            int low = block[half * 64 + part % 2 * 32 + e] >> (part / 2 * 4) & 15, high = block[128 + half * 32 + e] >> (part * 2) & 3;
            to[i].code[e] = (int8_t)((low | high << 4) - 32);
        }
    }
}

const ck_block_kind CK_VARIANT(ck_kind_q6_k) = {
    .elements = 256, .bytes = q6_k_bytes, .head = 192, .head_bytes = 18, .zero = 32, .halves = true, .together = 2, .read = read_q6_k,
};

#ifdef LANES
INLINE void scales_q6_k(float *scale, float *offset, const uint8_t *heads) {
    GF d = head_float(heads, 8);
    for (size_t i = 0; i < 8; i++) {
        G32 two = head_bits(heads, i);
        g_store_floats(scale + 2 * i * group, d * g_float((GI)(two << 24) >> 24));
        g_store_floats(scale + (2 * i + 1) * group, d * g_float((GI)(two << 16) >> 24));
    }
}

INLINE G32 codes_q6_k(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    const size_t half = of_block / 4, part = of_block % 4;
    G32 low = g_load(stored + (half * 2 + part % 2) * span_codes + step * 64) >> (uint32_t)(part / 2 * 4);
    G32 high = g_load(stored + (4 + half) * span_codes + step * 64) >> (uint32_t)(part * 2);
    return (low & 0x0f0f0f0f) | (high & 0x03030303) << 4;
}
#endif

CK_BLOCK_FORMAT(q6_k)
