/* The thread pool behind every kernel.
 *
 *     caller: publish region → take pieces → close region → wait for those who joined
 *     worker: spin, then sleep, until a region opens → join it → take pieces → leave
 *
 * A worker that wakes too late finds the region closed and goes back to waiting, so no region waits for sleeping threads.
 */
#define _GNU_SOURCE
#include "kernels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// So many looks take some 70 µs, longer than the stretches between a layer's regions that one thread computes alone: of a small model
// sleeping and being woken was a quarter of the time. A thread whose core is taken by others sleeps soon enough.
enum { spins = 4000, pieces_per_thread = 4 };
static const unsigned region_open = 1u << 31;

static struct {
    pthread_mutex_t owner; // held by the caller whose region runs, and while workers start or stop
    pthread_t *workers;
    size_t threads; // the caller included; 0 until chosen

    // The region. The owner writes it while `state` is closed and no thread is inside.
    void *context;
    void (*body)(void *, size_t, size_t);
    size_t count, grain;
    _Alignas(64) atomic_size_t next;

    _Alignas(64) atomic_uint state;      // region_open | how many workers joined
    _Alignas(64) atomic_uint left;       // how many of them have left
    _Alignas(64) atomic_uint generation; // what sleeping workers watch
    atomic_uint sleepers;
    atomic_bool owner_sleeps, stopping;
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool inside_region;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(atomic_uint *word, unsigned expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/// A share of what is left, so that pieces shrink to the grain and threads of unequal speed end together.
static size_t piece(size_t left) {
    size_t share = left / (pool.threads * pieces_per_thread);
    size_t size = share > pool.grain ? share : pool.grain;
    return size < left ? size : left;
}

static void take_pieces(void) {
    inside_region = true;
    size_t begin = atomic_load_explicit(&pool.next, memory_order_relaxed);
    while (begin < pool.count) {
        size_t end = begin + piece(pool.count - begin);
        if (!atomic_compare_exchange_weak_explicit(&pool.next, &begin, end, memory_order_relaxed, memory_order_relaxed)) continue;
        pool.body(pool.context, begin, end);
        begin = atomic_load_explicit(&pool.next, memory_order_relaxed);
    }
    inside_region = false;
}

/// Joins the open region, if there is one, and helps until its pieces are gone.
static void help(void) {
    unsigned state = atomic_load(&pool.state);
    do {
        if (!(state & region_open)) return;
    } while (!atomic_compare_exchange_weak(&pool.state, &state, state + 1));
    take_pieces();
    atomic_fetch_add(&pool.left, 1);
    if (atomic_load(&pool.owner_sleeps)) futex_wake(&pool.left, 1);
}

static void *work(void *unused) {
    unsigned seen = atomic_load(&pool.generation);
    help();
    while (!atomic_load(&pool.stopping)) {
        for (int i = 0; i < spins && atomic_load_explicit(&pool.generation, memory_order_relaxed) == seen; i++) relax();
        if (atomic_load(&pool.generation) == seen) {
            atomic_fetch_add(&pool.sleepers, 1);
            futex_wait(&pool.generation, seen);
            atomic_fetch_sub(&pool.sleepers, 1);
        }
        seen = atomic_load(&pool.generation);
        help();
    }
    return unused;
}

static size_t allowed_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return (size_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

/// Starts the workers. Threads that the system refuses are done without.
static void start(size_t threads) {
    atomic_store(&pool.stopping, false);
    pool.workers = malloc((threads ? threads : 1) * sizeof *pool.workers);
    size_t started = 1;
    while (pool.workers && started < threads && pthread_create(&pool.workers[started - 1], NULL, work, NULL) == 0) started++;
    __atomic_store_n(&pool.threads, started, __ATOMIC_RELAXED);
}

static void stop(void) {
    if (pool.threads == 0) return;
    atomic_store(&pool.stopping, true);
    atomic_fetch_add(&pool.generation, 1);
    futex_wake(&pool.generation, 1 << 30);
    for (size_t i = 0; i + 1 < pool.threads; i++) pthread_join(pool.workers[i], NULL);
    free(pool.workers);
    pool.workers = NULL;
}

void ck_set_threads(size_t count) {
    pthread_mutex_lock(&pool.owner);
    stop();
    start(count ? count : allowed_processors());
    pthread_mutex_unlock(&pool.owner);
}

size_t ck_threads(void) {
    size_t threads = __atomic_load_n(&pool.threads, __ATOMIC_RELAXED);
    return threads ? threads : allowed_processors();
}

size_t ck_helping_threads(void) { return inside_region ? 1 : ck_threads(); }

void ck_parallel(size_t count, size_t grain, void *context, void (*body)(void *, size_t, size_t)) {
    if (count == 0) return;
    if (grain == 0) grain = 1;
    if (count <= grain || inside_region || pthread_mutex_trylock(&pool.owner) != 0) {
        body(context, 0, count);
        return;
    }
    if (pool.threads == 0) start(allowed_processors());
    if (pool.threads == 1) {
        pthread_mutex_unlock(&pool.owner);
        body(context, 0, count);
        return;
    }
    pool.context = context;
    pool.body = body;
    pool.count = count;
    pool.grain = grain;
    atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool.left, 0, memory_order_relaxed);
    atomic_store(&pool.state, region_open);
    atomic_fetch_add(&pool.generation, 1);
    unsigned sleepers = atomic_load(&pool.sleepers);
    if (sleepers > 0) {
        size_t wanted = (count - 1) / grain;
        futex_wake(&pool.generation, (int)(wanted < sleepers ? wanted : sleepers));
    }

    take_pieces();

    unsigned joined = atomic_exchange(&pool.state, 0) & ~region_open;
    for (int i = 0; i < spins && atomic_load(&pool.left) != joined; i++) relax();
    if (atomic_load(&pool.left) != joined) {
        atomic_store(&pool.owner_sleeps, true);
        for (unsigned left; (left = atomic_load(&pool.left)) != joined;) futex_wait(&pool.left, left);
        atomic_store(&pool.owner_sleeps, false);
    }
    pthread_mutex_unlock(&pool.owner);
}
