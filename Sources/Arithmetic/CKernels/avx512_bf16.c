/* The operations for CPUs that also multiply pairs of bfloat16 (AVX-512 BF16): one product differs from avx512_vnni.c, which they have. */
#if defined(__x86_64__)
#define CK_VARIANT(op) op##_avx512_bf16
#include "kernels.h"

#include <immintrin.h>

#define LANES 16
#define CK_BF16_PAIRS
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma"))), apply_to = function)
#include "linear_simd.h"
#pragma clang attribute pop

#define DECLARE(op) extern __typeof__(op) op##_avx512, op##_avx512_vnni;
CK_OPERATIONS(DECLARE)

const ck_kernels ck_kernels_avx512_bf16 = {
    .name = "avx512_bf16",
#define MEMBER(op) .op = op##_avx512,
    CK_OPERATIONS(MEMBER)
#pragma clang diagnostic ignored "-Winitializer-overrides"
#define OVERRIDE(X, id, ...) .ck_linear_narrow_##id = ck_linear_narrow_##id##_avx512_vnni,
    CK_BLOCK_FORMATS(OVERRIDE, )
    .ck_linear_narrow_bf16 = ck_linear_narrow_bf16_avx512_bf16,
};
#endif
