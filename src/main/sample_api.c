#include "main/sample_api.h"

#include "crypto/digest.h"
#include "json/json.h"
#include "text/url.h"

extern const rac_str rac_sample_api_document; /* sample/apiDefinition.swagger.json */

enum { PAGE = 5, PLAN_W = 64, PLAN_H = 24, PLAN_HEAD = 54 };

static const struct berth {
    const char *name, *ship; /* ship NULL: free */
    double length_m, depth_m;
} berths[] = {
    {"Mole west", "Aalscholver", 42, 5.5},
    {"Mole centre", NULL, 42, 5.5},
    {"Mole east", NULL, 38, 5.0},
    {"Fish quay", "Grand Voile", 28, 4.0},
    {"Ice house", NULL, 24, 3.5},
    {"Crane", "Nordkaper", 60, 7.0},
    {"Slipway", NULL, 18, 2.5},
    {"Lighthouse", NULL, 20, 3.0},
    {"Old lock", "Petit Quai", 14, 2.2},
    {"Timber yard", NULL, 55, 6.0},
    {"Customs", NULL, 30, 4.5},
    {"Pilot steps", "Sterna", 12, 2.0},
};

rac_str rac_sample_api_definition(rac_str host, struct rac_arena *a)
{
    return rac_str_replace(a, rac_sample_api_document, RAC_S("\"127.0.0.1:8080\""),
                           rac_arena_printf(a, "\"%.*s\"", RAC_FMT(host)));
}

static void reply(struct rac_http_exchange *x, int status, const struct rac_json *v)
{
    rac_http_reply_text(x, status, "application/json", rac_json_print_str(v, 0, x->arena));
}

static void problem(struct rac_http_exchange *x, int status, const char *message)
{
    struct rac_json o = rac_json_new_object(x->arena);
    RAC_JSON_PUT_STR(x->arena, &o, "message", rac_str_of(message));
    reply(x, status, &o);
}

static struct rac_json berth_json(struct rac_arena *a, size_t i)
{
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT(a, &o, "number", rac_json_of_int((int64_t)i + 1));
    RAC_JSON_PUT_STR(a, &o, "name", rac_str_of(berths[i].name));
    RAC_JSON_PUT(a, &o, "length_m", rac_json_of_double(berths[i].length_m));
    RAC_JSON_PUT(a, &o, "depth_m", rac_json_of_double(berths[i].depth_m));
    RAC_JSON_PUT_STR(a, &o, "state", berths[i].ship ? RAC_S("taken") : RAC_S("free"));
    RAC_JSON_PUT(a, &o, "ship",
                 berths[i].ship ? rac_json_of_str(rac_str_of(berths[i].ship)) : rac_json_of_null());
    return o;
}

static void harbour(struct rac_http_exchange *x)
{
    struct rac_json o = rac_json_new_object(x->arena);
    RAC_JSON_PUT_STR(x->arena, &o, "name", RAC_S("Quai Nord"));
    RAC_JSON_PUT_STR(x->arena, &o, "hours", RAC_S("05:00-23:00"));
    RAC_JSON_PUT(x->arena, &o, "berths", rac_json_of_int((int64_t)RAC_COUNT(berths)));
    reply(x, 200, &o);
}

static void list(struct rac_http_exchange *x)
{
    struct rac_arena *a = x->arena;
    rac_str state = rac_url_query_get(a, x->query, RAC_S("state"));
    uint64_t from = 1;
    rac_str text = rac_url_query_get(a, x->query, RAC_S("from"));
    if (text.n > 0 && (!rac_str_to_u64(text, &from) || from == 0)) {
        problem(x, 400, "from must be a number from 1");
        return;
    }
    struct rac_json o = rac_json_new_object(a), v = rac_json_new_array(a);
    size_t i = from > RAC_COUNT(berths) ? RAC_COUNT(berths) : (size_t)from - 1;
    for (; i < RAC_COUNT(berths) && rac_json_len(&v) < PAGE; i++)
        if (state.n == 0 || rac_str_eq(state, berths[i].ship ? RAC_S("taken") : RAC_S("free")))
            rac_json_add(a, &v, berth_json(a, i));
    RAC_JSON_PUT(a, &o, "value", v);
    if (i < RAC_COUNT(berths))
        RAC_JSON_PUT_STR(a, &o, "nextLink",
                         rac_arena_printf(a, "http://%.*s/sample/quai/berths?from=%zu%s%.*s",
                                          RAC_FMT(rac_http_header(x, "Host")), i + 1,
                                          state.n > 0 ? "&state=" : "", RAC_FMT(state)));
    reply(x, 200, &o);
}

static void put_le(char *p, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(v >> (8 * i));
}

