/* The operations for CPUs with AVX2 that also sum products of four bytes (AVX-VNNI): products of blocks differ from avx2.c. */
#if defined(__x86_64__)
#define CK_VARIANT(op) op##_avx2_vnni
#include "kernels.h"

#include <immintrin.h>

#define LANES 8
#define CK_VNNI
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "simd.h"

INLINE VI vnni(VI sum, VI codes, VI x) { return (VI)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)codes, (__m256i)x); }

#include "formats/all.h"
#pragma clang attribute pop

#define DECLARE(op) extern __typeof__(op) op##_avx2;
CK_OPERATIONS(DECLARE)

const ck_kernels ck_kernels_avx2_vnni = {
    .name = "avx2_vnni",
#define MEMBER(op) .op = op##_avx2,
    CK_OPERATIONS(MEMBER)
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define OVERRIDE(X, id, ...) .ck_linear_narrow_##id = ck_linear_narrow_##id##_avx2_vnni,
    CK_BLOCK_FORMATS(OVERRIDE, )
};
#endif
