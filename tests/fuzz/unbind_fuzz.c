/* HTTP answers: first line a status, second a content type, further "Name: value" lines up to an
 * empty one, then the body. Everything that looks at an answer looks at it. */
#include <stdlib.h>

#include "base/str.h"
#include "connector/connection.h"
#include "connector/unbind.h"
#include "connector/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rac_arena a;
    rac_arena_init(&a, 64 << 20);
    rac_str rest = {(const char *)data, n}, line = rac_str_cut(rest, '\n', &rest);
    int64_t status = 200;
    (void)rac_str_to_i64(line, &status);
    rac_str type = rest.p ? rac_str_cut(rest, '\n', &rest) : RAC_STR_NULL;
    struct rac_headers headers = {0};
    while (rest.p != NULL) {
        rac_str value, name;
        line = rac_str_cut(rest, '\n', &rest);
        if (line.n == 0)
            break;
        name = rac_str_cut(line, ':', &value);
        rac_headers_add(&headers, &a, name, rac_str_trim(value));
    }
    rac_str body = rest.p ? rest : RAC_S(""), why = RAC_STR_NULL,
            url = RAC_S("https://h.example/v1/x");
    struct rac_json out;
    rac_err e = rac_unbind(type, body, &a, &out, &why);
    if (e == RAC_E_SYNTAX && why.n == 0)
        abort(); /* a refusal says why */
    rac_str text = rac_json_print_str(&out, 0, &a);
    struct rac_json again;
    if (e == RAC_OK && out.type != RAC_JSON_NONE && /* outputs are JSON, whatever came */
        rac_json_parse(text, &a, 0, &again, NULL) != RAC_OK)
        abort();
    rac_unbind_headers(&headers);
    (void)rac_poll_verdict(RAC_S("PUT"), url, url, status & 1, RAC_STR_NULL, (int)(status & 1023),
                           &headers, &out, 1700000000000, &a);
    struct rac_retry_policy policy = rac_retry_default();
    struct rac_outcome outcome = {.status = (int)(status & 1023), .headers = &headers};
    (void)rac_retry_delay_ms(&policy, 1, &outcome, 1700000000000, 0.5);
    (void)rac_next_page(&out, RAC_STR_NULL, url, &a);
    (void)rac_page_items(&out);
    (void)rac_connection_message_of(body, &a);
    rac_arena_fini(&a);
    return 0;
}
