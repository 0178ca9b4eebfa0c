/* What the kernels share among themselves: scratch memory and storage formats. */
#pragma once
#include "CKernels.h"

#include <string.h>

#define CK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CK_MAX(a, b) ((a) > (b) ? (a) : (b))

/// The calling thread's scratch memory number `slot`, at least `bytes` long and aligned to 64 bytes. Its contents last until
/// the same thread asks for the same slot. Aborts where the system has no memory.
void *ck_scratch(int slot, size_t bytes);
enum { ck_scratch_slots = 6 };

/// How many rows make a piece worth handing to another thread, where one row costs about `cost` simple operations.
static inline size_t ck_grain(size_t cost) { return 1 + 32768 / (cost + 1); }

static inline float ck_bf16_to_f32(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, 4);
    return y;
}

static inline uint16_t ck_f32_to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}
