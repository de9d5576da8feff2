/* The signature itself is checked by cjose; which key may be used for what is decided here. */
#include "crypto/jwt_verify.h"

#include "base/base64.h"

#include <cjose/cjose.h>
#include <openssl/err.h>

enum { KEYS_MAX = 100 };

static const struct algorithm {
    rac_str name, kty, curve; /* curve: of an EC key; absent: any */
} algorithms[] = {
    {RAC_S_INIT("RS256"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("RS384"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("RS512"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("PS256"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("PS384"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("PS512"), RAC_S_INIT("RSA"), {NULL, 0}},
    {RAC_S_INIT("ES256"), RAC_S_INIT("EC"), RAC_S_INIT("P-256")},
    {RAC_S_INIT("ES384"), RAC_S_INIT("EC"), RAC_S_INIT("P-384")},
    {RAC_S_INIT("ES512"), RAC_S_INIT("EC"), RAC_S_INIT("P-521")},
};

/* base64url without padding, of a length that can be. cjose ends the process over other lengths. */
static bool is_base64url(rac_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!rac_is_alnum(text.p[i]) && text.p[i] != '-' && text.p[i] != '_')
            return false;
    return text.n > 0 && text.n % 4 != 1;
}

/* One JSON object in base64url. */
static bool part_read(rac_str text, struct rac_arena *a, struct rac_json *out)
{
    rac_str bytes;
    struct rac_json_error where;
    return is_base64url(text) && rac_base64_decode(a, text, &bytes) &&
           rac_json_parse(bytes, a, RAC_JSON_REJECT_DUP, out, &where) == RAC_OK &&
           rac_json_is_object(out);
}

bool rac_jwt_peek(rac_str token, struct rac_arena *a, struct rac_json *header,
                  struct rac_json *claims)
{
    rac_str rest;
    if (token.n > RAC_JWT_BYTES_MAX)
        return false;
    rac_str first = rac_str_cut(token, '.', &rest), second = rac_str_cut(rest, '.', &rest);
    return is_base64url(rest) && part_read(first, a, header) && part_read(second, a, claims);
}

static const struct algorithm *algorithm_of(const struct rac_json *header)
{
    rac_str name = rac_json_str(RAC_JSON_GET(header, "alg"), RAC_S(""));
    for (size_t i = 0; i < RAC_COUNT(algorithms); i++)
        if (rac_str_eq(name, algorithms[i].name)) /* to the letter */
            return &algorithms[i];
    return NULL;
}

/* A key of the algorithm's kind that is not meant for something else. */
static bool may_use(const struct rac_json *key, const struct algorithm *alg, rac_str kid)
{
    rac_str own = rac_json_str(RAC_JSON_GET(key, "kid"), RAC_STR_NULL);
    rac_str use = rac_json_str(RAC_JSON_GET(key, "use"), RAC_S("sig"));
    rac_str for_alg = rac_json_str(RAC_JSON_GET(key, "alg"), alg->name);
    if (!rac_str_eq(rac_json_str(RAC_JSON_GET(key, "kty"), RAC_S("")), alg->kty) ||
        !rac_str_eq(use, RAC_S("sig")) || !rac_str_eq(for_alg, alg->name))
        return false;
    if (alg->curve.n > 0 &&
        !rac_str_eq(rac_json_str(RAC_JSON_GET(key, "crv"), RAC_S("")), alg->curve))
        return false;
    static const rac_str numbers[] = {RAC_S_INIT("n"), RAC_S_INIT("e"), RAC_S_INIT("x"),
                                      RAC_S_INIT("y")};
    for (size_t i = 0; i < RAC_COUNT(numbers); i++) {
        const struct rac_json *v = rac_json_get(key, numbers[i]);
        if (v != NULL && !is_base64url(rac_json_str(v, RAC_S(""))))
            return false;
    }
    return kid.p == NULL || own.p == NULL || rac_str_eq(kid, own);
}

static bool right(rac_str token, const struct rac_json *key, struct rac_arena *a)
{
    rac_str text = rac_json_print_str(key, 0, a);
    cjose_err error = {0};
    bool ok = false;
    cjose_jwk_t *k = cjose_jwk_import(text.p, text.n, &error);
    cjose_jws_t *jws = k != NULL ? cjose_jws_import(token.p, token.n, &error) : NULL;
    if (jws != NULL)
        ok = cjose_jws_verify(jws, k, &error);
    if (jws != NULL)
        cjose_jws_release(jws);
    cjose_jwk_release(k);
    ERR_clear_error();
    return ok;
}

rac_err rac_jwt_verify(rac_str token, const struct rac_json *keys, struct rac_arena *a,
                       struct rac_json *claims)
{
    struct rac_json header, body;
    const struct rac_json *list = RAC_JSON_GET(keys, "keys");
    bool any = false;
    if (!rac_jwt_peek(token, a, &header, &body))
        return RAC_E_SYNTAX;
    const struct algorithm *alg = algorithm_of(&header);
    if (alg == NULL || RAC_JSON_GET(&header, "crit") != NULL ||
        RAC_JSON_GET(&header, "b64") != NULL)
        return RAC_E_UNSUPPORTED;
    rac_str kid = rac_json_str(RAC_JSON_GET(&header, "kid"), RAC_STR_NULL);
    token = rac_arena_str(a, token); /* with its NUL */
    for (size_t i = 0; i < rac_json_len(list) && i < KEYS_MAX; i++) {
        const struct rac_json *key = rac_json_at(list, i);
        if (!may_use(key, alg, kid))
            continue;
        any = true;
        if (right(token, key, a)) {
            *claims = body;
            return RAC_OK;
        }
    }
    return any ? RAC_E_DENIED : RAC_E_NOT_FOUND;
}
