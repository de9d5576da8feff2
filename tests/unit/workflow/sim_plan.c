#include "sim_plan.h"
#include "base/buf.h"

struct making {
    struct sim_random *r;
    struct rac_arena *a;
    struct rac_buf b;
    struct sim_plan *out;
    unsigned next, budget;
    bool responds;
};

uint32_t sim_random(struct sim_random *r, uint32_t below)
{
    r->state += 0x9e3779b97f4a7c15u;
    uint64_t x = r->state;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return below ? (uint32_t)(x % below) : 0;
}

static void graph(struct making *m, unsigned depth, bool in_loop);

static void run_after(struct making *m, const unsigned *siblings, unsigned n)
{
    static const char *const statuses[] = {"Succeeded", "Failed", "Skipped", "TimedOut"};
    bool any = false;
    rac_buf_printf(&m->b, "\"runAfter\": {");
    for (unsigned i = 0; i < n; i++) {
        if (sim_random(m->r, 3) != 0)
            continue;
        uint32_t bits = sim_random(m->r, 3) == 0 ? sim_random(m->r, 15) + 1 : 1;
        rac_buf_printf(&m->b, "%s\"A%u\": [", any ? ", " : "", siblings[i]);
        any = true;
        bool first = true;
        for (unsigned s = 0; s < 4; s++)
            if (bits & 1u << s) {
                rac_buf_printf(&m->b, "%s\"%s\"", first ? "" : ", ", statuses[s]);
                first = false;
            }
        rac_buf_printf(&m->b, "]");
    }
    rac_buf_printf(&m->b, "}");
}

static void leaf(struct making *m, unsigned depth, bool in_loop)
{
    switch (sim_random(m->r, 14)) {
    case 0:
    case 1:
    case 2:
        rac_buf_printf(&m->b, "\"type\": \"Http\", \"inputs\": {\"method\": \"POST\", \"uri\": "
                              "\"https://api.example/x\", \"body\": {\"n\": 1}}");
        if (sim_random(m->r, 4) == 0)
            rac_buf_printf(&m->b, ", \"limit\": {\"timeout\": \"PT30S\"}");
        return;
    case 3:
        rac_buf_printf(&m->b,
                       "\"type\": \"Wait\", \"inputs\": {\"interval\": {\"count\": %u, \"unit\": "
                       "\"%s\"}}",
                       sim_random(m->r, 5), sim_random(m->r, 3) == 0 ? "Hour" : "Second");
        return;
    case 4:
        rac_buf_printf(&m->b, "\"type\": \"Compose\", \"inputs\": \"@div(1, 0)\"");
        return;
    case 5:
        rac_buf_printf(&m->b, "\"type\": \"IncrementVariable\", \"inputs\": {\"name\": \"n\", "
                              "\"value\": 1}");
        return;
    case 6:
        rac_buf_printf(&m->b, "\"type\": \"AppendToArrayVariable\", \"inputs\": {\"name\": \"l\", "
                              "\"value\": \"@variables('n')\"}");
        return;
    case 7:
        if (!in_loop && depth > 1 && sim_random(m->r, 4) == 0) {
            rac_buf_printf(&m->b, "\"type\": \"Terminate\", \"inputs\": {\"runStatus\": \"%s\"}",
                           sim_random(m->r, 2) ? "Succeeded" : "Cancelled");
            return;
        }
        break;
    case 8:
        rac_buf_printf(&m->b, "\"type\": \"Workflow\", \"inputs\": {\"host\": {\"workflow\": "
                              "{\"id\": \"flow2\"}}, \"body\": {\"x\": 2}}");
        return;
    case 10:
        rac_buf_printf(&m->b, "\"type\": \"SendToBatch\", \"inputs\": {\"host\": {\"triggerName\": "
                              "\"manual\", \"workflow\": {\"id\": \"flow3\"}}, \"batchName\": "
                              "\"orders\", \"content\": {\"n\": \"@variables('n')\"}, "
                              "\"partitionName\": \"@mod(variables('n'), 3)\"}");
        return;
    case 9:
        if (!in_loop && !m->responds && depth == 1) {
            m->responds = true;
            rac_buf_printf(&m->b, "\"type\": \"Response\", \"inputs\": {\"body\": 1}");
            return;
        }
        break;
    default:
        break;
    }
    rac_buf_printf(&m->b, "\"type\": \"Compose\", \"inputs\": {\"v\": \"@variables('n')\", "
                          "\"t\": \"@utcNow()\"}");
}

