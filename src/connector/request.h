/*
 * request - an outgoing HTTP request while it is being put together.
 *
 * Bind fills it, auth adds credentials, policies change it, rac_request_url prints it. Parts stay
 * apart (scheme, host, base path, path, query pairs, headers, body) until the end, because every
 * step changes parts. All memory is in the arena given to init; slices are kept by reference.
 * One thread.
 */
#ifndef RAC_CONNECTOR_REQUEST_H
#define RAC_CONNECTOR_REQUEST_H

#include "base/arena.h"
#include "base/base.h"
#include "base/fetch.h"
#include "json/json.h"

enum rac_request_flags {
    RAC_REQUEST_SECRET = 1,   /* value is a credential: masked in dry runs and never logged */
    RAC_REQUEST_ENCODED = 2,  /* query: name and value are percent-encoded already */
    RAC_REQUEST_ARGUMENT = 4, /* of a request that follows another: the former one's own */
};

struct rac_request_pair {
    rac_str name, value;
    uint8_t flags; /* enum rac_request_flags */
};

struct rac_request_pairs {
    struct rac_request_pair *v;
    size_t n, cap;
};

/* A part of a multipart body. */
struct rac_request_part {
    rac_str name, filename; /* filename absent: a plain field */
    rac_str content_type;   /* absent: none sent */
    rac_str body;           /* decoded bytes */
};

enum rac_body_kind {
    RAC_BODY_NONE,
    RAC_BODY_JSON,      /* json; printed when sent */
    RAC_BODY_TEXT,      /* bytes is text: text/plain, xml, ... */
    RAC_BODY_BYTES,     /* bytes is binary */
    RAC_BODY_FORM,      /* form: urlencoded fields */
    RAC_BODY_MULTIPART, /* parts */
    RAC_BODY_RAW,       /* bytes or source as the gateway's caller sent them */
};

struct rac_request_body {
    enum rac_body_kind kind;
    struct rac_json json;
    rac_str bytes;
    const struct rac_body_source *source; /* RAW only; NULL: bytes */
    struct rac_request_pairs form;
    struct rac_request_part *parts;
    size_t parts_n, parts_cap;
    rac_str content_type; /* chosen by §6.3; a Content-Type header wins over it. For MULTIPART
                             without boundary: it is added when the body is made */
};

struct rac_request {
    struct rac_arena *a;
    rac_str method;       /* upper case */
    rac_str scheme, host; /* host with port */
    rac_str base_path;    /* "" or "/..." without trailing slash, encoded */
    rac_str path;         /* "/...", encoded */
    /* The three as people may see them where a policy put a secret in; absent: as they are. */
    rac_str shown_host, shown_base_path, shown_path;
    struct rac_request_pairs query;
    struct rac_request_pairs headers;
    struct rac_request_body body;
};

void rac_request_init(struct rac_request *r, struct rac_arena *a);

/* First header of that name (letter case ignored), or NULL. */
struct rac_request_pair *rac_request_header(struct rac_request *r, rac_str name);
/* Replaces every header of that name by one. */
void rac_request_set_header(struct rac_request *r, rac_str name, rac_str value, unsigned flags);
void rac_request_add_header(struct rac_request *r, rac_str name, rac_str value, unsigned flags);
void rac_request_del_header(struct rac_request *r, rac_str name);

/* First query pair of that name (case matters; compared decoded), or NULL. */
struct rac_request_pair *rac_request_query(struct rac_request *r, rac_str name);
/* Replaces the first pair of that name, drops further ones; appends when there is none. */
void rac_request_set_query(struct rac_request *r, rac_str name, rac_str value, unsigned flags);
void rac_request_add_query(struct rac_request *r, rac_str name, rac_str value, unsigned flags);
/* Adds the pairs of a raw query string (without '?'); they stay encoded as they are. */
void rac_request_add_query_string(struct rac_request *r, rac_str query);

/* The absolute URL; masked prints *** for what is secret in it. In r->a. */
rac_str rac_request_url(const struct rac_request *r, bool masked);
/* The same without the pairs marked SECRET: what relative links of the answer are resolved against.
 * In r->a. */
rac_str rac_request_base_url(const struct rac_request *r);

#endif
