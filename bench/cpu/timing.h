// Core cycles of a call on a machine that other work shares: the least time of many runs, in this thread's own time, and
// the clock by chains of dependent additions beside them.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_RUNS = 2000 };

struct least {
    double cycles, nanoseconds;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

// Nanoseconds of a cycle: each addition waits for the one before, one cycle each.
static double cycle_nanoseconds(void) {
    enum { ADDITIONS = 200000, UNROLLED = 10 };
    uint64_t sum = 1;
    const double start = now();
    for (int index = 0; index < ADDITIONS / UNROLLED; index++)
        __asm__ volatile("add $1,%0;add $1,%0;add $1,%0;add $1,%0;add $1,%0;"
                         "add $1,%0;add $1,%0;add $1,%0;add $1,%0;add $1,%0" : "+r"(sum));
    return (now() - start) / ADDITIONS;
}

static int ascending(const void *left, const void *right) {
    const double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static struct least fastest(void (*run)(void *), void *context) {
    enum { LEAST_RUNS = 30 };
    const double run_nanoseconds = 2e6, all_nanoseconds = 5e8;
    static double clocks[MOST_RUNS];
    run(context);
    double start = now();
    run(context);
    const int calls = 1 + (int)(run_nanoseconds / (now() - start));
    double best = 1e300;
    int runs = 0;
    for (const double began = now(); runs < LEAST_RUNS || now() - began < all_nanoseconds; runs++) {
        if (runs == MOST_RUNS) break;
        start = now();
        for (int call = 0; call < calls; call++) run(context);
        const double nanoseconds = (now() - start) / calls;
        // Right after the call, at the clock that its instructions leave.
        clocks[runs] = cycle_nanoseconds();
        if (nanoseconds < best) best = nanoseconds;
    }
    qsort(clocks, runs, sizeof *clocks, ascending);
    return (struct least){best / clocks[runs / 2], best};
}

static void fill(float *values, size_t count) {
    for (size_t index = 0; index < count; index++) values[index] = (float)(index % 251) / 251 - 0.5f;
}

static inline float *allocate(size_t count) {
    float *values = aligned_alloc(4096, (count * sizeof(float) + 4095) / 4096 * 4096);
    if (values == NULL) exit(1);
    fill(values, count);
    return values;
}

static void print_time(struct least time, const char *implementation) {
    printf("%.0f %.0f %s\n", time.cycles, time.nanoseconds, implementation);
    fflush(stdout);
}
