/* The values that the 4 bits of IQ4_NL and IQ4_XS stand for. */
#pragma once
#include "../blocks.h"

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// A span of 16 bytes: the lower half of byte i is element i, the upper half element i + 16.
static inline void read_iq4(ck_span_codes *to, const uint8_t *bytes) {
    for (size_t i = 0; i < 16; i++) {
        to->code[i] = iq4_values[bytes[i] & 15];
        to->code[i + 16] = iq4_values[bytes[i] >> 4];
    }
}

#ifdef LANES
/// iq4_values + 128 of each byte, which is below 16.
INLINE G32 iq4_codes(G32 nibbles) {
    __m128i table = _mm_xor_si128(_mm_loadu_si128((const __m128i *)iq4_values), _mm_set1_epi8(-128));
#if LANES == 16
    return (G32)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), (__m512i)nibbles);
#else
    __m256i both = _mm256_broadcastsi128_si256(table), low, high;
    memcpy(&low, &nibbles, sizeof low);
    memcpy(&high, (const char *)&nibbles + sizeof low, sizeof high);
    low = _mm256_shuffle_epi8(both, low), high = _mm256_shuffle_epi8(both, high);
    memcpy(&nibbles, &low, sizeof low);
    memcpy((char *)&nibbles + sizeof low, &high, sizeof high);
    return nibbles;
#endif
}
#endif
