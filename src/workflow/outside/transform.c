/*
 * Actions that use a map or a schema: Xslt, XmlValidation, XmlParse and XmlCompose where they name
 * one, IntegrationAccountArtifactLookup (spec workflows §3.16). The artifact is asked for, then the sandbox is given it with the content; what
 * it includes is asked for in its turn. Nothing of a map or a schema is parsed here; content is as
 * JSON, after the sandbox has found it valid and said what the schema's elements may hold.
 */
#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "text/xml_work.h"
#include "workflow/definition/content.h"
#include "workflow/engine/engine_priv.h"
#include "workflow/run/xml_form.h"
#include "workflow/run/xml_typed.h"

enum {
    OUTPUT_MAX = 104857600,
    FINDINGS_SHOWN = 5,
};

struct transform {
    struct outside *o; /* NULL: nobody waits any more */
    struct rac_engine *e;
    bool looking; /* the look-up frees this when it comes back too late */
    struct rac_sandbox_job *job;
    struct rac_arena a;
    struct rac_arena sent; /* the work as bytes: of the round under way only */
    enum rac_artifact_kind kind;
    rac_str name;
    struct rac_xml_work work;
    struct rac_xml_document documents[RAC_XML_DOCUMENTS_MAX];
    rac_str needed; /* what is looked for; absent: the artifact itself */
    /* the end, told to the run in its next turn */
    const char *code, *error_code; /* NULL: it succeeded */
    rac_str message;
    struct rac_json outputs, details;
    struct rac_json composed; /* of XmlCompose, while it is checked against the schema */
};

static const char *kind_word(enum rac_artifact_kind kind)
{
    return kind == RAC_ARTIFACT_MAP ? "map" : "schema";
}

/* --- the end ---------------------------------------------------------------------------------- */

static void conclude(struct outside *o)
{
    struct transform *t = o->transform;
    struct rac_json error;
    if (t->code == NULL) {
        outside_settle(o, RAC_WF_SUCCEEDED, RAC_S("OK"),
                       t->outputs.type != RAC_JSON_NONE ? &t->outputs : NULL, NULL);
        return;
    }
    error = rac_json_new_object(&o->a);
    RAC_JSON_PUT_STR(&o->a, &error, "code", rac_str_of(t->error_code));
    RAC_JSON_PUT_STR(&o->a, &error, "message", t->message);
    if (rac_json_len(&t->details) > 0)
        RAC_JSON_PUT(&o->a, &error, "details", t->details);
    outside_settle(o, RAC_WF_FAILED, rac_str_of(t->code), NULL, &error);
}

static void end(struct transform *t)
{
    t->e->calls_n--;
    outside_step(t->o, conclude);
}

static void fail(struct transform *t, const char *code, const char *error_code, rac_str message)
{
    t->code = code;
    t->error_code = error_code;
    t->message = message;
    end(t);
}

static void release(struct transform *t)
{
    rac_arena_fini(&t->sent);
    rac_arena_fini(&t->a);
    rac_mem_free(t);
}

void transform_free(struct outside *o)
{
    struct transform *t = o->transform;
    if (t == NULL)
        return;
    o->transform = NULL;
    t->o = NULL;
    t->e->calls_n -= o->in_flight;
    if (t->job != NULL)
        t->e->ports.sandbox.cancel(t->e->ports.sandbox.self, t->job);
    if (!t->looking)
        release(t);
}

/* --- what the sandbox found ------------------------------------------------------------------- */

static rac_str place(struct transform *t, const struct rac_xml_finding *f)
{
    rac_str where = f->document.p != NULL ? rac_arena_printf(&t->a, "%s '%.*s'", kind_word(t->kind),
                                                             RAC_FMT(f->document))
                                          : RAC_S("content");
    return f->line > 0 ? rac_arena_printf(&t->a, "%.*s, line %u", RAC_FMT(where), (unsigned)f->line)
                       : where;
}

/* ": content, line 2: Element 'n': ...; ... and 3 more" */
static rac_str listed(struct transform *t, const struct rac_xml_answer *x)
{
    rac_str s = RAC_S("");
    size_t shown = x->findings_n < FINDINGS_SHOWN ? x->findings_n : FINDINGS_SHOWN;
    t->details = rac_json_new_array(&t->a);
    for (size_t i = 0; i < x->findings_n; i++) {
        const struct rac_xml_finding *f = &x->findings[i];
        struct rac_json d = rac_json_new_object(&t->a);
        rac_str message = rac_arena_str(&t->a, f->message);
        RAC_JSON_PUT_STR(&t->a, &d, "target", place(t, f));
        RAC_JSON_PUT_STR(&t->a, &d, "message", message);
        rac_json_add(&t->a, &t->details, d);
        if (i < shown)
            s = rac_arena_printf(&t->a, "%.*s%s%.*s: %.*s", RAC_FMT(s), i == 0 ? " " : "; ",
                                 RAC_FMT(place(t, f)), RAC_FMT(message));
    }
    if (x->findings_total > shown)
        s = rac_arena_printf(&t->a, "%.*s; and %llu more", RAC_FMT(s),
                             (unsigned long long)(x->findings_total - shown));
    return s;
}

