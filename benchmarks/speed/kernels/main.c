/* Speed of the kernels, beside OpenBLAS where that has the same operation, in one run.
 *
 *     kernel-bench [word]     only the rows whose name contains the word
 *
 * Prints CSV: kernels, operation, shape, best time of several, GFLOP/s, GB/s of weights or caches read. Choose kernels with
 * CORD_KERNELS, and OpenBLAS's with OPENBLAS_CORETYPE=SkylakeX where its own detection does not know the CPU.
 */
#include "CKernels.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *wanted = "";

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *memory(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 127) & ~(size_t)63);
    if (!p) abort();
    return p;
}

static float *numbers(size_t count) {
    static uint32_t state = 1;
    float *x = memory(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (float)((state = state * 1664525 + 1013904223) >> 8) * 0x1p-24f - 0.5f;
    return x;
}

// Times the statement for at least half a second after one warm-up and prints the best.
#define MEASURE(kernels, operation, flop, bytes, statement, ...)                                                       \
    do {                                                                                                               \
        char described[64];                                                                                              \
        snprintf(described, sizeof described, __VA_ARGS__);                                                                  \
        double best = 1e9;                                                                                             \
        statement;                                                                                                     \
        for (double begin = now(); now() - begin < 0.5;) {                                                             \
            double start = now();                                                                                      \
            statement;                                                                                                 \
            double time = now() - start;                                                                               \
            best = time < best ? time : best;                                                                          \
        }                                                                                                              \
        printf("%s,%s,%s,%.2f,%.1f,%.1f\n", kernels, operation, described, best * 1e6, (flop) / best / 1e9,                 \
               (bytes) / best / 1e9);                                                                                  \
        fflush(stdout);                                                                                                \
    } while (0)

static bool skipped(const char *name) { return strstr(name, wanted) == NULL; }

/// Both products of every format that the word names, as `linear BF16` and `linear_narrow BF16`; the second where it differs.
static void linear(size_t m, size_t n, size_t k) {
    const double flop = 2.0 * (double)m * (double)n * (double)k;
    // Several copies of the weights, so that small products do not find them in a cache that a model would not have either.
    const size_t copies = m <= 32 && n * k > 1 << 20 ? 1 + (512u << 20) / (n * k * 4) : 1;
    float *x = numbers(m * k), *y = memory(m * n * 4), *wide = numbers(n * k * copies);
    size_t turn = 0;
#define NEXT(bytes) ((turn = (turn + 1) % copies) * (bytes))
    if (!skipped("linear sgemm"))
        MEASURE("openblas", "sgemm", flop, 4.0 * (double)(n * k),
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, x, (int)k, wide + NEXT(n * k), (int)k, 0, y, (int)n),
                "%zux%zux%zu", m, n, k);
    for (ck_format format = 0; format < ck_format_count; format++) {
        char exact[32], narrow[32];
        snprintf(exact, sizeof exact, "linear %s", ck_facts(format)->name);
        snprintf(narrow, sizeof narrow, "linear_narrow %s", ck_facts(format)->name);
        bool blocks = ck_facts(format)->block_elements > 1;
        if ((skipped(exact) || blocks) && (skipped(narrow) || format == ck_format_f32 || format == ck_format_f16)) continue;
        size_t bytes = ck_matrix_bytes(format, n, k);
        char *stored = memory(bytes * copies);
        // All scales that these bytes are read as are finite, and the time does not depend on them.
        memset(stored, 0x11, bytes * copies);
#define WEIGHTS ((ck_matrix){format, stored + NEXT(bytes), n, k})
        if (!skipped(exact) && !blocks)
            MEASURE(ck_kernel_name(), exact, flop, (double)bytes, ck_linear(y, x, WEIGHTS, NULL, m), "%zux%zux%zu", m, n, k);
        if (!skipped(narrow) && format != ck_format_f32 && format != ck_format_f16)
            MEASURE(ck_kernel_name(), narrow, flop, (double)bytes, ck_linear_narrow(y, x, WEIGHTS, NULL, m), "%zux%zux%zu", m, n, k);
        free(stored);
    }
    free(x), free(wide), free(y);
}

