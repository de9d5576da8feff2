/*
 * openapi/postman_priv - the one list of requests every Postman version is mapped to
 * (connectors.md §2.3.1), and what its parts share. Private to openapi/postman*.c.
 */
#ifndef RAC_OPENAPI_POSTMAN_PRIV_H
#define RAC_OPENAPI_POSTMAN_PRIV_H

#include "openapi/convert_priv.h"

struct pm_entry { /* one header, query key, path variable or form field */
    rac_str key, value, description;
    bool has_value, disabled, file;
};

enum {
    PM_PARAMETERS_MAX = 1000, /* of one operation */
    PM_PATH_BYTES_MAX = 8192,
    PM_PATH_VARIABLES_MAX = 100,
    PM_TAG_BYTES_MAX = 400,
};

struct pm_list {
    struct pm_entry *v;
    size_t n, cap;
};

struct pm_var {
    rac_str value;
    bool secret;
};

struct pm_auth {
    rac_str type; /* Postman's word: "basic", "apikey", "bearer", "oauth2", "noauth", ... */
    struct rac_map values; /* name -> const struct rac_json * */
    const struct rac_place *at;
};

struct pm_folder {
    const struct pm_folder *up; /* NULL: the collection itself */
    rac_str name, description;
    struct rac_map vars; /* name -> struct pm_var * */
    const struct pm_auth *auth;
    rac_str tag; /* the names down to it, joined by slashes; cut when long */
};

enum pm_mode { PM_NONE, PM_RAW, PM_URLENCODED, PM_FORMDATA, PM_FILE, PM_GRAPHQL };

struct pm_request {
    const struct pm_folder *folder;
    const struct rac_place *at;
    rac_str name, description, method;
    rac_str url; /* without query and fragment */
    struct pm_list headers, query, path_vars, fields;
    enum pm_mode mode;
    rac_str raw, language; /* PM_RAW; language may be absent */
    rac_str gql_query, gql_variables;
    const struct pm_auth *auth;      /* own; NULL: inherited */
    const struct rac_json *response; /* the saved response that counts, or NULL */
    rac_str response_body, response_type;
    int64_t response_code;
    rac_str response_text;

    /* filled while converting */
    rac_str host, scheme;            /* templates; host empty: unknown */
    rac_str *segments;               /* of the path, templates */
    size_t segments_n;               /* an empty last one: the path ends with a slash */
    struct rac_json path_params;     /* array of parameter objects */
    const struct pm_auth *effective; /* after inheritance, or NULL */
    rac_str id;                      /* operationId once it is an operation */
    struct rac_json *operation;
    struct rac_json samples; /* array of JSON bodies, those of merged requests included */
    struct rac_map *params;  /* place and name -> index + 1 of a parameter; once it was merged */
};

/* Losses that are told once per import (§2.3.9). */
enum pm_once {
    PM_ONCE_SCRIPTS,
    PM_ONCE_EXAMPLES,
    PM_ONCE_UNSET,
    PM_ONCE_COOKIES,
    PM_ONCE_CERTIFICATES,
    PM_ONCE_PROXY,
    PM_ONCE_PROTOCOL,
    PM_ONCE_AUTH,
    PM_ONCE_RESPONSE_HEADERS,
    PM_ONCE_PARAMETERS,
    PM_ONCE_PARTS,
    PM_ONCE_TWICE,
    PM_ONCE_TAGS,
    PM_ONCE_SUBSTITUTION,
    PM_ONCE_N,
};

struct pm_chosen;

struct pm {
    struct rac_convert_state *c;
    struct rac_arena *a;
    struct rac_json *definition;
    struct pm_folder root;
    rac_str title, description, version;
    struct pm_request **requests;
    size_t requests_n, requests_cap;
    struct pm_folder **folders; /* in order, for tags */
    size_t folders_n, folders_cap;
    struct rac_once once[PM_ONCE_N];
    struct rac_map unknown; /* "where.key" told once */
    struct rac_map unset;   /* names of variables without a value */
    /* secrets found: never written anywhere */
    struct rac_map vault;       /* short ones, by themselves */
    struct rac_map vault_heads; /* long ones: their first bytes -> struct pm_secret * */
    size_t vault_n, substituted_bytes;
    struct pm_chosen *chosen; /* the credential of the connector; postman_auth.c */
    struct rac_map hosts;     /* host template variable -> connection parameter name (rac_str *) */
};

void pm_list_add(struct pm *p, struct pm_list *l, struct pm_entry e);
rac_str pm_text(struct pm *p, const struct rac_json *v); /* string, or number and bool as text */
/* A description: string, {content}, or nothing. */
rac_str pm_description(struct pm *p, const struct rac_json *v);
/* "user:password" of an absolute URL; absent: it has none. */
rac_str pm_userinfo(rac_str url);
void pm_vault_add(struct pm *p, rac_str secret);
bool pm_is_secret(const struct pm *p, rac_str text); /* holds something of the vault */

/* postman_read.c: v1, v2.0 and v2.1 to p->requests. */
rac_err pm_read(struct pm *p);

/* postman_url.c */

/* Value of a variable for a request, or absent when it has none that may be used. */
rac_str pm_variable(struct pm *p, const struct pm_request *r, rac_str name, bool *secret);
/* Every {{x}} that has a value replaced; others stay as they are. */
rac_str pm_substitute(struct pm *p, const struct pm_request *r, rac_str text);
/* Splits r->url: host, scheme, segments, path parameters; drops what must not stay. False: the path
 * is none a connector can have (too long, too many variables). */
bool pm_url(struct pm *p, struct pm_request *r);
/* Chooses host, schemes and basePath for all, writes them and the host policies. */
void pm_hosts_begin(struct pm *p, struct rac_json *definition, size_t *base_n);
void pm_hosts_end(struct pm *p, const struct rac_json *definition);
rac_str pm_path(struct pm *p, const struct pm_request *r, size_t base_n); /* "/a/{b}" */
/* True when the whole text is one {{name}}. */
bool pm_is_variable(rac_str text, rac_str *name);

/* postman_body.c */
void pm_body(struct pm *p, struct pm_request *r, struct rac_json *op, struct rac_json *params,
             struct rac_map *seen);
/* A second JSON body of the same operation joins its schema (§2.5); false when it cannot. */
bool pm_body_join(struct pm *p, struct pm_request *first, const struct pm_request *r,
                  struct rac_json *params);
void pm_responses(struct pm *p, struct pm_request *r, struct rac_json *op);
/* What a parameter is known by: place and name, of headers in small letters. In p->a. */
rac_str pm_param_key(struct pm *p, rac_str in, rac_str name);
/* A query, header or form parameter (§2.3.4). */
struct rac_json pm_parameter(struct pm *p, struct pm_request *r, const struct pm_entry *e,
                             const char *in);
/* Adds it; a second one of the same name makes it an array. seen: those added by this so far. */
void pm_parameter_add(struct pm *p, struct pm_request *r, struct rac_json *params,
                      struct rac_map *seen, const struct pm_entry *e, const char *in);

/* postman_auth.c */
void pm_auth_begin(struct pm *p); /* effective auth of each request; the one of the connector */
/* After that: is this header or query key carried by the credential? */
bool pm_auth_consumes(const struct pm *p, const char *in, rac_str key);
/* Writes securityDefinitions and security; each operation that has none gets []. */
void pm_auth_write(struct pm *p, struct rac_json *definition);

#endif
