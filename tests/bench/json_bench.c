/*
 * json_bench [FILE] - our parser and printer beside jansson: one thread, same process, in turn.
 *
 * Two workloads: parsing FILE (default: a made OpenAPI description of 1 MB), and parsing and
 * printing a message of 2 KB. Everything counts on both sides: taking memory, giving it back, and
 * the positions that our nodes keep. Prints one JSON line a workload; "ratios" are ours : jansson,
 * one for each pair.
 */
#define RAC_ALLOW_MALLOC
#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

enum { PAIRS = 9, SLICE_MS = 150 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ours_parse(rac_str text)
{
    struct rac_arena a;
    struct rac_json v;
    rac_arena_init(&a, (size_t)1 << 30);
    RAC_ASSERT(rac_json_parse(text, &a, 0, &v, NULL) == RAC_OK);
    rac_arena_fini(&a);
}

static void theirs_parse(rac_str text)
{
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    RAC_ASSERT(v != NULL);
    json_decref(v);
}

static void ours_message(rac_str text)
{
    struct rac_arena a;
    struct rac_buf b;
    struct rac_json v;
    rac_arena_init(&a, 1 << 20);
    rac_buf_init(&b, 1 << 20);
    RAC_ASSERT(rac_json_parse(text, &a, 0, &v, NULL) == RAC_OK);
    rac_json_print(&v, 0, &b);
    RAC_ASSERT(b.n > 0);
    rac_buf_fini(&b);
    rac_arena_fini(&a);
}

static void theirs_message(rac_str text)
{
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    RAC_ASSERT(v != NULL);
    char *out = json_dumps(v, JSON_COMPACT);
    RAC_ASSERT(out != NULL);
    free(out);
    json_decref(v);
}

/* Megabytes a second over at least SLICE_MS. */
static double rate(void (*work)(rac_str text), rac_str text)
{
    size_t n = 0, batch = 1 + 100000 / text.n;
    double start = now_s(), spent;
    do {
        for (size_t i = 0; i < batch; i++)
            work(text);
        n += batch;
    } while ((spent = now_s() - start) < SLICE_MS / 1e3);
    return (double)text.n * (double)n / 1e6 / spent;
}

static int double_cmp(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, double_cmp);
    return v[n / 2];
}

static void compare(const char *test, void (*ours)(rac_str text), void (*theirs)(rac_str text),
                    rac_str text)
{
    double a[PAIRS], b[PAIRS], ratios[PAIRS];
    (void)rate(ours, text); /* warm */
    (void)rate(theirs, text);
    for (int i = 0; i < PAIRS; i++) {
        a[i] = rate(ours, text);
        b[i] = rate(theirs, text);
        ratios[i] = a[i] / b[i];
    }
    printf("{\"test\":\"%s\",\"bytes\":%zu,\"ratios\":[", test, text.n);
    for (int i = 0; i < PAIRS; i++)
        printf("%s%.2f", i > 0 ? "," : "", ratios[i]);
    printf("],\"ours_mb_s\":%.0f,\"jansson_mb_s\":%.0f,\"ratio\":%.2f}\n", median(a, PAIRS),
           median(b, PAIRS), median(ratios, PAIRS));
}

/* --- inputs ------------------------------------------------------------------------------- */

/* A description of about n bytes, printed like most are: two spaces, one member a line. */
static rac_str description(struct rac_arena *a, size_t n)
{
    struct rac_buf b;
    rac_buf_init(&b, n + 65536);
    RAC_BUF_ADD_LIT(&b, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Bench\",\"version\":\"1.0\"},"
                        "\"host\":\"api.example.com\",\"basePath\":\"/v1\",\"schemes\":[\"https\"],"
                        "\"paths\":{");
    for (int i = 0; b.n < n * 2 / 3 - n / 8; i++)
        rac_buf_printf(
            &b,
            "%s\"/things%d/{id}\":{\"get\":{\"operationId\":\"GetThing%d\",\"summary\":\"Get a "
            "thing\",\"description\":\"Returns thing number %d, or an \\\"error\\\" when it is "
            "gone.\\nSee the manual.\",\"parameters\":[{\"name\":\"id\",\"in\":\"path\","
            "\"required\":true,\"type\":\"string\",\"x-ms-url-encoding\":\"single\"},{\"name\":"
            "\"$top\",\"in\":\"query\",\"type\":\"integer\",\"format\":\"int32\",\"default\":%d}],"
            "\"responses\":{\"200\":{\"description\":\"OK\",\"schema\":{\"type\":\"object\","
            "\"properties\":{\"id\":{\"type\":\"string\",\"description\":\"Key\"},\"size\":{"
            "\"type\":\"number\",\"maximum\":%d.5},\"tags\":{\"type\":\"array\",\"items\":{"
            "\"type\":\"string\"}},\"open\":{\"type\":\"boolean\",\"default\":false}}}}}}}",
            i > 0 ? "," : "", i, i, i, i * 10, i);
    RAC_BUF_ADD_LIT(&b, "}}");
    struct rac_json v;
    RAC_ASSERT(rac_json_parse(rac_buf_str(&b), a, RAC_JSON_COPY, &v, NULL) == RAC_OK);
    rac_buf_fini(&b);
    return rac_json_print_str(&v, RAC_JSON_PRETTY, a);
}

/* A message as services answer: records with ids, names, times, numbers. */
static rac_str message(struct rac_arena *a)
{
    struct rac_buf b;
    rac_buf_init(&b, 65536);
    RAC_BUF_ADD_LIT(&b,
                    "{\"@odata.context\":\"https://api.example.com/$metadata#orders\",\"value\":[");
    for (int i = 0; i < 9; i++)
        rac_buf_printf(
            &b,
            "%s{\"id\":\"8f14e45f-ceea-467f-a9d2-00000000000%d\",\"number\":%d,"
            "\"customer\":\"Caf\xc3\xa9 No. %d\",\"amount\":%d.%02d,\"paid\":%s,\"created\":"
            "\"2021-03-0%dT10:20:30Z\",\"note\":null,\"tags\":[\"a\",\"new\",\"vip\"],"
            "\"text\":\"He said \\\"yes\\\" twice.\"}",
            i > 0 ? "," : "", i, 100000 + i, i, 10 * i, i, i % 2 ? "true" : "false", 1 + i);
    RAC_BUF_ADD_LIT(&b, "]}");
    rac_str s = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return s;
}

static rac_str file_read(struct rac_arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct rac_buf b;
    rac_buf_init(&b, 64 << 20);
    for (size_t n = f != NULL; n > 0;) {
        char *p = rac_buf_reserve(&b, 1 << 16);
        RAC_ASSERT(p != NULL);
        n = fread(p, 1, 1 << 16, f);
        rac_buf_added(&b, n);
    }
    if (f != NULL)
        fclose(f);
    rac_str s = rac_buf_take(&b, a);
    rac_buf_fini(&b);
    return s;
}

int main(int argc, char **argv)
{
    struct rac_arena a;
    rac_arena_init(&a, (size_t)1 << 30);
    rac_str text = argc > 1 ? file_read(&a, argv[1]) : description(&a, 880000);
    struct rac_json v;
    if (rac_json_parse(text, &a, 0, &v, NULL) != RAC_OK) {
        fprintf(stderr, "json_bench: cannot read %s as strict JSON\n", argc > 1 ? argv[1] : "");
        return 1;
    }
    compare("parse an OpenAPI description", ours_parse, theirs_parse, text);
    compare("parse and print a message", ours_message, theirs_message, message(&a));
    rac_arena_fini(&a);
    return 0;
}
