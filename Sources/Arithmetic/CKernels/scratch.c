/* Scratch memory by thread: grown when needed, kept between calls, freed when the thread ends. */
#include "kernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    void *memory[ck_scratch_slots];
    size_t bytes[ck_scratch_slots];
} ck_scratch_set;

static _Thread_local ck_scratch_set *scratch;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void release(void *set) {
    for (int i = 0; i < ck_scratch_slots; i++) free(((ck_scratch_set *)set)->memory[i]);
    free(set);
}

static void make_key(void) { pthread_key_create(&key, release); }

static void *required(void *memory, size_t bytes) {
    if (memory) return memory;
    fprintf(stderr, "cord: no memory for %zu bytes of kernel scratch; use shorter batches\n", bytes);
    abort();
}

void *ck_scratch(int slot, size_t bytes) {
    if (!scratch) {
        pthread_once(&once, make_key);
        scratch = required(calloc(1, sizeof *scratch), sizeof *scratch);
        pthread_setspecific(key, scratch);
    }
    if (bytes > scratch->bytes[slot]) {
        size_t grown = (bytes + bytes / 4 + 4095) & ~(size_t)4095;
        free(scratch->memory[slot]);
        scratch->memory[slot] = required(aligned_alloc(64, grown), grown);
        scratch->bytes[slot] = grown;
    }
    return scratch->memory[slot];
}