static void refused(struct transform *t, const struct rac_xml_answer *x)
{
    const char *code = "BadRequest", *error_code = "InvalidArtifact";
    bool validates = t->work.task != RAC_XML_TRANSFORM;
    if (x->verdict == RAC_XML_BAD_INPUT)
        code = error_code = validates ? "XmlValidationFailed" : "InvalidXmlContent";
    if (x->verdict == RAC_XML_BAD_INPUT && !validates)
        code = "BadRequest";
    if (x->verdict == RAC_XML_UNSUPPORTED)
        error_code = "ArtifactNotSupported";
    if (x->verdict == RAC_XML_STOPPED)
        error_code = "XsltTransformFailed";
    if (x->verdict == RAC_XML_TOO_LARGE)
        error_code = validates ? "InvalidArtifact" : "XsltOutputTooLarge";
    rac_str what = listed(t, x);
    if (x->findings_n == 0) /* then the message says it all */
        what = rac_arena_printf(&t->a, " %.*s", RAC_FMT(x->message));
    fail(t, code, error_code,
         rac_arena_printf(&t->a, "The %s of action '%.*s' with the %s '%.*s' failed:%.*s.",
                          validates ? "validation" : "transformation",
                          RAC_FMT(t->o->x->action->name), kind_word(t->kind), RAC_FMT(t->name),
                          RAC_FMT(what.n > 0 && what.p[what.n - 1] == '.'
                                      ? rac_str_sub(what, 0, what.n - 1)
                                      : what)));
}

static void give(struct transform *t);

static void put_body(struct transform *t, struct rac_json body)
{
    t->outputs = rac_json_new_object(&t->a);
    RAC_JSON_PUT(&t->a, &t->outputs, "body", body);
    end(t);
}

static void unusable(struct transform *t, rac_str why)
{
    fail(t, "BadRequest", "InvalidXmlContent",
         rac_arena_printf(&t->a, "The content of action '%.*s' cannot be used: %.*s.",
                          RAC_FMT(t->o->x->action->name), RAC_FMT(why)));
}

static void parse(struct transform *t, struct rac_xml_types *types)
{
    const struct rac_json *in = &t->o->x->inputs;
    struct rac_json parsed, json, body = rac_json_new_object(&t->a);
    rac_str why;
    rac_err err = rac_xml_form_parse(in, t->e->ports.env, &t->a, &parsed, &why);
    if (err == RAC_OK) {
        parsed = rac_xml_types_of_parsed(types, &parsed);
        err = rac_xml_form_write_json(in, &parsed, &t->a, &json, &why);
    }
    if (err != RAC_OK) {
        unusable(t, why);
        return;
    }
    RAC_JSON_PUT(&t->a, &body, "outputJson", json);
    put_body(t, body);
}

/* What was made is checked in one more round. */
static void compose(struct transform *t, struct rac_xml_types *types)
{
    const struct rac_json *in = &t->o->x->inputs, *content = RAC_JSON_GETI(in, "content");
    struct rac_json none = rac_json_of_null(), v;
    rac_str why;
    v = rac_xml_types_of_content(types, content != NULL ? content : &none);
    if (rac_xml_form_compose(in, &v, t->e->ports.env, &t->a, &t->composed, &why) != RAC_OK) {
        unusable(t, why);
        return;
    }
    rac_str bytes = rac_json_str(rac_json_get(&t->composed, RAC_S("$content")), RAC_S(""));
    if (!rac_base64_decode(&t->a, bytes, &t->work.input)) {
        unusable(t, RAC_S("its '$content' is not base64"));
        return;
    }
    t->work.task = RAC_XML_VALIDATE;
    give(t);
}

static void shaped(struct transform *t, const struct rac_xml_answer *x)
{
    struct rac_xml_types *types;
    if (rac_xml_types_read(rac_arena_str(&t->a, x->output), &t->a, &types) != RAC_OK)
        fail(t, "InternalServerError", "TransformProcessEnded",
             RAC_S("What the schema describes cannot be read."));
    else if (t->o->x->action->type == RAC_WF_TYPE_XML_PARSE)
        parse(t, types);
    else
        compose(t, types);
}

