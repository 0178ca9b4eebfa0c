/* The first element that is infinite or not a number: one whose exponent's bits are all set. */
#include "CKernels.h"

enum { block = 4096 };

#define CK_FIND(NAME, WORD)                                                                                            \
    size_t NAME(const WORD *x, size_t count, WORD exponent) {                                                          \
        for (size_t begin = 0; begin < count; begin += block) {                                                        \
            const size_t end = begin + block < count ? begin + block : count;                                          \
            WORD found = 0;                                                                                            \
            for (size_t i = begin; i < end; i++) found |= (x[i] & exponent) == exponent;                               \
            if (!found) continue;                                                                                      \
            for (size_t i = begin; i < end; i++)                                                                       \
                if ((x[i] & exponent) == exponent) return i;                                                           \
        }                                                                                                              \
        return count;                                                                                                  \
    }

CK_FIND(ck_find_not_finite_32, uint32_t)
CK_FIND(ck_find_not_finite_16, uint16_t)
