/* Keys and tokens made for the tests of access: they protect nothing. The RSA key is that of
 * auth_test_key.h, whose certificate signs here as well. */
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
static const char access_certificate_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDETCCAfmgAwIBAgIUPHG63D+upzegIU991VHQk4pZP2YwDQYJKoZIhvcNAQEL\n"
    "BQAwFzEVMBMGA1UEAwwMcmFjY29yZC10ZXN0MCAXDTI2MTEyMzAwMzEwOVoYDzIx\n"
    "MjYxMDMwMDAzMTA5WjAXMRUwEwYDVQQDDAxyYWNjb3JkLXRlc3QwggEiMA0GCSqG\n"
    "SIb3DQEBAQUAA4IBDwAwggEKAoIBAQDJjk2b8Ft1eRa5upv1RYCgdehF1lD0QDy1\n"
    "q5ejdt9QuT2vn05SKk9p6prayiMQP0AIuRFpMIURCDS1jY4vQ7UBKKg9M9gEcka6\n"
    "d6AE0sn0/VSJOlzmx4iUXsKKddV4FA0EyAvSewO57QNYpOcjfR7xuIaKl+fI1I2U\n"
    "VLMBdPKJHlp3fzZlFcKp37GnoSN3VR6QFrIPZ2MxbpJSfG4+8DrIvlwY4EFB1fsO\n"
    "XPbAvT7jJd/lPOQW1gT/ySJRXnyW1CIOUThFgBO49gQ5qBjOXN5klKiqfzmFJnNH\n"
    "G3LmsnGsmjBm2tC8p1H+ji0DnW8YMO4XC952/9i26azY7W5yG1ADAgMBAAGjUzBR\n"
    "MB0GA1UdDgQWBBSPiLbgz+Voa2M0lmrUt6yF8Lr8WTAfBgNVHSMEGDAWgBSPiLbg\n"
    "z+Voa2M0lmrUt6yF8Lr8WTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUA\n"
    "A4IBAQAEKK8X9Bo6Fai3Wad8KYJTwsUUP5oPMVjpip3MFAKtMW3cxFVrO3NZ9lHR\n"
    "lxb1cQDoWpIl64KfnDnsn5NZipfNBSCDFdNvsQ58YpGA9tnL0PSnSxYHGmzzwa3V\n"
    "An+QyE9Ra5r9LaQ7+3Kwxh6aK+ysX+zAwXhziVCktMs/H5/M7P5VVpXp5/4F88CA\n"
    "wOZAR/92BTpZd2PTfzDFX3U2B2RzLBmvYD40nNbnKeNQqYM8rc1cUsDPHzXqiLd6\n"
    "8aaQd4EXrBQqO2j6/pIpIR/SfsxvumTQo1dotgcZD64nWTeeU81z5jrsuHM58wz4\n"
    "rIespAID6d0T1QDrtG6qrERZccWB\n"
    "-----END CERTIFICATE-----\n";
static const char access_key_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDJjk2b8Ft1eRa5\n"
    "upv1RYCgdehF1lD0QDy1q5ejdt9QuT2vn05SKk9p6prayiMQP0AIuRFpMIURCDS1\n"
    "jY4vQ7UBKKg9M9gEcka6d6AE0sn0/VSJOlzmx4iUXsKKddV4FA0EyAvSewO57QNY\n"
    "pOcjfR7xuIaKl+fI1I2UVLMBdPKJHlp3fzZlFcKp37GnoSN3VR6QFrIPZ2MxbpJS\n"
    "fG4+8DrIvlwY4EFB1fsOXPbAvT7jJd/lPOQW1gT/ySJRXnyW1CIOUThFgBO49gQ5\n"
    "qBjOXN5klKiqfzmFJnNHG3LmsnGsmjBm2tC8p1H+ji0DnW8YMO4XC952/9i26azY\n"
    "7W5yG1ADAgMBAAECggEAXNEvZDRXqc1NbdJFp7mN9lbV0/NR7Gj4jCCtABXp2N61\n"
    "TX7rLmNVlsz26vJTG1RFRL8VCX/Sh3lj7Id3hsSDQjla4HRTchi+AXi9M/tuDWfr\n"
    "2hYKWixg9RJ+PAzvdRCmviDxcMg9ew1ukQ+/cVRZP69eJcy2bIGVgU1P8cfNON70\n"
    "SEXkUZfNCyJBDnTBuDTyb1PH1oPEmvtiiYfbFXDIZ8bWlgVczY9qwZ/Ja8u0XNeS\n"
    "ffp3AWSDFgIp/RDxH+7QcKJgdNp8oN+TkkxZRimxiArVoWjdCJjL3KhOPt9Brnku\n"
    "LQ9Pqaa/TCmMo3xAX7FBSrKefMW6LBVaJXXMNspSwQKBgQDl0IO3u4rtxNGGlufl\n"
    "WYC3emBcsvzNknl812tWWkTU7KCRbAw4VPQPPf0eSieNa/U2LDFdAGOLhNPV9B13\n"
    "eWC/Dd23ATBBwc+8tyogvSVVn3RX4APLi7Js0fOaCpuz0pTXdLTDDhCWnCqxyRxQ\n"
    "3v69co6zkgfltd51aKM/ue7ueQKBgQDghYJcS7m77nW4YHFyH2ba4n5Sjy240RJa\n"
    "NvMPbwlED6DO8WaWYzpFg/FpjOal9XF5dilPRkIe3dGjXd+w3CufRAPvRg0aCaO2\n"
    "v98lv9QFWGmFlWUVRQh/eQWwbCRPDmsHh4dbnEe8RpfLU/GyvAPvdsCcH4eMhVcH\n"
    "2GMBP6IjWwKBgQDV/TKpAph6jaoMCLgldxHDxs+zgXakdJ9q/6uS3Lr7CNr6jgFS\n"
    "8sfO6YmniqUJqlzJ9JyCXLpUT3pw3r4RYZQUUnUA0rp8gFtO/b7cfUMmVzOeH5lp\n"
    "Dss1SMnrxbT13D9738/xUEdh9khLA1i6dOn+vYzi6DcyTga2jJh13kv9AQKBgQCB\n"
    "haOZePnx53Oz5LctXd4pIYY8PGrk9n9+2bpISgbvY5CiMXK8CQxBtAcdm/InBTvs\n"
    "FPVpzR8xzUc11l7IGYt0unkGnMPMJIl0UKX7kflPCBz/uhpxNbzcRMW6a/haPvgR\n"
    "hObaO4LKo3LIEmoZcQtYJoqgxjOdJgL5/KPIwZvYhwKBgQDV2LiL7PnXxN2y4QX3\n"
    "dAAln2Oq8iKPyrySlRaM+9Zi8iS/q/XJNqgxFxaeB4Zzl/ltclRicNlDl2H14t2S\n"
    "jC98+llt6sQVQwPPn/K+SIxyHOSpGq040wPOLWXZFucimSeSWtd7x0KW8RQiZ7bl\n"
    "wSzehWxanqKFcNq1joYvNaX53g==\n"
    "-----END PRIVATE KEY-----\n";
