/* A request to a trigger: first line "METHOD relative?query", header lines up to an empty one, then
 * the body. Outputs are JSON, and a body that was read can be sent on as it came. */
#include "workflow/definition/content.h"
#include "workflow/outside/inbound.h"
#include "workflow/outside/outbound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char trigger_text[] =
    "{\"type\":\"Request\",\"operationOptions\":\"EnableSchemaValidation\",\"inputs\":{"
    "\"method\":\"POST\",\"relativePath\":\"a/{id}\",\"schema\":{\"type\":[\"object\",\"array\","
    "\"string\",\"null\"],\"required\":[\"$content\"],\"properties\":{\"n\":{\"type\":\"integer\"}"
    "}}}}";

static void send_on(const struct rac_json *body, rac_str type, rac_str bytes, struct rac_arena *a)
{
    struct rac_content_options o = {.content_type = type};
    struct rac_content out;
    struct rac_json back;
    rac_str why;
    RAC_ASSERT(rac_content_write(body, &o, a, &out, &why) == RAC_OK);
    if (rac_str_starts(rac_json_str(body, RAC_S("")), RAC_S("\xEF\xBB\xBF")))
        return; /* a second mark is text the first time and a mark the next */
    bool envelope = rac_json_is_object(body) && RAC_JSON_GET(body, "$content") != NULL &&
                    RAC_JSON_GET(body, "$content-type") != NULL;
    struct rac_json plain;
    if (envelope && rac_json_parse(bytes, a, 0, &plain, NULL) != RAC_OK)
        RAC_ASSERT(rac_str_eq(out.bytes, bytes));
    if (rac_content_read(type, out.bytes, a, &back, &why) == RAC_OK && !envelope)
        RAC_ASSERT(back.type == RAC_JSON_NONE || rac_json_equal(body, &back));
}

static void answer(const struct rac_headers *headers, rac_str body, struct rac_arena *a)
{
    struct rac_json v, again;
    bool drop;
    if (rac_outbound_outputs(200, headers, body, a, &v) != RAC_OK)
        return;
    RAC_ASSERT(rac_json_parse(rac_json_print_str(&v, 0, a), a, 0, &again, NULL) == RAC_OK);
    (void)rac_outbound_redirect(RAC_S("GET"), RAC_S("https://h/x"), 302, headers, 0, a, &drop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rac_arena a;
    struct rac_json trigger, out, body;
    struct rac_inbound *t;
    struct rac_headers headers = {0};
    struct rac_wf_fault fault = {0};
    struct rac_inbound_request r = {.headers = &headers};
    rac_arena_init(&a, 64 << 20);
    rac_str rest, why, line = rac_str_cut((rac_str){(const char *)data, size}, '\n', &rest);
    r.method = rac_str_cut(line, ' ', &line);
    r.relative = rac_str_cut(line, '?', &r.query);
    for (int i = 0; rest.p != NULL && i < 50; i++) {
        rac_str value, name;
        line = rac_str_cut(rest, '\n', &rest);
        if (line.n == 0)
            break;
        name = rac_str_cut(line, ':', &value);
        rac_headers_add(&headers, &a, name, rac_str_trim(value));
    }
    r.body = rest;
    RAC_ASSERT(rac_json_parse(rac_str_of(trigger_text), &a, 0, &trigger, NULL) == RAC_OK);
    RAC_ASSERT(rac_inbound_compile(RAC_WF_STANDARD, RAC_S("t"), &trigger, RAC_S(""), &a, &t,
                                   NULL) == RAC_OK);
    if (rac_inbound_read(t, &r, &a, &out, &fault)) {
        struct rac_json again;
        RAC_ASSERT(rac_json_parse(rac_json_print_str(&out, 0, &a), &a, 0, &again, NULL) == RAC_OK);
    } else {
        RAC_ASSERT(fault.status >= 400 && fault.code != NULL && fault.message.n > 0);
    }
    rac_str type = rac_headers_get(&headers, RAC_S("Content-Type"));
    if (rac_content_read(type, r.body, &a, &body, &why) == RAC_OK && body.type != RAC_JSON_NONE &&
        body.type != RAC_JSON_NULL)
        send_on(&body, type, r.body, &a);
    answer(&headers, r.body, &a);
    (void)rac_inbound_check_version(r.query, &fault);
    rac_arena_fini(&a);
    return 0;
}