static void attention(size_t sequences, size_t queries, size_t keys, size_t heads, size_t kv_heads, size_t d, bool causal, bool backward) {
    if (skipped("attention")) return;
    size_t rows = sequences * queries, kv_rows = sequences * keys;
    float *q = numbers(rows * heads * d), *k = numbers(kv_rows * kv_heads * d), *v = numbers(kv_rows * kv_heads * d);
    float *out = memory(rows * heads * d * 4), *lse = memory(rows * heads * 4), *dq = numbers(rows * heads * d);
    float *dk = numbers(kv_rows * kv_heads * d), *dv = numbers(kv_rows * kv_heads * d), *dout = numbers(rows * heads * d);
    ck_span *spans = memory(sequences * sizeof *spans);
    ck_segment *segments = memory(sequences * sizeof *segments);
    for (size_t s = 0; s < sequences; s++) {
        size_t at = s * keys * kv_heads * d;
        spans[s] = (ck_span){k + at, v + at, dk + at, dv + at, keys, 0};
        segments[s] = (ck_segment){s * queries, queries, s, 1, causal};
    }
    ck_attention_shape shape = {heads, kv_heads, d, heads * d, kv_heads * d, .scale = 0.125f};
    double flop = 4.0 * (double)(rows * keys) * (double)(heads * d) * (causal && queries == keys ? 0.5 : 1);
    double bytes = 8.0 * (double)(kv_rows * kv_heads * d);
    const char *mask = causal ? "causal" : "full";
    MEASURE(ck_kernel_name(), "attention", flop, bytes, ck_attention(out, lse, q, shape, segments, sequences, spans),
            "%zu*%zux%zu h%zu/%zu d%zu %s", sequences, queries, keys, heads, kv_heads, d, mask);
    if (backward)
        MEASURE(ck_kernel_name(), "attention_backward", 2.5 * flop, bytes,
                ck_attention_backward(dq, dout, out, lse, q, shape, segments, sequences, spans), "%zu*%zux%zu h%zu/%zu d%zu %s",
                sequences, queries, keys, heads, kv_heads, d, mask);
    free(q), free(k), free(v), free(out), free(lse), free(dq), free(dk), free(dv), free(dout), free(spans), free(segments);
}

/// Attention over a cache's blocks of 16 keys as columns, in floats or in 8 bits.
static void cached(size_t sequences, size_t queries, size_t keys, size_t heads, size_t kv_heads, size_t d, bool narrow) {
    const char *name = narrow ? "attention_cached int8" : "attention_cached float32";
    if (skipped(name)) return;
    size_t columns = 16, width = kv_heads * d, rows = sequences * queries, blocks = (keys + columns - 1) / columns;
    size_t size = columns * width / (narrow ? 4 : 1), block = 2 * size + (narrow ? 2 * kv_heads * columns : 0);
    float *q = numbers(rows * heads * d), *out = memory(rows * heads * d * 4), *cache = numbers(sequences * blocks * block);
    ck_span *spans = memory(sequences * blocks * sizeof *spans);
    ck_segment *segments = memory(sequences * sizeof *segments);
    for (size_t s = 0; s < sequences; s++) {
        segments[s] = (ck_segment){s * queries, queries, s * blocks, blocks, true};
        for (size_t b = 0; b < blocks; b++) {
            float *k = cache + (s * blocks + b) * block;
            size_t count = keys - b * columns < columns ? keys - b * columns : columns;
            spans[s * blocks + b] = (ck_span){.k = k, .v = k + size, .count = count, .key_columns = columns, .scales = narrow ? k + 2 * size : NULL};
        }
    }
    ck_attention_shape shape = {heads, kv_heads, d, heads * d, width, .scale = 0.125f};
    double flop = 4.0 * (double)(rows * keys) * (double)(heads * d) * (queries == keys ? 0.5 : 1);
    MEASURE(ck_kernel_name(), name, flop, (double)(sequences * blocks * block) * 4,
            ck_attention(out, NULL, q, shape, segments, sequences, spans), "%zu*%zux%zu h%zu/%zu d%zu", sequences, queries, keys, heads, kv_heads, d);
    free(q), free(out), free(cache), free(spans), free(segments);
}

