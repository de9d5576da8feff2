#include "unit.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/keyfile.h"
#include "crypto/password.h"
#include "crypto/seal.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct rac_arena a;
static char dir[64];

static int setup(void **state)
{
    (void)state;
    rac_arena_init(&a, 64 << 20);
    snprintf(dir, sizeof dir, "/tmp/raccord-crypto-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[96];
    snprintf(cmd, sizeof cmd, "%s/k", dir);
    unlink(cmd);
    snprintf(cmd, sizeof cmd, "%s/k2", dir);
    unlink(cmd);
    int left = rmdir(dir); /* fails if anything else (a temporary) was left behind */
    rac_arena_fini(&a);
    return left;
}

static rac_str path(const char *name)
{
    return rac_arena_printf(&a, "%s/%s", dir, name);
}

static void test_sha256_vectors(void **state)
{
    (void)state;
    assert_str(rac_sha256_hex(&a, RAC_S("")),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_str(rac_sha256_hex(&a, RAC_S("abc")),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *big = rac_arena_alloc_dirty(&a, 1000000);
    memset(big, 'a', 1000000);
    assert_str(rac_sha256_hex(&a, (rac_str){big, 1000000}),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_hmac_vectors(void **state) /* RFC 4231 */
{
    (void)state;
    uint8_t d[32];
    rac_hmac_sha256(RAC_S("Jefe"), RAC_S("what do ya want for nothing?"), d);
    assert_str(rac_hex(&a, d, 32),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char key[131];
    memset(key, 0xaa, sizeof key);
    rac_hmac_sha256((rac_str){key, sizeof key},
                    RAC_S("Test Using Larger Than Block-Size Key - Hash Key First"), d);
    assert_str(rac_hex(&a, d, 32),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_random_token(void **state)
{
    (void)state;
    rac_str x = rac_random_token(&a, &rac_env_system, 16);
    rac_str y = rac_random_token(&a, &rac_env_system, 16);
    assert_int_equal(x.n, 22);
    assert_false(rac_str_eq(x, y));
}

static void test_password(void **state)
{
    (void)state;
    rac_str hash;
    bool stale = true;
    assert_int_equal(rac_password_hash(RAC_S("correct horse"), &a, &hash), RAC_OK);
    assert_true(rac_str_starts(hash, RAC_S("$argon2id$")));
    assert_true(rac_password_check(RAC_S("correct horse"), hash, &stale));
    assert_false(stale);
    assert_false(rac_password_check(RAC_S("correct horsf"), hash, NULL));
    assert_false(rac_password_check(RAC_S("x"), RAC_S("not a hash"), NULL));
    assert_false(rac_password_check(RAC_S(""), RAC_S(""), NULL));
    char *big = rac_arena_alloc(&a, 5000);
    assert_int_equal(rac_password_hash((rac_str){big, 5000}, &a, &hash), RAC_E_LIMIT);
}

static struct rac_keyring *ring(const char *name, bool create)
{
    struct rac_keyring *k = NULL;
    rac_str why = RAC_STR_NULL;
    assert_int_equal(rac_keyring_open(path(name), create, &rac_env_system, &a, &k, &why), RAC_OK);
    return k;
}

static void test_keyfile(void **state)
{
    (void)state;
    struct rac_keyring *k = NULL;
    rac_str why = RAC_STR_NULL;
    assert_int_equal(rac_keyring_open(path("k"), false, &rac_env_system, &a, &k, &why),
                     RAC_E_NOT_FOUND);
    k = ring("k", true);
    rac_str id = rac_arena_str(&a, rac_keyring_master_id(k));
    assert_int_equal(id.n, 16);
    rac_keyring_close(k);
    struct stat st;
    assert_int_equal(stat(path("k").p, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    k = ring("k", true); /* the same one again */
    assert_true(rac_str_eq(id, rac_keyring_master_id(k)));
    rac_keyring_close(k);

    assert_int_equal(chmod(path("k").p, 0640), 0);
    assert_int_equal(rac_keyring_open(path("k"), true, &rac_env_system, &a, &k, &why),
                     RAC_E_DENIED);
    assert_true(rac_str_find(why, RAC_S("chmod 600")) != RAC_STR_NPOS);
    assert_int_equal(chmod(path("k").p, 0600), 0);
    assert_int_equal(truncate(path("k").p, 20), 0);
    assert_int_equal(rac_keyring_open(path("k"), true, &rac_env_system, &a, &k, &why),
                     RAC_E_SYNTAX);
    unlink(path("k").p);

    assert_int_equal(rac_keyring_open(path("missing/k"), true, &rac_env_system, &a, &k, &why),
                     RAC_E_NOT_FOUND);
}

static void test_keyfile_race(void **state)
{
    (void)state;
    uint8_t one[32], two[32];
    rac_str why;
    assert_int_equal(rac_keyfile_create(path("k"), &rac_env_system, &a, one, &why), RAC_OK);
    assert_int_equal(rac_keyfile_create(path("k"), &rac_env_system, &a, two, &why), RAC_OK);
    assert_memory_equal(one, two, 32); /* the second one read the first one's */
}

static void test_seal(void **state)
{
    (void)state;
    struct rac_keyring *k = ring("k", true);
    rac_str t = RAC_S("tenant-1"), place = RAC_S("connections/c1"), wrapped, sealed, again, plain;
    assert_int_equal(rac_seal(k, t, place, RAC_S("x"), &a, &sealed), RAC_E_NOT_FOUND);
    assert_int_equal(rac_keyring_new_key(k, t, 7, &a, &wrapped), RAC_OK);
    assert_int_equal(rac_keyring_new_key(k, t, 7, &a, &again), RAC_E_EXISTS);
    assert_int_equal(rac_seal(k, t, place, RAC_S("hunter2"), &a, &sealed), RAC_OK);
    assert_int_equal(sealed.n, 7 + RAC_SEAL_EXTRA_BYTES);
    assert_int_equal(rac_sealed_key(sealed), 7);
    assert_int_equal(rac_str_find(sealed, RAC_S("hunter2")), RAC_STR_NPOS);
    assert_int_equal(rac_seal(k, t, place, RAC_S("hunter2"), &a, &again), RAC_OK);
    assert_false(rac_str_eq(sealed, again));
    assert_int_equal(rac_unseal(k, t, place, sealed, &a, &plain), RAC_OK);
    assert_str(plain, "hunter2");

    /* another place, another tenant, every single changed byte, every truncation */
    assert_int_equal(rac_unseal(k, t, RAC_S("connections/c2"), sealed, &a, &plain), RAC_E_CORRUPT);
    assert_int_equal(rac_unseal(k, RAC_S("tenant-2"), place, sealed, &a, &plain), RAC_E_CORRUPT);
    for (size_t i = 0; i < sealed.n; i++) {
        rac_str bad = rac_arena_str(&a, sealed);
        ((char *)(uintptr_t)bad.p)[i] ^= 1;
        assert_int_equal(rac_unseal(k, t, place, bad, &a, &plain), RAC_E_CORRUPT);
        assert_int_equal(rac_unseal(k, t, place, rac_str_sub(sealed, 0, i), &a, &plain),
                         RAC_E_CORRUPT);
    }

    /* empty text; rotation of the data key: new records use it, old ones still open */
    rac_str empty;
    assert_int_equal(rac_seal(k, t, place, RAC_S(""), &a, &empty), RAC_OK);
    assert_int_equal(rac_keyring_new_key(k, t, 9, &a, &again), RAC_OK);
    assert_int_equal(rac_keyring_key_of(k, t), 9);
    assert_int_equal(rac_unseal(k, t, place, empty, &a, &plain), RAC_OK);
    assert_int_equal(plain.n, 0);
    assert_int_equal(rac_unseal(k, t, place, sealed, &a, &plain), RAC_OK);

    /* a ring filled from what was kept; a wrong master key; rotation of the master key */
    struct rac_keyring *same = ring("k", false), *other = ring("k2", true);
    assert_int_equal(rac_keyring_add_key(same, t, 7, wrapped), RAC_OK);
    assert_int_equal(rac_unseal(same, t, place, sealed, &a, &plain), RAC_OK);
    assert_int_equal(rac_keyring_add_key(other, t, 7, wrapped), RAC_E_DENIED);
    assert_int_equal(rac_keyring_add_key(other, RAC_S("tenant-2"), 7, wrapped), RAC_E_DENIED);
    rac_str rewrapped;
    assert_int_equal(rac_keyring_rewrap(same, other, t, 7, &a, &rewrapped), RAC_OK);
    assert_int_equal(rac_keyring_add_key(other, t, 7, rewrapped), RAC_OK);
    assert_int_equal(rac_unseal(other, t, place, sealed, &a, &plain), RAC_OK);
    assert_str(plain, "hunter2");
    rac_keyring_close(other);
    rac_keyring_close(same);
    rac_keyring_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sha256_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hmac_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keyfile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keyfile_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seal, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
