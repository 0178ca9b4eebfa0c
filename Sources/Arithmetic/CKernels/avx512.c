/* The operations for CPUs with AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__)
#define CK_VARIANT(op) op##_avx512
#include "kernels.h"

#include <immintrin.h>
#include <math.h>

#define LANES 16
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)

#include "activations_simd.h"
#include "attention_backward_simd.h"
#include "attention_simd.h"
#include "formats/all.h"
#include "linear_simd.h"
#include "rope_simd.h"
#include "vocabulary_simd.h"

// The compiler vectorises the references' loops.
#include "elementwise.c"
#include "norms.c"
#include "optimiser.c"
#include "storage.c"
#include "windows.c"

#pragma clang attribute pop

const ck_kernels ck_kernels_avx512 = {
    .name = "avx512",
#define MEMBER(op) .op = op##_avx512,
    CK_OPERATIONS(MEMBER)
};
#endif
