// Times matrix products of a CBLAS library on one core. Reads lines "m n k transA transB" (transposed: 1), writes a line
// "cycles nanoseconds implementation" for each; the first line it writes names the library.
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include "timing.h"

struct product {
    int m, n, k, trans_a, trans_b;
    float *a, *b, *c;
};

static void run(void *context) {
    const struct product *one = context;
    cblas_sgemm(CblasColMajor, one->trans_a ? CblasTrans : CblasNoTrans, one->trans_b ? CblasTrans : CblasNoTrans, one->m,
        one->n, one->k, 1, one->a, one->trans_a ? one->k : one->m, one->b, one->trans_b ? one->n : one->k, 0, one->c, one->m);
}

int main(void) {
    printf("%s\n", openblas_get_config());
    struct product one;
    while (scanf("%d %d %d %d %d", &one.m, &one.n, &one.k, &one.trans_a, &one.trans_b) == 5) {
        one.a = allocate((size_t)one.m * one.k);
        one.b = allocate((size_t)one.k * one.n);
        one.c = allocate((size_t)one.m * one.n);
        print_time(fastest(run, &one), openblas_get_corename());
        free(one.a);
        free(one.b);
        free(one.c);
    }
    return 0;
}
