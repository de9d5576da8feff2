/* reference_page - a page of docs/reference that a table of the program makes: RACCORD_WRITE_DOCS=1
 * writes it, else it must say what the table says. */
#ifndef RAC_REFERENCE_PAGE_H
#define RAC_REFERENCE_PAGE_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

/* print adds the page to b; test names the program that writes it. */
static inline void page_is_current(const char *page, void (*print)(struct rac_buf *b),
                                   const char *test)
{
    struct rac_buf want, have;
    rac_buf_init(&want, 1 << 20);
    rac_buf_init(&have, 1 << 20);
    print(&want);
    assert_int_equal(rac_buf_err(&want), RAC_OK);
    if (getenv("RACCORD_WRITE_DOCS") != NULL) {
        FILE *f = fopen(page, "wb");
        assert_non_null(f);
        fwrite(want.p, 1, want.n, f);
        fclose(f);
    }
    FILE *f = fopen(page, "rb");
    assert_non_null(f);
    char *p = rac_buf_reserve(&have, 1 << 19);
    rac_buf_added(&have, fread(p, 1, 1 << 19, f));
    fclose(f);
    if (!rac_str_eq(rac_buf_str(&have), rac_buf_str(&want)))
        fail_msg("%s is old: run RACCORD_WRITE_DOCS=1 build-unit/%s", page, test);
    rac_buf_fini(&want);
    rac_buf_fini(&have);
}

#endif
