/* object - the hash index of large objects. Private to json/. */
#ifndef RAC_JSON_OBJECT_PRIV_H
#define RAC_JSON_OBJECT_PRIV_H

#include "json/json.h"

/* Objects with more members than this carry an index; smaller ones are searched in order. */
enum { OBJECT_INDEX_MIN = 24 };

/* The largest number of slots an object of n members wants: a power of two, at most half full. */
uint32_t object_slots_for(uint32_t n);
/* Where a key is or would go: the slot number. *index is the member, or UINT32_MAX. */
uint32_t object_slot(const struct rac_json_object *o, rac_str key, uint32_t *index);
/* Fills o->slots (already of o->slots_n) from the members. Keys must differ. */
void object_reindex(struct rac_json_object *o);

#endif
