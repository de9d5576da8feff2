/* Arithmetic (spec expressions §6, §16.5). */
#include "base/dec.h"
#include "expr/functions_priv.h"

#include <math.h>

enum operation { ADD, SUB, MUL, DIV, MOD };

static bool number(struct call *c, const struct rac_json *v, size_t i)
{
    return rac_json_is_number(&v[i]) ||
           fail_type(c, &v[i], i, "a number: an integer, a float or a decimal");
}

static struct rac_dec decimal_of(const struct rac_json *v, bool *ok)
{
    struct rac_dec d = {0};
    *ok = true;
    if (v->type == RAC_JSON_INT)
        d = rac_dec_of_int(v->i);
    else if (is_decimal(v))
        *ok = rac_dec_parse((rac_str){v->s, v->n}, &d);
    else
        *ok = rac_dec_of_double(rac_json_double(v, 0), &d);
    return d;
}

static bool overflow(struct call *c)
{
    return fail(c, RAC_EXPR_MATH, "The result of '%s' does not fit its type.",
                c->node->fn->info.name);
}

static bool by_zero(struct call *c)
{
    return fail(c, RAC_EXPR_MATH, "The template language function '%s' cannot divide by zero.",
                c->node->fn->info.name);
}

static bool decimals(struct call *c, const struct rac_json *v, enum operation op,
                     struct rac_json *out)
{
    static rac_err (*const table[])(struct rac_dec, struct rac_dec, struct rac_dec *) = {
        rac_dec_add, rac_dec_sub, rac_dec_mul, rac_dec_div, rac_dec_mod};
    bool x_ok, y_ok;
    struct rac_dec x = decimal_of(&v[0], &x_ok), y = decimal_of(&v[1], &y_ok), d;
    if (!x_ok || !y_ok)
        return overflow(c);
    rac_err e = table[op](x, y, &d);
    if (e != RAC_OK)
        return e == RAC_E_INVALID ? by_zero(c) : overflow(c);
    char text[RAC_DEC_TEXT];
    *out = decimal_value(c->a, text, rac_dec_print(d, text));
    return true;
}

static bool doubles(struct call *c, const struct rac_json *v, enum operation op,
                    struct rac_json *out)
{
    double x = rac_json_double(&v[0], 0), y = rac_json_double(&v[1], 0);
    if ((op == DIV || op == MOD) && y == 0)
        return by_zero(c);
    double d = op == ADD   ? x + y
               : op == SUB ? x - y
               : op == MUL ? x * y
               : op == DIV ? x / y
                           : fmod(x, y);
    return answer_double(out, d);
}

static bool integers(struct call *c, int64_t x, int64_t y, enum operation op, struct rac_json *out)
{
    int64_t r = 0;
    bool over = false;
    if ((op == DIV || op == MOD) && y == 0)
        return by_zero(c);
    switch (op) {
    case ADD:
        over = __builtin_add_overflow(x, y, &r);
        break;
    case SUB:
        over = __builtin_sub_overflow(x, y, &r);
        break;
    case MUL:
        over = __builtin_mul_overflow(x, y, &r);
        break;
    case DIV:
        over = x == INT64_MIN && y == -1;
        r = over ? 0 : x / y;
        break;
    case MOD:
        r = y == -1 ? 0 : x % y;
        break;
    }
    if (over)
        return overflow(c);
    return answer_int(out, r);
}

static bool arithmetic(struct call *c, const struct rac_json *v, enum operation op,
                       struct rac_json *out)
{
    if (v[0].type == RAC_JSON_INT && v[1].type == RAC_JSON_INT)
        return integers(c, v[0].i, v[1].i, op, out);
    if (!number(c, v, 0) || !number(c, v, 1))
        return false;
    return is_decimal(&v[0]) || is_decimal(&v[1]) ? decimals(c, v, op, out)
                                                  : doubles(c, v, op, out);
}

#define ARITHMETIC(name, op)                                                                       \
    bool name(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out) \
    {                                                                                              \
        return arithmetic(c, v, op, out);                                                          \
    }

ARITHMETIC(fn_add, ADD)
ARITHMETIC(fn_sub, SUB)
ARITHMETIC(fn_mul, MUL)
ARITHMETIC(fn_div, DIV)
ARITHMETIC(fn_mod, MOD)

/* The best of v, promoted to the widest type among them. */
static bool best(struct call *c, const struct rac_json *v, size_t n, int sign, struct rac_json *out)
{
    bool any_float = false, any_decimal = false;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (!number(c, v, i))
            return false;
        any_decimal |= is_decimal(&v[i]);
        any_float |= is_float(&v[i]);
        if (compare_numbers(&v[i], &v[at]) * sign > 0)
            at = i;
    }
    *out = v[at];
    if (any_decimal && !is_decimal(out)) {
        bool ok;
        struct rac_dec d = decimal_of(out, &ok);
        char text[RAC_DEC_TEXT];
        if (!ok)
            return overflow(c);
        *out = decimal_value(c->a, text, rac_dec_print(d, text));
    } else if (any_float && !any_decimal && out->type == RAC_JSON_INT) {
        *out = rac_json_of_double((double)out->i);
    }
    return true;
}

static bool extreme(struct call *c, const struct rac_json *v, size_t n, int sign,
                    struct rac_json *out)
{
    if (n > 1)
        return best(c, v, n, sign, out);
    if (!arg_array(c, v, 0))
        return false;
    size_t len = rac_json_len(&v[0]);
    if (len == 0)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function '%s' expects an array with at least one "
                    "number.",
                    c->node->fn->info.name);
    return charge(c, len) && best(c, rac_json_at(&v[0], 0), len, sign, out);
}

bool fn_max(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    return extreme(c, v, n, 1, out);
}

bool fn_min(struct call *c, const struct rac_json *v, size_t n, struct rac_json *out)
{
    return extreme(c, v, n, -1, out);
}

bool fn_rand(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t low, high;
    if (!arg_int(c, v, 0, &low) || !arg_int(c, v, 1, &high))
        return false;
    if (low > high)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'rand' expects its first parameter to be at "
                    "most its second.");
    uint64_t span = (uint64_t)high - (uint64_t)low, r = 0, least;
    if (span > 0) {
        least = -span % span; /* values below it would favour small results */
        do
            rac_env_random(c->run->env, &r, sizeof r);
        while (r < least);
        r %= span;
    }
    return answer_int(out, (int64_t)((uint64_t)low + r));
}

bool fn_range(struct call *c, const struct rac_json *v, size_t n RAC_UNUSED, struct rac_json *out)
{
    int64_t start, count, end;
    if (!arg_int(c, v, 0, &start) || !arg_int(c, v, 1, &count))
        return false;
    if (count < 1 || count > 100000 || __builtin_add_overflow(start, count, &end) ||
        end > 2147483647 || start < -2147483648LL)
        return fail(c, RAC_EXPR_ARGUMENT,
                    "The template language function 'range' takes a count from 1 to 100000, and "
                    "its last value must be below 2147483647.");
    if (!charge(c, (uint64_t)count))
        return false;
    *out = rac_json_new_array(c->a);
    for (int64_t i = 0; i < count; i++)
        rac_json_add(c->a, out, rac_json_of_int(start + i));
    return true;
}
