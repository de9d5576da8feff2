#include <stdarg.h>

#include "base/str.h"
#include "connector/bind.h"
#include "connector/call.h"

static const struct {
    rac_str word;
    int http;
} codes[] = {
#define CALL_ERROR(name, word, http, text) {RAC_S_INIT(word), http},
#include "connector/call_errors.def"
#undef CALL_ERROR
};

const char *rac_call_code_word(enum rac_call_code code)
{
    return codes[code].word.p;
}

int rac_call_code_http(enum rac_call_code code)
{
    return codes[code].http;
}

enum rac_call_code rac_call_fail(struct rac_call_error *e, struct rac_arena *a,
                                 enum rac_call_code code, const char *detail, rac_str pointer,
                                 const char *fmt, ...)
{
    enum { MESSAGE_MAX = 1024 };
    va_list args;
    va_start(args, fmt);
    rac_str message = rac_arena_vprintf_max(a, MESSAGE_MAX, fmt, args);
    va_end(args);
    *e = (struct rac_call_error){.code = code,
                                 .http_status = rac_call_code_http(code),
                                 .detail = detail,
                                 .message = message,
                                 .pointer = pointer,
                                 .retry_after_ms = -1};
    return code;
}

struct rac_json rac_call_error_json(const struct rac_call_error *e, rac_str client_request_id,
                                    struct rac_arena *a)
{
    struct rac_json error = rac_json_new_object(a);
    RAC_JSON_PUT_STR(a, &error, "code", codes[e->code].word);
    RAC_JSON_PUT_STR(a, &error, "message", e->message);
    RAC_JSON_PUT_STR(a, &error, "source", RAC_S("raccord"));
    if (client_request_id.p != NULL)
        RAC_JSON_PUT_STR(a, &error, "clientRequestId", client_request_id);
    if (e->detail != NULL || e->pointer.p != NULL) {
        struct rac_json detail = rac_json_new_object(a);
        RAC_JSON_PUT_STR(a, &detail, "code",
                         e->detail != NULL ? rac_str_of(e->detail) : codes[e->code].word);
        if (e->pointer.p != NULL)
            RAC_JSON_PUT_STR(a, &detail, "target", e->pointer);
        RAC_JSON_PUT_STR(a, &detail, "message", e->message);
        struct rac_json details = rac_json_new_array(a);
        rac_json_add(a, &details, detail);
        RAC_JSON_PUT(a, &error, "details", details);
    }
    if (e->inner_status != 0) {
        struct rac_json inner = rac_json_new_object(a);
        RAC_JSON_PUT(a, &inner, "status", rac_json_of_int(e->inner_status));
        if (e->inner_body.p != NULL)
            RAC_JSON_PUT_STR(a, &inner, "body", e->inner_body);
        RAC_JSON_PUT(a, &error, "innerError", inner);
    }
    struct rac_json root = rac_json_new_object(a);
    RAC_JSON_PUT(a, &root, "error", error);
    return root;
}