static void rows(void) {
    if (skipped("rows")) return;
    const char *kernels = ck_kernel_name();
    size_t t = 1500, n = 3584, words = 151936, count = t * n;
    float *x = numbers(count), *w = numbers(n), *y = numbers(count), *z = numbers(count), *logits = numbers(16 * words);
    float *teacher = numbers(16 * words), weight[16], lse[16], frequency[64];
    int32_t position[1500], target[16], index[16];
    ck_row_measures measures[16];
    for (size_t i = 0; i < t; i++) position[i] = (int32_t)i;
    for (size_t i = 0; i < 64; i++) frequency[i] = 1 / (1 + (float)i);
    for (size_t i = 0; i < 16; i++) weight[i] = 1, target[i] = (int32_t)i;
    double size = 4.0 * (double)count, vocabulary = 64.0 * (double)words;
    MEASURE(kernels, "rmsnorm", 0.0, 2 * size, ck_rmsnorm(y, x, w, t, n, 1e-6f), "%zux%zu", t, n);
    MEASURE(kernels, "layernorm", 0.0, 2 * size, ck_layernorm(y, x, w, w, t, n, 1e-6f), "%zux%zu", t, n);
    MEASURE(kernels, "rmsnorm_backward", 0.0, 3 * size, ck_rmsnorm_backward(y, w, z, x, w, t, n, 1e-6f), "%zux%zu", t, n);
    MEASURE(kernels, "gelu", 0.0, 2 * size, ck_gelu(y, x, count), "%zu", count);
    MEASURE(kernels, "silu_mul", 0.0, 3 * size, ck_silu_mul(y, x, z, count), "%zu", count);
    MEASURE(kernels, "silu_mul_backward", 0.0, 5 * size, ck_silu_mul_backward(y, z, x, x, x, count), "%zu", count);
    MEASURE(kernels, "rope", 0.0, 2 * size, ck_rope(x, position, frequency, t, 28, 128, n, false), "%zux28x128", t);
    MEASURE(kernels, "add", 0.0, 3 * size, ck_add(y, x, z, count), "%zu", count);
    MEASURE(kernels, "adamw", 0.0, 7 * size, ck_adamw(y, x, z, x, count, 1e-6f, 0.9f, 0.99f, 1e-8f, 0, 1), "%zu", count);
    MEASURE(kernels, "logsumexp", 0.0, vocabulary, ck_logsumexp(lse, logits, 16, words), "16x%zu", words);
    MEASURE(kernels, "argmax", 0.0, vocabulary, ck_argmax(index, logits, 16, words), "16x%zu", words);
    MEASURE(kernels, "measure_rows", 0.0, 2 * vocabulary, ck_measure_rows(measures, logits, teacher, target, 16, words), "16x%zu", words);
    MEASURE(kernels, "measure_rows_backward", 0.0, 3 * vocabulary,
            ck_measure_rows_backward(logits, teacher, target, weight, weight, weight, 16, words), "16x%zu", words);
    free(x), free(w), free(y), free(z), free(logits), free(teacher);
}

int main(int count, char **arguments) {
    if (count > 1) wanted = arguments[1];
    printf("# %zu threads, OpenBLAS core %s\nkernels,operation,shape,microseconds,gflops,gbytes\n", ck_threads(), openblas_get_corename());
    linear(1500, 3584, 3584);
    linear(512, 4096, 4096);
    linear(128, 3584, 3584);
    linear(16, 3584, 3584);
    linear(8, 3584, 3584);
    linear(4, 3584, 3584);
    linear(1, 3584, 3584);
    linear(1, 18944, 3584);
    linear(1, 256, 256);
    linear(64, 256, 256);
    attention(1, 1500, 1500, 20, 20, 64, false, true);
    attention(1, 1024, 1024, 28, 4, 128, true, true);
    attention(16, 1, 1000, 28, 4, 128, true, false);
    attention(1, 1, 8000, 28, 4, 128, true, false);
    attention(8, 1, 1000, 20, 20, 64, true, false);
    for (int narrow = 0; narrow < 2; narrow++) {
        cached(16, 1, 1000, 28, 4, 128, narrow);
        cached(32, 1, 1500, 8, 4, 32, narrow);
        cached(1, 1, 8000, 28, 4, 128, narrow);
        cached(1, 1024, 1024, 28, 4, 128, narrow);
        cached(1, 1500, 1500, 8, 4, 32, narrow);
    }
    rows();
    return 0;
}
