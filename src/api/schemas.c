#include "api/schemas.h"

#include "base/mem.h"
#include "json/schema.h"

enum { NAMES_MAX = 128, SCHEMAS_BYTES_MAX = 16 << 20 };

struct rac_schemas {
    struct rac_arena a;
    struct rac_json root; /* {"definitions": {...}} */
    const char *names[NAMES_MAX];
    struct rac_schema *compiled[NAMES_MAX]; /* on first use */
    size_t n;
};

struct rac_schemas *rac_schemas_new(void)
{
    struct rac_schemas *s = rac_mem_alloc(sizeof *s);
    rac_arena_init(&s->a, SCHEMAS_BYTES_MAX);
    return s;
}

void rac_schemas_free(struct rac_schemas *s)
{
    if (s == NULL)
        return;
    rac_arena_fini(&s->a);
    rac_mem_free(s);
}

static const struct rac_schema *get(struct rac_schemas *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->names[i], name) == 0)
            return s->compiled[i];
    RAC_ASSERT(s->n < NAMES_MAX);
    if (s->root.type == RAC_JSON_NONE) {
        struct rac_json definitions;
        rac_err e = rac_json_parse(rac_api_schemas_json, &s->a, 0, &definitions, NULL);
        RAC_ASSERT(e == RAC_OK);
        s->root = rac_json_new_object(&s->a);
        RAC_JSON_PUT(&s->a, &s->root, "definitions", definitions);
    }
    struct rac_schema_options o = {.draft = RAC_SCHEMA_SWAGGER2};
    rac_err e = rac_schema_compile(&s->root, rac_arena_printf(&s->a, "/definitions/%s", name), &o,
                                   &s->a, &s->compiled[s->n], NULL);
    RAC_ASSERT(e == RAC_OK); /* our own file */
    s->names[s->n] = name;
    return s->compiled[s->n++];
}

bool rac_schemas_check(struct rac_schemas *s, const char *name, const struct rac_json *v,
                       struct rac_diags *d)
{
    return rac_schema_check(get(s, name), v, d) == RAC_OK;
}
