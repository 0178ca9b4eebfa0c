/* The scales of Q4_K and Q5_K: eight pairs of 6 bits in 12 bytes, (scale, offset) for each span.
 *
 *     bytes 0–3: scales 0–3   4–7: offsets 0–3   8–11: the lower four bits of scales 4–7, then of offsets 4–7; their upper two bits are the
 *     upper two of the bytes 0–3 and 4–7
 */
#pragma once
#include "../blocks.h"

static inline uint8_t k_scale(const uint8_t *scales, size_t i) {
    return i < 4 ? scales[i] & 63 : (scales[i + 4] & 15) | (scales[i - 4] >> 6) << 4;
}

static inline uint8_t k_offset(const uint8_t *scales, size_t i) {
    return i < 4 ? scales[i + 4] & 63 : scales[i + 4] >> 4 | (scales[i] >> 6) << 4;
}

/// The block begins with d and the offsets' d, float16, and the 12 bytes.
static inline void read_k_scales(ck_span_codes *to, const uint8_t *block) {
    float d = ck_f16_to_f32(ck_u16(block)), offset_d = ck_f16_to_f32(ck_u16(block + 2));
    for (size_t i = 0; i < 8; i++) {
        to[i].scale[0] = to[i].scale[1] = d * (float)k_scale(block + 4, i);
        to[i].offset = -(offset_d * (float)k_offset(block + 4, i));
    }
}

#ifdef LANES
/// Byte `i` of the 12, of sixteen rows.
INLINE G32 k_byte(const uint8_t *heads, size_t i) { return head_bits(heads, 2 + i / 2) >> (uint32_t)(8 * (i % 2)) & 255; }

INLINE void read_k_scales_of_group(float *scale, float *offset, const uint8_t *heads) {
    GF d = head_float(heads, 0), offset_d = -head_float(heads, 1);
    for (size_t i = 0; i < 4; i++) {
        G32 a = k_byte(heads, i), b = k_byte(heads, i + 4), low = k_byte(heads, i + 8);
        g_store_floats(scale + i * group, d * g_float((GI)(a & 63)));
        g_store_floats(offset + i * group, offset_d * g_float((GI)(b & 63)));
        g_store_floats(scale + (i + 4) * group, d * g_float((GI)((low & 15) | a >> 6 << 4)));
        g_store_floats(offset + (i + 4) * group, offset_d * g_float((GI)(low >> 4 | b >> 6 << 4)));
    }
}

/// Two spans share 32 bytes: the even one has the lower halves.
INLINE G32 codes_of_pair(const uint8_t *stored, size_t of_block, size_t step) {
    return g_load(stored + of_block / 2 * span_codes + step * 64) >> (uint32_t)(of_block % 2 * 4) & 0x0f0f0f0f;
}
#endif
