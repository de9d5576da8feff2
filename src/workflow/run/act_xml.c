/* XML as JSON and back: XmlParse, XmlCompose (spec workflows §3.16) without a schema. */
#include "workflow/run/run_priv.h"
#include "workflow/run/xml_form.h"

static void end(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o, rac_err err,
                struct rac_json body, rac_str why)
{
    if (err != RAC_OK) {
        run_fail(r, o, "BadRequest", "InvalidXmlContent",
                 "The content of action '%.*s' cannot be used: %.*s.", RAC_FMT(x->action->name),
                 RAC_FMT(why));
        return;
    }
    o->outputs = rac_json_new_object(r->a);
    RAC_JSON_PUT(r->a, &o->outputs, "body", body);
    run_succeed(o, "OK");
}

void act_xml_parse(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    struct rac_json parsed, json, body = rac_json_new_object(r->a);
    rac_str why;
    rac_err err = rac_xml_form_parse(&x->inputs, r->world->env, r->a, &parsed, &why);
    if (err == RAC_OK)
        err = rac_xml_form_write_json(&x->inputs, &parsed, r->a, &json, &why);
    if (err == RAC_OK)
        RAC_JSON_PUT(r->a, &body, "outputJson", json);
    end(r, x, o, err, body, why);
}

void act_xml_compose(struct rac_run *r, struct rac_wf_record *x, struct rac_act_result *o)
{
    const struct rac_json *content = RAC_JSON_GETI(&x->inputs, "content");
    struct rac_json body = rac_json_none, none = rac_json_of_null();
    rac_str why;
    rac_err err = rac_xml_form_compose(&x->inputs, content != NULL ? content : &none, r->world->env,
                                       r->a, &body, &why);
    end(r, x, o, err, body, why);
}
