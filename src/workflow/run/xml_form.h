/*
 * xml_form - XML as JSON and back, in the form that the settings of XmlParse and XmlCompose ask for
 * (spec workflows §3.16). Names and defaults of the settings are those of .NET's readers and
 * writers; without any, both are json() and xml() of the language. Pure; any thread.
 */
#ifndef RAC_WORKFLOW_XML_FORM_H
#define RAC_WORKFLOW_XML_FORM_H

#include "base/arena.h"
#include "base/env.h"
#include "json/json.h"

/* The member 'content' of inputs, XML as a string or as an object with $content, as JSON, before
 * jsonWriterSettings are applied. RAC_E_INVALID with *why (a sentence without its full stop). */
rac_err rac_xml_form_parse(const struct rac_json *inputs, const struct rac_env *env,
                           struct rac_arena *a, struct rac_json *out, rac_str *why) RAC_MUST_CHECK;
/* jsonWriterSettings: without attributes, with local names. */
rac_err rac_xml_form_write_json(const struct rac_json *inputs, const struct rac_json *parsed,
                                struct rac_arena *a, struct rac_json *out,
                                rac_str *why) RAC_MUST_CHECK;
/* JSON as an object with $content-type and $content, laid out by xmlWriterSettings. */
rac_err rac_xml_form_compose(const struct rac_json *inputs, const struct rac_json *content,
                             const struct rac_env *env, struct rac_arena *a, struct rac_json *out,
                             rac_str *why) RAC_MUST_CHECK;

#endif