static void done(struct transform *t, const struct rac_xml_answer *x)
{
    struct rac_json body;
    rac_str why;
    if (t->work.task == RAC_XML_SHAPE) {
        shaped(t, x);
        return;
    }
    if (t->composed.type != RAC_JSON_NONE) {
        put_body(t, t->composed);
        return;
    }
    if (t->work.task == RAC_XML_TRANSFORM) {
        rac_str output = rac_arena_str(&t->a, x->output),
                type = rac_arena_str(&t->a, x->media_type);
        rac_err err = rac_content_read(type, output, &t->a, &body, &why);
        if (err != RAC_OK && err != RAC_E_SYNTAX) {
            fail(t, "BadRequest", "XsltOutputTooLarge",
                 rac_arena_printf(&t->a, "The output of action '%.*s' is too large.",
                                  RAC_FMT(t->o->x->action->name)));
            return;
        }
        put_body(t, body.type != RAC_JSON_NONE ? body : rac_json_of_str(RAC_S("")));
        return;
    }
    end(t);
}

/* --- the sandbox ------------------------------------------------------------------------------ */

static void look_for(struct transform *t, rac_str name);

static void sandbox_failed(struct transform *t, const struct rac_sandbox_res *res)
{
    const char *code = res->err == RAC_E_TIMEOUT ? "RequestTimeout"
                       : res->err == RAC_E_BUSY  ? "TooManyRequests"
                       : res->err == RAC_E_LIMIT ? "BadRequest"
                                                 : "InternalServerError",
               *error_code = res->err == RAC_E_TIMEOUT ? "TransformTimedOut"
                             : res->err == RAC_E_BUSY  ? "TransformBusy"
                             : res->err == RAC_E_LIMIT ? "TransformLimitExceeded"
                                                       : "TransformProcessEnded";
    fail(t, code, error_code,
         rac_arena_printf(&t->a, "The %s '%.*s' of action '%.*s' was ended: %.*s.",
                          kind_word(t->kind), RAC_FMT(t->name), RAC_FMT(t->o->x->action->name),
                          RAC_FMT(res->why)));
}

static void answered(void *arg, const struct rac_sandbox_res *res)
{
    struct transform *t = arg;
    struct rac_xml_answer x;
    t->job = NULL;
    if (res->err != RAC_OK) {
        sandbox_failed(t, res);
        return;
    }
    if (rac_xml_answer_read(res->body, &t->a, &x) != RAC_OK) {
        sandbox_failed(t, &(struct rac_sandbox_res){.err = RAC_E_INTERNAL,
                                                    .why = RAC_S("its answer makes no sense")});
        return;
    }
    if (x.verdict == RAC_XML_DONE)
        done(t, &x);
    else if (x.verdict != RAC_XML_NEED)
        refused(t, &x);
    else if (t->work.documents_n == RAC_XML_DOCUMENTS_MAX)
        fail(t, "BadRequest", "InvalidArtifact",
             rac_arena_printf(&t->a, "The %s '%.*s' includes more than %d others.",
                              kind_word(t->kind), RAC_FMT(t->name), RAC_XML_DOCUMENTS_MAX));
    else
        look_for(t, rac_arena_str(&t->a, x.message));
}

static void give(struct transform *t)
{
    struct rac_sandbox *s = &t->e->ports.sandbox;
    if (rac_arena_over(&t->a)) {
        sandbox_failed(t,
                       &(struct rac_sandbox_res){
                           .err = RAC_E_LIMIT,
                           .why = RAC_S("with its content and what it includes it is too large")});
        return;
    }
    rac_arena_reset(&t->sent);
    t->job = s->start(s->self, t->o->live->flow->tenant, rac_xml_work_print(&t->work, &t->sent),
                      answered, t);
}

/* --- the artifact ----------------------------------------------------------------------------- */

static void looked_up(struct transform *t, const struct rac_artifact_content *c)
{
    struct rac_json body, content;
    rac_str why;
    body = rac_json_copy(&t->a, &c->properties);
    if (body.type != RAC_JSON_OBJECT)
        body = rac_json_new_object(&t->a);
    if (rac_content_read(c->content_type, rac_arena_str(&t->a, c->bytes), &t->a, &content, &why) ==
            RAC_OK &&
        content.type != RAC_JSON_NONE)
        RAC_JSON_PUT(&t->a, &body, "content", content);
    put_body(t, body);
}

