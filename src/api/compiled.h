/*
 * compiled - connectors ready to be called: compiled on first use, shared, the least recently used
 * forgotten.
 *
 * One home per process holds a reference to each compiled connector (at most connector.cache of
 * them), by tenant, id and revision. Each worker remembers what it used in a map of its own, so a
 * call that finds its connector there takes no lock and reads no database: the store's counter
 * tells whether anything was saved since. A miss reads the bytes on the worker, compiles in the
 * blocking pool and offers the result to the home; that one meeting place has a mutex, which is
 * never held while compiling.
 */
#ifndef RAC_API_COMPILED_H
#define RAC_API_COMPILED_H

#include "base/arena.h"
#include "base/base.h"
#include "connector/connector.h"

struct rac_api_worker;
struct rac_cache_home;
struct rac_compiled;

struct rac_cache_home *rac_compiled_home_new(size_t connectors_max); /* for api/cache.h */

struct rac_compiled *rac_compiled_new(struct rac_api_worker *w, size_t connectors_max);
void rac_compiled_free(struct rac_compiled *c);

/* The live revision, when it is at hand: a borrowed reference, valid until the loop turns (take
 * one with rac_connector_ref to keep it). NULL: not compiled yet, or there is none. */
struct rac_connector *rac_compiled_peek(struct rac_compiled *c, rac_str tenant, rac_str id);

/* err: RAC_OK with connector (borrowed, as above); RAC_E_NOT_FOUND; RAC_E_INVALID when the stored
 * definition cannot be compiled, why says so; RAC_E_BUSY, RAC_E_IO. */
typedef void (*rac_compiled_done)(void *arg, rac_err err, struct rac_connector *connector,
                                  rac_str why);
/* Never calls back before it returns. There is no cancel: arg must outlive the answer. */
void rac_compiled_want(struct rac_compiled *c, rac_str tenant, rac_str id, rac_compiled_done done,
                       void *arg);
/* The same on this thread, for the rare places that cannot wait. *out is a reference to release. */
rac_err rac_compiled_now(struct rac_compiled *c, rac_str tenant, rac_str id,
                         struct rac_connector **out) RAC_MUST_CHECK;

#endif
