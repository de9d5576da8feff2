/*
 * Calls of connectors, as far as the connectors are at hand: the connection an action names, its
 * operation, and the operation's parameters (spec workflows §6.2-6.5).
 */
#include "base/str.h"
#include "connector/plan.h"
#include "connector/route.h"
#include "workflow/check_priv.h"

void check_call(struct check *c, const struct node *x, const struct at *at)
{
    (void)c;
    (void)x;
    (void)at;
}
