// Times direct forward convolutions of oneDNN (version 2) on one core. Reads lines "n c h w k r s stride pad", writes a line
// "cycles nanoseconds implementation" for each; the first line it writes names the library.
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include "timing.h"

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t status, const char *what) {
    if (status == dnnl_success) return;
    fprintf(stderr, "%s: oneDNN status %d\n", what, (int)status);
    exit(1);
}

static dnnl_memory_t memory_of(const_dnnl_primitive_desc_t description, dnnl_query_t which, int argument_index) {
    dnnl_memory_t memory;
    const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(description, which, argument_index);
    check(dnnl_memory_create(&memory, layout, engine, DNNL_MEMORY_ALLOCATE), "memory");
    void *data;
    check(dnnl_memory_get_data_handle(memory, &data), "data");
    fill((float *)data, dnnl_memory_desc_get_size(layout) / sizeof(float));
    return memory;
}

struct convolution {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[3];
};

static void run(void *context) {
    struct convolution *one = context;
    check(dnnl_primitive_execute(one->primitive, stream, 3, one->arguments), "execute");
}

int main(void) {
    const dnnl_version_t *version = dnnl_version();
    printf("oneDNN %d.%d.%d\n", version->major, version->minor, version->patch);
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    dnnl_dim_t n, c, h, w, k, r, s, stride, pad;
    while (scanf("%ld %ld %ld %ld %ld %ld %ld %ld %ld", &n, &c, &h, &w, &k, &r, &s, &stride, &pad) == 9) {
        const dnnl_dim_t p = (h + 2 * pad - r) / stride + 1, q = (w + 2 * pad - s) / stride + 1;
        const dnnl_dims_t sizes[3] = {{n, c, h, w}, {k, c, r, s}, {n, k, p, q}};
        dnnl_memory_desc_t layouts[3];
        // The library chooses the layouts, as it does inside a network.
        for (int index = 0; index < 3; index++)
            check(dnnl_memory_desc_init_by_tag(&layouts[index], 4, sizes[index], dnnl_f32, dnnl_format_tag_any), "layout");
        const dnnl_dims_t strides = {stride, stride}, padding = {pad, pad};
        dnnl_convolution_desc_t convolution;
        check(dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_inference, dnnl_convolution_direct, &layouts[0],
                  &layouts[1], NULL, &layouts[2], strides, padding, padding), "convolution");
        dnnl_primitive_desc_t description;
        check(dnnl_primitive_desc_create(&description, &convolution, NULL, engine, NULL), "description");
        struct convolution one = {
            .arguments = {{DNNL_ARG_SRC, memory_of(description, dnnl_query_src_md, 0)},
                {DNNL_ARG_WEIGHTS, memory_of(description, dnnl_query_weights_md, 0)},
                {DNNL_ARG_DST, memory_of(description, dnnl_query_dst_md, 0)}},
        };
        check(dnnl_primitive_create(&one.primitive, description), "primitive");
        const char *implementation;
        check(dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &implementation), "name");
        print_time(fastest(run, &one), implementation);
        for (int index = 0; index < 3; index++) dnnl_memory_destroy(one.arguments[index].memory);
        dnnl_primitive_destroy(one.primitive);
        dnnl_primitive_desc_destroy(description);
    }
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return 0;
}
