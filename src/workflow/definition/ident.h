/*
 * ident - names of runs, versions, workflows and repetitions (spec workflows §4.14).
 *
 * A run's name is D20 R9 "CU" NN: 20 digits that count down from its start (100 ns units), nine
 * random ones, the scale unit. Sorting names ascending lists the newest run first. Every name has
 * an owner among n shards, a hash of its text: whoever makes a name chooses the random digits so
 * that the wanted shard owns it, and whoever meets one finds its shard without asking anybody.
 *
 *     struct rac_namer n = {.env = env};                    one per worker, never shared
 *     char name[RAC_RUN_NAME_TEXT];
 *     rac_run_name(&n, start_ms, own_index, workers, name);
 *
 * Trigger histories are named like runs. Tracking ids are rac_env_uuid (base/env.h).
 */
#ifndef RAC_WORKFLOW_IDENT_H
#define RAC_WORKFLOW_IDENT_H

#include "base/env.h"

enum { /* sizes with the final NUL */
       RAC_RUN_NAME_TEXT = 20 + 9 + 4 + 1,
       RAC_VERSION_NAME_TEXT = 20 + 1,
       RAC_WORKFLOW_ID_TEXT = 32 + 1,
       RAC_REPETITION_LEVELS_MAX = 8, /* nested loops: §8.1 */
       RAC_REPETITION_NAME_TEXT = RAC_REPETITION_LEVELS_MAX * 11 + 1,
       RAC_SHARDS_MAX = 1024,
};

struct rac_namer {
    const struct rac_env *env;
    rac_ms last_ms; /* of the name made last */
    uint32_t tick;  /* its place inside that millisecond, 100 ns units */
};

/* A name for a run that starts at start_ms and belongs to shard (of shards, at most
 * RAC_SHARDS_MAX; 0 of 1 is anybody's). Names of one namer are never equal (up to 10,000 of one
 * millisecond, improbably beyond) and sort in the reverse order of their making. */
void rac_run_name(struct rac_namer *n, rac_ms start_ms, unsigned shard, unsigned shards,
                  char out[RAC_RUN_NAME_TEXT]);
/* Which of shards a name belongs to: FNV-1a (64 bit) of its text, modulo. Any text has one. */
unsigned rac_name_owner(rac_str name, unsigned shards);
/* False: no name of a run. Reads the old form without the scale unit (29 digits) too. */
bool rac_run_name_parse(rac_str name, rac_ms *start_ms);

/* Versions of a definition: the first 20 digits alone, of the time of the change. */
void rac_version_name(rac_ms changed_ms, char out[RAC_VERSION_NAME_TEXT]);
bool rac_version_name_parse(rac_str name, rac_ms *changed_ms);

void rac_workflow_id(const struct rac_env *env, char out[RAC_WORKFLOW_ID_TEXT]);
bool rac_workflow_id_is(rac_str text); /* 32 lower-case hex digits */

/* Whether a reference means the workflow of that name: by the name itself, letter case ignored, or by
 * the id that a solution writes behind it, "Child-<guid>" (spec workflows §3.4). */
bool rac_workflow_name_is(rac_str name, rac_str reference);
bool rac_workflow_guid_is(rac_str text); /* 8-4-4-4-12 hex digits */

enum { RAC_API_NAMES_MAX = 3 };
/* What a connector that flows know by that path or id may be called here, likeliest first: "harbour" of
 * "shared_harbour-5fdeadbeef00000000"; of "shared_new-5fharbour-5f...", which solutions write, with the
 * prefix of its publisher, without it, and that prefix. Parts of api; returns how many, 0 for none. */
size_t rac_workflow_api_names(rac_str api, rac_str out[RAC_API_NAMES_MAX]);

/* "000002-000013": an index per enclosing loop, outermost first; 1 to RAC_REPETITION_LEVELS_MAX of
 * them. Returns the length. */
size_t rac_repetition_name(const uint32_t *indexes, size_t n, char out[RAC_REPETITION_NAME_TEXT]);
bool rac_repetition_name_parse(rac_str name, uint32_t indexes[RAC_REPETITION_LEVELS_MAX],
                               size_t *n);

#endif