static void use(struct transform *t, const struct rac_artifact_content *c)
{
    bool lookup = t->o->x->action->type == RAC_WF_TYPE_ARTIFACT_LOOKUP;
    if (lookup) {
        looked_up(t, c);
        return;
    }
    if (c->type.n > 0 && !rac_str_eqi(c->type, RAC_S("Xslt")) &&
        !rac_str_eqi(c->type, RAC_S("Xml")) && !rac_str_eqi(c->type, RAC_S("NotSpecified"))) {
        fail(t, "BadRequest", "ArtifactNotSupported",
             rac_arena_printf(&t->a,
                              "The %s '%.*s' is of the type %.*s; this host transforms XSLT 1.0.",
                              kind_word(t->kind), RAC_FMT(t->name), RAC_FMT(c->type)));
        return;
    }
    t->work.artifact.name = rac_arena_str(&t->a, c->name);
    t->work.artifact.bytes = rac_arena_str(&t->a, c->bytes);
    give(t);
}

static void found(void *arg, rac_err err, rac_str why, const struct rac_artifact_content *c)
{
    struct transform *t = arg;
    t->looking = false;
    if (t->o == NULL) {
        release(t);
        return;
    }
    if (t->needed.p != NULL && (err == RAC_OK || err == RAC_E_NOT_FOUND)) {
        t->documents[t->work.documents_n++] = (struct rac_xml_document){
            t->needed, err == RAC_OK ? rac_arena_str(&t->a, c->bytes) : RAC_STR_NULL};
        give(t);
    } else if (err != RAC_OK) {
        fail(t, err == RAC_E_NOT_FOUND ? "NotFound" : "ServiceUnavailable", "ArtifactNotFound",
             rac_arena_printf(&t->a, "The %s '%.*s' of action '%.*s' could not be found%s%.*s",
                              kind_word(t->kind), RAC_FMT(t->name), RAC_FMT(t->o->x->action->name),
                              why.n > 0 ? ": " : ".", RAC_FMT(why)));
    } else {
        use(t, c);
    }
}

static void look_for(struct transform *t, rac_str name)
{
    struct rac_engine_ports *p = &t->e->ports;
    bool inside = t->work.artifact.name.p != NULL;
    t->needed = inside ? name : RAC_STR_NULL;
    t->looking = true;
    p->artifact(p->self, t->o->live->flow, t->kind, name, found, t);
}

/* --- what the action says --------------------------------------------------------------------- */

static rac_str artifact_name(const struct transform *t, const struct rac_json *in)
{
    rac_str member = rac_str_of(kind_word(t->kind));
    const struct rac_json *own = rac_json_geti(in, member),
                          *account = rac_json_geti(RAC_JSON_GETI(in, "integrationAccount"), member);
    if (t->o->x->action->type == RAC_WF_TYPE_ARTIFACT_LOOKUP) {
        const struct rac_json *v = RAC_JSON_GETI(in, "artifactName");
        return rac_json_str(v != NULL ? v : RAC_JSON_GETI(in, "artifaceName"), RAC_S(""));
    }
    return rac_json_str(RAC_JSON_GETI(own != NULL ? own : account, "name"), RAC_S(""));
}

static bool content(struct transform *t, const struct rac_json *v)
{
    const struct rac_json *bytes = RAC_JSON_GETI(v, "$content");
    if (rac_json_is_string(v)) {
        t->work.input = rac_arena_str(&t->a, (rac_str){v->s, v->n});
        return true;
    }
    return rac_json_is_string(bytes) &&
           rac_base64_decode(&t->a, rac_json_str(bytes, RAC_S("")), &t->work.input);
}

/* Numbers and booleans stay what they are; XPath 1.0 knows no exponents. */
static bool put_parameters(struct transform *t, const struct rac_json *all)
{
    size_t n = rac_json_len(all);
    if (all != NULL && all->type != RAC_JSON_NULL && !rac_json_is_object(all))
        return false;
    if (n > RAC_XML_PARAMETERS_MAX)
        return false;
    t->work.parameters = RAC_NEW_N(&t->a, struct rac_xml_parameter, n);
    RAC_JSON_EACH_MEMBER(m, all)
    {
        struct rac_xml_parameter *p = &t->work.parameters[t->work.parameters_n++];
        const struct rac_json *v = &m->value;
        if (v->type >= RAC_JSON_ARRAY)
            return false;
        rac_str text = v->type == RAC_JSON_NULL ? RAC_S("") : rac_expr_text(v, &t->a);
        p->name = rac_arena_str(&t->a, rac_json_key(m));
        p->value = rac_arena_str(&t->a, text);
        if (rac_json_is_number(v) && rac_str_find_char(text, 'E') == RAC_STR_NPOS &&
            rac_str_find_char(text, 'e') == RAC_STR_NPOS)
            p->kind = RAC_XML_EXPRESSION;
        else if (v->type == RAC_JSON_BOOL) {
            p->kind = RAC_XML_EXPRESSION;
            p->value = rac_json_bool(v, false) ? RAC_S("true()") : RAC_S("false()");
        }
    }
    return true;
}

