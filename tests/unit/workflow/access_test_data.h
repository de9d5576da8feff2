/* Keys and tokens made for the tests of access: they protect nothing. The RSA key is that of
 * key_pair.h, whose certificate signs here as well. */
static const char test_rsa_n[] =
    "yY5Nm_BbdXkWubqb9UWAoHXoRdZQ9EA8tauXo3bfULk9r59OUipPaeqa2sojED9ACLkRaTCFEQg0tY2O"
    "L0O1ASioPTPYBHJGunegBNLJ9P1UiTpc5seIlF7CinXVeBQNBMgL0nsDue0DWKTnI30e8biGipfnyNSN"
    "lFSzAXTyiR5ad382ZRXCqd-xp6Ejd1UekBayD2djMW6SUnxuPvA6yL5cGOBBQdX7Dlz2wL0-4yXf5Tzk"
    "FtYE_8kiUV58ltQiDlE4RYATuPYEOagYzlzeZJSoqn85hSZzRxty5rJxrJowZtrQvKdR_o4tA51vGDDu"
    "Fwvedv_Ytums2O1uchtQAw";
static const char test_ec_x[] = "1gugvN79RvMDKjV13j1s3SeXuOs1OaqP-zt09mX7T3Y";
static const char test_ec_y[] = "mBWj0u3vhX5FS-Wd6dCiGSgt5dtHp9i9xzFD06U-wqM";
static const char test_ec_token[] =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUxIn0.eyJpc3MiOiAiaHR0cHM6Ly9zdHMud2luZG93cy5uZXQv"
    "dC8iLCAiYXVkIjogImEiLCAiZXhwIjogMTcwMDAwMzYwMH0.fY3zFZJ7s87BsL5gW-JbGYoFo1AAWaDR"
    "g1SlZ7vU-nFYH_vc02CJPcP0DpIVK1rv3pmzOSDG93wyQnWHZcciXg";
