from logyard.serve.http.cors import Cors


def test_only_configured_origins_may_call() -> None:
    cors = Cors(("https://a",))
    assert dict(cors.headers(b"https://a"))[b"access-control-allow-origin"] == b"https://a"
    assert (b"vary", b"Origin") in cors.headers(b"https://a")
    assert cors.headers(b"https://b") == ()
    assert cors.preflight({b"origin": b"https://b", b"access-control-request-method": b"POST"}) is None


def test_anybody_may_call_but_without_credentials() -> None:
    assert b"access-control-allow-credentials" not in dict(Cors(("*",)).headers(b"https://a"))


def test_a_request_from_no_origin_needs_no_headers() -> None:
    assert Cors(("*",)).headers(None) == ()
