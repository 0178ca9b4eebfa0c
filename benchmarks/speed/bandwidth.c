// Memory read bandwidth: threads sum a buffer far larger than the caches; prints the passes' best and mean rate in GB/s.
//
// Needs: a C compiler. Build: cc -O3 -march=native -pthread bandwidth.c -o bandwidth
// Usage: bandwidth [THREADS [PASSES]]      2 threads and 24 passes over 1 GiB unless told

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { lanes = 64 };
static const size_t bytes = (size_t)1 << 30;
static uint64_t *buffer;
static size_t threads = 2;
static volatile uint64_t sink;

static void *sum(void *argument) {
    size_t share = bytes / sizeof *buffer / threads / lanes * lanes;
    const uint64_t *from = buffer + share * (size_t)(uintptr_t)argument;
    uint64_t total[lanes] = {0};
    for (size_t i = 0; i < share; i += lanes)
        for (size_t lane = 0; lane < lanes; lane++) total[lane] += from[i + lane];
    for (size_t lane = 0; lane < lanes; lane++) sink += total[lane];
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc > 1) threads = strtoul(argv[1], NULL, 10);
    int passes = argc > 2 ? atoi(argv[2]) : 24;
    if (threads < 1 || threads > 256 || passes < 1) return fprintf(stderr, "usage: bandwidth [THREADS [PASSES]]\n"), 2;
    buffer = aligned_alloc(4096, bytes);
    if (!buffer) return perror("bandwidth"), 1;
    memset(buffer, 1, bytes);
    double best = 0, all = 0;
    for (int pass = 0; pass < passes; pass++) {
        pthread_t others[256];
        double start = now();
        for (size_t t = 1; t < threads; t++) pthread_create(&others[t], NULL, sum, (void *)(uintptr_t)t);
        sum((void *)0);
        for (size_t t = 1; t < threads; t++) pthread_join(others[t], NULL);
        double seconds = now() - start, rate = (double)bytes / seconds * 1e-9;
        all += seconds;
        if (rate > best) best = rate;
    }
    printf("%.2f %.2f\n", best, (double)bytes * passes / all * 1e-9);
}
