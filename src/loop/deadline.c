/*
 * The wheel moves from one occupied slot to the next with bit scans, never tick by tick: a loop
 * that slept for an hour catches up in as many steps as there are occupied slots.
 */
#include "loop/deadline.h"
#include "loop/loop_priv.h"

void rac_wheel_init(struct rac_wheel *w, uint64_t now_ms)
{
    *w = (struct rac_wheel){.now_ms = now_ms, .due_ms = UINT64_MAX};
}

static void list_put(struct rac_deadline **head, struct rac_deadline *d)
{
    d->next = *head;
    d->link = head;
    if (*head != NULL)
        (*head)->link = &d->next;
    *head = d;
}

static void list_del(struct rac_deadline *d)
{
    *d->link = d->next;
    if (d->next != NULL)
        d->next->link = d->link;
    d->link = NULL;
    d->next = NULL;
}

/* Slot for an instant after w->now_ms. */
static void slot_put(struct rac_wheel *w, struct rac_deadline *d)
{
    const uint64_t span_max = (UINT64_C(1) << (WHEEL_LEVELS * WHEEL_BITS)) - 1;
    uint64_t delta = d->at_ms - w->now_ms;
    RAC_ASSERT(d->at_ms > w->now_ms);
    uint64_t at = delta > span_max ? w->now_ms + span_max : d->at_ms;
    delta = at - w->now_ms;
    d->level = delta < WHEEL_SLOTS ? 0 : (uint8_t)((63 - __builtin_clzll(delta)) / WHEEL_BITS);
    d->slot = (uint8_t)((at >> (WHEEL_BITS * d->level)) & (WHEEL_SLOTS - 1));
    list_put(&w->slots[d->level][d->slot], d);
    w->bits[d->level] |= UINT64_C(1) << d->slot;
    uint64_t begins = at >> (WHEEL_BITS * d->level) << (WHEEL_BITS * d->level);
    if (begins < w->due_ms)
        w->due_ms = begins;
}

/* When the next occupied slot begins; UINT64_MAX when there is none. */
static uint64_t next_slot(const struct rac_wheel *w)
{
    uint64_t best = UINT64_MAX;
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        if (w->bits[l] == 0)
            continue;
        uint64_t cur = w->now_ms >> (WHEEL_BITS * l);
        unsigned from = (unsigned)((cur + 1) & (WHEEL_SLOTS - 1));
        uint64_t turned = from ? (w->bits[l] >> from) | (w->bits[l] << (64 - from)) : w->bits[l];
        uint64_t t = (cur + 1 + (unsigned)__builtin_ctzll(turned)) << (WHEEL_BITS * l);
        if (t < best)
            best = t;
    }
    return best;
}

/* w->now_ms has just reached the beginning of some slots: what is due goes to *due, the rest of
 * the upper levels moves down. */
static void slots_begin(struct rac_wheel *w, struct rac_deadline **due)
{
    for (int l = WHEEL_LEVELS - 1; l >= 0; l--) {
        if ((w->now_ms & ((UINT64_C(1) << (WHEEL_BITS * l)) - 1)) != 0)
            continue;
        unsigned slot = (unsigned)(w->now_ms >> (WHEEL_BITS * l)) & (WHEEL_SLOTS - 1);
        if ((w->bits[l] >> slot & 1) == 0)
            continue;
        w->bits[l] &= ~(UINT64_C(1) << slot);
        struct rac_deadline *d;
        while ((d = w->slots[l][slot]) != NULL) {
            list_del(d);
            if (d->at_ms <= w->now_ms) {
                d->level = WHEEL_LEVELS; /* on no level: in *due */
                list_put(due, d);
            } else {
                slot_put(w, d);
            }
        }
    }
}

void rac_wheel_advance(struct rac_wheel *w, uint64_t now_ms)
{
    struct rac_deadline *due = NULL;
    uint64_t t;
    while ((t = next_slot(w)) <= now_ms) {
        w->now_ms = t;
        slots_begin(w, &due);
    }
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
    w->due_ms = next_slot(w);
    /* Callbacks may arm and cancel anything, what is still in due included. */
    while (due != NULL) {
        struct rac_deadline *d = due;
        list_del(d);
        w->armed--;
        d->fn(d->arg);
    }
}

void rac_wheel_put(struct rac_wheel *w, struct rac_deadline *d)
{
    d->wheel = w;
    w->armed++;
    slot_put(w, d);
}

void rac_deadline_init(struct rac_deadline *d, void (*fn)(void *arg), void *arg)
{
    *d = (struct rac_deadline){.fn = fn, .arg = arg};
}

void rac_deadline_cancel(struct rac_deadline *d)
{
    if (d->link == NULL)
        return;
    struct rac_wheel *w = d->wheel;
    uint8_t level = d->level, slot = d->slot;
    list_del(d);
    w->armed--;
    if (level < WHEEL_LEVELS && w->slots[level][slot] == NULL)
        w->bits[level] &= ~(UINT64_C(1) << slot);
    /* due_ms may now be too early: the timer fires once for nothing. The last one out frees the
     * loop from waiting for it. */
    if (w->armed == 0) {
        struct rac_loop *loop = (struct rac_loop *)((char *)w - offsetof(struct rac_loop, wheel));
        w->due_ms = UINT64_MAX;
        uv_timer_stop(&loop->timer);
    }
}

static void timer_set(struct rac_loop *loop)
{
    uint64_t now = uv_now(&loop->uv), due = loop->wheel.due_ms;
    if (due == UINT64_MAX)
        uv_timer_stop(&loop->timer);
    else
        uv_timer_start(&loop->timer, rac_wheel_timer, due > now ? due - now : 0, 0);
}

void rac_wheel_timer(uv_timer_t *t)
{
    struct rac_loop *loop = RAC_CAST(t->loop->data, struct rac_loop, RAC_LOOP_MAGIC);
    rac_wheel_advance(&loop->wheel, uv_now(&loop->uv));
    timer_set(loop);
}

void rac_deadline_arm(struct rac_loop *loop, struct rac_deadline *d, int64_t after_ms)
{
    struct rac_wheel *w = &loop->wheel;
    RAC_ASSERT(d->fn != NULL);
    rac_deadline_cancel(d);
    uint64_t now = uv_now(&loop->uv);
    if (w->due_ms > now && now > w->now_ms)
        w->now_ms = now; /* nothing in between: keeps distances short */
    uint64_t after = after_ms > 0 ? (uint64_t)after_ms : 0;
    d->at_ms = now + after;
    if (d->at_ms <= w->now_ms)
        d->at_ms = w->now_ms + 1;
    uint64_t due = w->due_ms;
    rac_wheel_put(w, d);
    if (w->due_ms < due)
        timer_set(loop);
}
