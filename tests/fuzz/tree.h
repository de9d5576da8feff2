/*
 * tree - a mutator that knows JSON: inputs stay trees, so that what reads descriptions is reached
 * behind the parser. Values are replaced, moved, copied, dropped and renamed; now and then bytes are
 * mutated all the same. Included by the one file of a fuzz target; defines its
 * LLVMFuzzerCustomMutator.
 */
#ifndef RAC_FUZZ_TREE_H
#define RAC_FUZZ_TREE_H

#include "base/str.h"
#include "json/json.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { TREE_NODES_MAX = 20000, TREE_BYTES_MAX = 64 << 20 };

struct tree {
    struct rac_arena a;
    struct rac_json root;
    struct rac_json *nodes[TREE_NODES_MAX];
    size_t n;
    uint64_t random;
};

static size_t tree_pick(struct tree *t, size_t n)
{
    t->random = t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return n == 0 ? 0 : (size_t)(t->random >> 33) % n;
}

static void tree_collect(struct tree *t, struct rac_json *v, unsigned depth)
{
    if (t->n == TREE_NODES_MAX || depth > 100)
        return;
    t->nodes[t->n++] = v;
    RAC_JSON_EACH(e, v)
    {
        tree_collect(t, e, depth + 1);
    }
    RAC_JSON_EACH_MEMBER(m, v)
    {
        tree_collect(t, &m->value, depth + 1);
    }
}

/* Keys that mean something to some reader. */
static rac_str tree_key(struct tree *t)
{
    static const char *const keys[] = {
        "$ref",
        "type",
        "items",
        "properties",
        "required",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "default",
        "in",
        "name",
        "schema",
        "content",
        "parameters",
        "requestBody",
        "responses",
        "security",
        "servers",
        "variables",
        "callbacks",
        "style",
        "explode",
        "nullable",
        "const",
        "format",
        "headers",
        "examples",
        "encoding",
        "components",
        "paths",
        "get",
        "post",
        "tags",
        "info",
        "discriminator",
        "host",
        "basePath",
        "consumes",
        "definitions",
        "url",
        "query",
        "path",
        "variable",
        "header",
        "body",
        "mode",
        "raw",
        "urlencoded",
        "formdata",
        "graphql",
        "auth",
        "item",
        "request",
        "response",
        "requests",
        "folders",
        "order",
        "data",
        "dataMode",
        "key",
        "value",
        "disabled",
        "event",
        "file",
        "additionalProperties",
        "x-ms-trigger",
        "x-ms-dynamic-values",
        "x-ms-dynamic-list",
        "x-ms-notification-url",
    };
    return rac_str_of(keys[tree_pick(t, RAC_COUNT(keys))]);
}

static struct rac_json tree_value(struct tree *t)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1.5",
        "1e400",
        "\"\"",
        "\"string\"",
        "\"object\"",
        "\"array\"",
        "\"#/components/schemas/A\"",
        "\"#/definitions/A\"",
        "\"#\"",
        "\"{{a}}\"",
        "\"https://{a}.example/{b}\"",
        "\"/a/{b}\"",
        "\"a/../b?c=d#e\"",
        "\"form\"",
        "\"2.0\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[\"a\",\"a\"]",
        "{\"a\":1}",
        "{\"$ref\":\"#/paths\"}",
        "{\"type\":\"string\"}",
        "[{\"type\":\"null\"}]",
        "9007199254740993",
        "\"\\u0000\"",
    };
    struct rac_json v = rac_json_of_null();
    rac_str text = rac_str_of(texts[tree_pick(t, RAC_COUNT(texts))]);
    (void)!rac_json_parse(text, &t->a, RAC_JSON_COPY, &v, NULL);
    return v;
}

static struct rac_json tree_other(struct tree *t)
{
    return tree_pick(t, 2) == 0 ? tree_value(t)
                                : rac_json_copy(&t->a, t->nodes[tree_pick(t, t->n)]);
}

/* An array with element i dropped (more is 0) or doubled. */
static void tree_array(struct tree *t, struct rac_json *v, size_t more)
{
    struct rac_json out = rac_json_new_array(&t->a);
    size_t i = tree_pick(t, rac_json_len(v)), k = 0;
    RAC_JSON_EACH(e, v)
    {
        size_t times = k++ != i ? 1 : more == 0 ? 0 : 2;
        while (times-- > 0)
            rac_json_add(&t->a, &out, rac_json_copy(&t->a, e));
    }
    *v = out;
}

static void tree_object(struct tree *t, struct rac_json *v, size_t how)
{
    size_t n = rac_json_len(v);
    const struct rac_json_member *m = rac_json_member_at(v, tree_pick(t, n));
    rac_str key = m != NULL ? rac_json_key(m) : tree_key(t);
    struct rac_json value = m != NULL ? m->value : tree_value(t);
    if (how == 0) {
        rac_json_del(v, key);
    } else if (how == 1) {
        rac_json_del(v, key);
        rac_json_put(&t->a, v, tree_key(t), value);
    } else {
        rac_json_put(&t->a, v, tree_key(t), tree_other(t));
    }
}

static void tree_mutate(struct tree *t)
{
    struct rac_json *v = t->nodes[tree_pick(t, t->n)];
    size_t how = tree_pick(t, 6);
    if (how < 2)
        *v = tree_other(t);
    else if (rac_json_is_array(v) && how < 4)
        tree_array(t, v, how - 2);
    else if (rac_json_is_array(v))
        rac_json_add(&t->a, v, tree_other(t));
    else if (rac_json_is_object(v))
        tree_object(t, v, how - 2 < 2 ? how - 2 : 2);
    else
        *v = tree_other(t);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct tree t;
    rac_str text = {(const char *)data, size};
    struct rac_buf b;
    size_t n = 0;
    rac_arena_init(&t.a, TREE_BYTES_MAX);
    rac_buf_init(&b, TREE_BYTES_MAX);
    t.random = seed * UINT64_C(2654435761) + 1;
    if (tree_pick(&t, 8) > 0 &&
        rac_json_parse(text, &t.a, RAC_JSON_COPY, &t.root, NULL) == RAC_OK) {
        for (size_t times = 1 + tree_pick(&t, 4); times > 0; times--) {
            t.n = 0; /* what was replaced is not part of the tree any more */
            tree_collect(&t, &t.root, 0);
            tree_mutate(&t);
        }
        rac_json_print(&t.root, 0, &b);
        if (!rac_arena_over(&t.a) && b.n > 0 && b.n <= max_size) {
            n = b.n;
            memcpy(data, rac_buf_str(&b).p, n);
        }
    }
    rac_buf_fini(&b);
    rac_arena_fini(&t.a);
    return n > 0 ? n : LLVMFuzzerMutate(data, size, max_size);
}

#endif
