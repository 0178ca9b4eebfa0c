/* IQ4_NL: 32 elements in 18 bytes, w = d · value(q): four bits for one of sixteen values that are not evenly spaced.
 *
 *     d, float16 │ 16 bytes: the lower half of byte i is q of element i, the upper half q of element i + 16
 */
#include "iq4_values.h"

enum { iq4_nl_bytes = 2 + span / 2 };

static inline void read_iq4_nl(ck_span_codes *to, const uint8_t *block) {
    to->scale[0] = to->scale[1] = ck_f16_to_f32(ck_u16(block));
    read_iq4(to, block + 2);
}

const ck_block_kind CK_VARIANT(ck_kind_iq4_nl) = {
    .elements = span, .bytes = iq4_nl_bytes, .head_bytes = 2, .zero = 128, .read = read_iq4_nl,
};

#ifdef LANES
INLINE void scales_iq4_nl(float *scale, float *offset, const uint8_t *heads) { g_store_floats(scale, head_float(heads, 0)); }

INLINE G32 codes_iq4_nl(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step) {
    return iq4_codes(codes_in_halves(stored, step));
}
#endif

CK_BLOCK_FORMAT(iq4_nl)