/* A 24-bit bitmap: water, the quay above, a hull when somebody lies there. */
static void plan(struct rac_http_exchange *x, size_t i)
{
    size_t size = PLAN_HEAD + 3 * PLAN_W * PLAN_H;
    char *p = rac_arena_alloc(x->arena, size);
    p[0] = 'B';
    p[1] = 'M';
    put_le(p + 2, (uint32_t)size, 4);
    put_le(p + 10, PLAN_HEAD, 4);
    put_le(p + 14, 40, 4);
    put_le(p + 18, PLAN_W, 4);
    put_le(p + 22, PLAN_H, 4);
    put_le(p + 26, 1, 2);
    put_le(p + 28, 24, 2);
    size_t hull = berths[i].ship ? (size_t)berths[i].length_m : 0;
    for (size_t y = 0; y < PLAN_H; y++)
        for (size_t k = 0; k < PLAN_W; k++) {
            bool quay = y >= PLAN_H - 6, ship = y >= PLAN_H - 13 && !quay && k >= 2 && k < hull;
            put_le(p + PLAN_HEAD + 3 * (y * PLAN_W + k),
                   quay   ? 0x9a8f80
                   : ship ? 0x7a2e2e
                          : 0x1b5e7a,
                   3);
        }
    rac_http_reply_text(x, 200, "image/bmp", (rac_str){p, size});
}

static void book(void *arg, struct rac_http_exchange *x, rac_err err, rac_str body)
{
    const struct berth *b = arg;
    struct rac_json v;
    if (err != RAC_OK || rac_json_parse(body, x->arena, 0, &v, NULL) != RAC_OK) {
        problem(x, 400, "a booking is a JSON object with ship and nights");
        return;
    }
    rac_str ship = rac_json_str(RAC_JSON_GET(&v, "ship"), RAC_S(""));
    int64_t nights = rac_json_int(RAC_JSON_GET(&v, "nights"), 0);
    if (ship.n == 0 || nights < 1 || nights > 365) {
        problem(x, 400, "a booking has a ship and 1 to 365 nights");
        return;
    }
    if (b->ship != NULL) {
        problem(x, 409, "the berth is taken");
        return;
    }
    struct rac_arena *a = x->arena;
    struct rac_json o = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &o, "booking", rac_arena_printf(a, "QN-%.8s", rac_sha256_hex(a, ship).p));
    RAC_JSON_PUT(a, &o, "berth", rac_json_of_int(b - berths + 1));
    RAC_JSON_PUT_STR(a, &o, "ship", ship);
    RAC_JSON_PUT(a, &o, "nights", rac_json_of_int(nights));
    RAC_JSON_PUT(a, &o, "fee", rac_json_of_double((double)nights * b->length_m * 0.85));
    reply(x, 201, &o);
}

/* "/berths/<number>", "/berths/<number>/plan", "/berths/<number>/bookings" */
static void one(struct rac_http_exchange *x, rac_str rest, bool get)
{
    uint64_t n;
    rac_str what;
    rac_str number = rac_str_cut(rest, '/', &what);
    if (!rac_str_to_u64(number, &n) || n == 0 || n > RAC_COUNT(berths))
        problem(x, 404, "there is no such berth");
    else if (what.p == NULL && get) {
        struct rac_json o = berth_json(x->arena, (size_t)n - 1);
        reply(x, 200, &o);
    } else if (rac_str_eq(what, RAC_S("plan")) && get)
        plan(x, (size_t)n - 1);
    else if (rac_str_eq(what, RAC_S("bookings")) && !get)
        rac_http_read_body(x, 64 << 10, book, (void *)&berths[n - 1]);
    else
        problem(x, 404, "there is nothing here");
}

bool rac_sample_api_handle(void *arg, struct rac_api_worker *w, struct rac_http_exchange *x)
{
    (void)arg;
    (void)w;
    rac_str base = RAC_S("/sample/quai/");
    if (!rac_str_starts(x->path, base))
        return false;
    rac_str rest = rac_str_from(x->path, base.n);
    bool get = rac_str_eq(x->method, RAC_S("GET"));
    if (!rac_str_eq(rac_http_header(x, "X-Harbour-Key"), RAC_S(RAC_SAMPLE_KEY)))
        problem(x, 401, "show your harbour key in X-Harbour-Key");
    else if (get && rac_str_eq(rest, RAC_S("harbour")))
        harbour(x);
    else if (get && rac_str_eq(rest, RAC_S("berths")))
        list(x);
    else if (rac_str_starts(rest, RAC_S("berths/")))
        one(x, rac_str_from(rest, strlen("berths/")), get);
    else
        problem(x, 404, "there is nothing here");
    return true;
}