static enum rac_xml_task task_of(enum rac_wf_type type)
{
    return type == RAC_WF_TYPE_XSLT                                           ? RAC_XML_TRANSFORM
           : type == RAC_WF_TYPE_XML_PARSE || type == RAC_WF_TYPE_XML_COMPOSE ? RAC_XML_SHAPE
                                                                              : RAC_XML_VALIDATE;
}

/* False: it has failed. */
static bool understand(struct transform *t)
{
    enum rac_wf_type type = t->o->x->action->type;
    const struct rac_json *in = &t->o->x->inputs;
    rac_str name = t->o->x->action->name, kind = RAC_S("");
    t->kind = type == RAC_WF_TYPE_XSLT ? RAC_ARTIFACT_MAP : RAC_ARTIFACT_SCHEMA;
    t->work.task = task_of(type);
    t->work.output_bytes_max = OUTPUT_MAX;
    t->work.documents = t->documents;
    if (type == RAC_WF_TYPE_ARTIFACT_LOOKUP) {
        kind = rac_json_str(RAC_JSON_GETI(in, "artifactType"), RAC_S(""));
        t->kind = rac_str_eqi(kind, RAC_S("Map")) ? RAC_ARTIFACT_MAP : RAC_ARTIFACT_SCHEMA;
    }
    t->name = rac_arena_str(&t->a, artifact_name(t, in));
    if (type == RAC_WF_TYPE_ARTIFACT_LOOKUP && !rac_str_eqi(kind, RAC_S("Map")) &&
        !rac_str_eqi(kind, RAC_S("Schema"))) {
        fail(t, "NotFound", "ArtifactNotFound",
             rac_arena_printf(&t->a,
                              "Action '%.*s' looks for an artifact of the type '%.*s'; this "
                              "host keeps maps and schemas. Give what it would find as a "
                              "parameter of the workflow instead.",
                              RAC_FMT(name), RAC_FMT(kind)));
        return false;
    }
    if (t->name.n == 0) {
        fail(t, "BadRequest", "InvalidTemplate",
             rac_arena_printf(&t->a, "Action '%.*s' names no %s.", RAC_FMT(name),
                              kind_word(t->kind)));
        return false;
    }
    if (type != RAC_WF_TYPE_ARTIFACT_LOOKUP && type != RAC_WF_TYPE_XML_COMPOSE &&
        !content(t, RAC_JSON_GETI(in, "content"))) {
        fail(t, "BadRequest", "InvalidXmlContent",
             rac_arena_printf(&t->a,
                              "The content of action '%.*s' is not XML: a string, or an "
                              "object with '$content-type' and '$content', is needed.",
                              RAC_FMT(name)));
        return false;
    }
    if (type == RAC_WF_TYPE_XSLT && !put_parameters(t, RAC_JSON_GETI(in, "parameters"))) {
        fail(t, "BadRequest", "InvalidTemplate",
             rac_arena_printf(&t->a,
                              "The parameters of action '%.*s' are not an object of at most "
                              "%d simple values.",
                              RAC_FMT(name), RAC_XML_PARAMETERS_MAX));
        return false;
    }
    return true;
}

static void not_here(struct outside *o)
{
    outside_fail(o, "ActionTypeNotSupported", "ActionTypeNotSupported",
                 rac_arena_printf(&o->a,
                                  "The action type '%.*s' of action '%.*s' is not supported by "
                                  "this host.",
                                  RAC_FMT(o->x->action->type_word), RAC_FMT(o->x->action->name)));
}

void transform_start(struct outside *o)
{
    struct rac_engine *e = o->live->e;
    if (e->ports.artifact == NULL || e->ports.sandbox.start == NULL) {
        outside_step(o, not_here);
        return;
    }
    struct transform *t = rac_mem_alloc(sizeof *t);
    t->o = o;
    t->e = e;
    rac_arena_init(&t->a, e->limits.transform_bytes_max);
    rac_arena_init(&t->sent, SIZE_MAX); /* no larger than what a holds */
    o->transform = t;
    o->in_flight = true;
    e->calls_n++;
    if (understand(t))
        look_for(t, t->name);
}