static void container(struct making *m, unsigned depth, bool in_loop)
{
    switch (sim_random(m->r, 5)) {
    case 0:
        rac_buf_printf(&m->b, "\"type\": \"Scope\", \"actions\": ");
        graph(m, depth + 1, in_loop);
        return;
    case 1:
        rac_buf_printf(&m->b, "\"type\": \"If\", \"expression\": \"@equals(mod(variables('n'), 2), "
                              "0)\", \"actions\": ");
        graph(m, depth + 1, in_loop);
        rac_buf_printf(&m->b, ", \"else\": {\"actions\": ");
        graph(m, depth + 1, in_loop);
        rac_buf_printf(&m->b, "}");
        return;
    case 2:
        rac_buf_printf(&m->b, "\"type\": \"Switch\", \"expression\": \"@mod(variables('n'), 3)\", "
                              "\"cases\": {\"One\": {\"case\": 1, \"actions\": ");
        graph(m, depth + 1, in_loop);
        rac_buf_printf(&m->b, "}}, \"default\": {\"actions\": ");
        graph(m, depth + 1, in_loop);
        rac_buf_printf(&m->b, "}");
        return;
    case 3:
        rac_buf_printf(&m->b,
                       "\"type\": \"Foreach\", \"foreach\": \"@range(0, %u)\", \"actions\": ",
                       !in_loop && sim_random(m->r, 8) == 0 ? 60 : sim_random(m->r, 5));
        graph(m, depth + 1, true);
        return;
    default:
        rac_buf_printf(&m->b,
                       "\"type\": \"Until\", \"expression\": \"@greater(variables('n'), %u)\", "
                       "\"limit\": {\"count\": %u, \"timeout\": \"PT1H\"}, \"actions\": ",
                       sim_random(m->r, 6), 1 + sim_random(m->r, 4));
        graph(m, depth + 1, true);
    }
}

static void graph(struct making *m, unsigned depth, bool in_loop)
{
    unsigned n = depth == 1 ? 2 + sim_random(m->r, 6) : sim_random(m->r, 4), siblings[16];
    rac_buf_printf(&m->b, "{");
    for (unsigned i = 0; i < n && m->budget > 0; i++) {
        unsigned name = m->next++;
        m->budget--;
        rac_buf_printf(&m->b, "%s\"A%u\": {", i > 0 ? ", " : "", name);
        siblings[i] = name;
        run_after(m, siblings, i);
        rac_buf_printf(&m->b, ", ");
        if (depth < 4 && sim_random(m->r, 3) == 0)
            container(m, depth, in_loop);
        else
            leaf(m, depth, in_loop);
        rac_buf_printf(&m->b, "}");
    }
    rac_buf_printf(&m->b, "}");
}

static void hooks(struct making *m)
{
    unsigned n = sim_random(m->r, 5) == 0 ? 1 + sim_random(m->r, 2) : 0;
    for (unsigned i = 0; i < n; i++)
        rac_buf_printf(&m->b,
                       ", \"Hook%u\": {\"type\": \"HttpWebhook\", \"runAfter\": {\"V\": "
                       "[\"Succeeded\"]}, \"inputs\": {\"subscribe\": {\"method\": \"POST\", "
                       "\"uri\": \"https://api.example/subscribe\", \"body\": "
                       "\"@listCallbackUrl()\"}, \"unsubscribe\": {\"method\": \"POST\", \"uri\": "
                       "\"https://api.example/bye\"}}}",
                       i);
    m->out->hooks = n;
}

void sim_plan_make(struct sim_random *r, struct rac_arena *a, struct sim_plan *out)
{
    struct making m = {.r = r, .a = a, .out = out, .budget = 24};
    *out = (struct sim_plan){0};
    rac_buf_init(&m.b, 1 << 20);
    rac_buf_printf(&m.b,
                   "{\"V\": {\"type\": \"InitializeVariable\", \"inputs\": {\"variables\": "
                   "[{\"name\": \"n\", \"type\": \"Integer\", \"value\": %u}]}}, \"W\": "
                   "{\"type\": \"InitializeVariable\", \"runAfter\": {\"V\": "
                   "[\"Succeeded\"]}, \"inputs\": {\"variables\": [{\"name\": \"l\", "
                   "\"type\": \"Array\"}]}}, \"Main\": {\"type\": \"Scope\", \"runAfter\": "
                   "{\"W\": [\"Succeeded\"]}, \"actions\": ",
                   sim_random(r, 3));
    graph(&m, 1, false);
    rac_buf_printf(&m.b, "}");
    hooks(&m);
    rac_buf_printf(&m.b, "}");
    out->actions = rac_arena_str(a, rac_buf_str(&m.b));
    rac_buf_fini(&m.b);
}
