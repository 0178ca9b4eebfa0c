/* The operations for CPUs with AVX-512 that also sum products of four bytes (VNNI): products of blocks differ from avx512.c. */
#if defined(__x86_64__)
#define CK_VARIANT(op) op##_avx512_vnni
#include "kernels.h"

#include <immintrin.h>

#define LANES 16
#define CK_VNNI
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "simd.h"

INLINE VI vnni(VI sum, VI codes, VI x) { return (VI)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, (__m512i)x); }

#include "formats/all.h"
#pragma clang attribute pop

#define DECLARE(op) extern __typeof__(op) op##_avx512;
CK_OPERATIONS(DECLARE)

const ck_kernels ck_kernels_avx512_vnni = {
    .name = "avx512_vnni",
#define MEMBER(op) .op = op##_avx512,
    CK_OPERATIONS(MEMBER)
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define OVERRIDE(X, id, ...) .ck_linear_narrow_##id = ck_linear_narrow_##id##_avx512_vnni,
    CK_BLOCK_FORMATS(OVERRIDE, )
};
#endif
