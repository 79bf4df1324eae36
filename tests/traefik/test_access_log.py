"""Access-log lines as Traefik writes them, and as they must not stop us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traefik.access_log import Entry, looks_common, parse

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SHORT = b'{"RequestHost":"a.test","StartUTC":"2026-01-02T03:04:05Z"}'

V2_DEFAULT = (
    b'{"ClientAddr":"172.18.0.1:33744","ClientHost":"172.18.0.1","ClientPort":"33744",'
    b'"ClientUsername":"-","DownstreamContentSize":19,"DownstreamStatus":404,"Duration":92120,'
    b'"GzipRatio":0,"OriginContentSize":0,"OriginDuration":0,"OriginStatus":0,"Overhead":92120,'
    b'"RequestAddr":"localhost:8000","RequestContentSize":0,"RequestCount":7,'
    b'"RequestHost":"localhost","RequestMethod":"GET","RequestPath":"/favicon.ico",'
    b'"RequestPort":"8000","RequestProtocol":"HTTP/1.1","RequestScheme":"http","RetryAttempts":0,'
    b'"StartLocal":"2021-05-06T07:08:09.123456789+02:00","StartUTC":"2021-05-06T05:08:09.123456789Z",'
    b'"entryPointName":"web","level":"info","msg":"","time":"2021-05-06T07:08:09+02:00"}\n'
)
V3_WITH_HEADERS_AND_TRACES = (
    b'{"DownstreamContentSize":0,"DownstreamStatus":0,"Duration":60000000000,"RequestCount":1,'
    b'"RequestHost":"APP.TEST.","RequestPath":"/ws","ServiceName":"app@docker","RouterName":"r",'
    b'"SpanId":"00f067aa0ba902b7","TraceId":"4bf92f3577b34da6a3ce929d0e0e4736",'
    b'"StartUTC":"2026-01-02T03:04:05Z","downstream_Content-Type":"text/html",'
    b'"origin_X-Y":"z","request_User-Agent":"Mozilla \\"5.0\\" {\\"x","request_X-A":"b",'
    b'"time":"2026-01-02T03:05:05Z","level":"info","msg":""}\n'
)


def entry(line: bytes) -> Entry:
    parsed = parse(line)
    assert not parsed.bad
    [only] = parsed.entries
    return only


def test_a_default_line_of_version_2() -> None:
    found = entry(V2_DEFAULT)
    assert found.host == "localhost"
    assert found.status == 404
    assert found.service == ""
    assert found.duration_ns == 92120
    assert found.number == 7
    assert found.start == datetime(2021, 5, 6, 5, 8, 9, 123457, UTC)


def test_a_line_of_version_3_with_headers_and_trace_ids() -> None:
    found = entry(V3_WITH_HEADERS_AND_TRACES)
    assert found.host == "APP.TEST."
    assert found.service == "app@docker"
    assert found.status == 0
    assert found.agent == 'Mozilla "5.0" {"x'
    assert found.path == "/ws"


# As people have shown them in public: shortened, with other names and addresses.
@pytest.mark.parametrize(
    ("line", "host", "status", "start", "duration_ns"),
    [
        pytest.param(  # https://github.com/traefik/traefik/issues/6130
            b'{"ClientAddr":"[::1]:59922","DownstreamContentSize":11328023,"DownstreamStatus":200,'
            b'"Duration":17277000,"OriginStatus":200,"RequestCount":1,"RequestHost":"a.example.com",'
            b'"RequestPort":"-","RouterName":"to-mirrored-http@file","ServiceName":"appv1@file",'
            b'"ServiceURL":{"Scheme":"http","Opaque":"","User":null,"Host":"localhost:8080","Path":""},'
            b'"StartLocal":"2020-01-06T18:23:03.944523+01:00","StartUTC":"2020-01-06T17:23:03.944523Z",'
            b'"entryPointName":"web","level":"info","msg":"","time":"2020-01-06T18:23:03+01:00"}',
            "a.example.com", 200, datetime(2020, 1, 6, 17, 23, 3, 944523, UTC), 17277000,
            id="2.1, ServiceURL as an object",
        ),
        pytest.param(  # https://github.com/traefik/traefik/issues/10504 (cut off; the start is ours)
            b'{"ClientAddr":"192.0.2.1:3808","ClientHost":"192.0.2.2, 192.0.2.3, 192.0.2.4",'
            b'"DownstreamContentSize":0,"DownstreamStatus":0,"Duration":38786475932,"OriginStatus":0,'
            b'"RequestCount":6508019,"RequestHost":"ws.example.com","RequestMethod":"GET",'
            b'"RequestPath":"/api/v1/relay/ws","StartUTC":"2024-03-07T05:06:07.000001Z"}',
            "ws.example.com", 0, datetime(2024, 3, 7, 5, 6, 7, 1, UTC), 38786475932,
            id="2.x, a WebSocket behind three proxies",
        ),
        pytest.param(  # https://github.com/traefik/traefik/issues/11449
            b'{"ClientAddr":"192.0.2.1:55139","DownstreamContentSize":701,"DownstreamStatus":200,'
            b'"Duration":899236,"RequestAddr":"b.example.com","RequestCount":1,'
            b'"RequestHost":"b.example.com","RouterName":"hub@file","ServiceName":"service-hub@file",'
            b'"ServiceURL":"http://192.0.2.2:8084","SpanId":"8263e0541e1a448a",'
            b'"StartLocal":"2025-01-15T20:57:12.523173048+08:00",'
            b'"StartUTC":"2025-01-15T12:57:12.523173048Z","TraceId":"9fd814b6a08c05099ca01d65886d0dcf",'
            b'"entryPointName":"http","level":"info","msg":"","time":"2025-01-15T20:57:12+08:00"}',
            "b.example.com", 200, datetime(2025, 1, 15, 12, 57, 12, 523173, UTC), 899236,
            id="3.2, with trace ids",
        ),
        pytest.param(  # https://github.com/xavier-hernandez/goaccess-for-nginxproxymanager/issues/108
            b'{"ClientAddr":"192.0.2.1:63261","DownstreamContentSize":287,"DownstreamStatus":207,'
            b'"Duration":8184335,"RequestContentSize":366,"RequestCount":17348,'
            b'"RequestHost":"sub.example.com","RequestMethod":"REPORT","RequestProtocol":"HTTP/2.0",'
            b'"ServiceName":"bk-bk@docker","StartUTC":"2024-12-29T11:42:47.503803974Z",'
            b'"TLSCipher":"TLS_AES_128_GCM_SHA256","TLSVersion":"1.3","entryPointName":"https",'
            b'"request_User-Agent":"Mozilla/5.0 CalendarAgent","time":"2024-12-29T12:42:47+01:00"}',
            "sub.example.com", 207, datetime(2024, 12, 29, 11, 42, 47, 503804, UTC), 8184335,
            id="3.x, WebDAV over TLS with a header",
        ),
    ],
)  # fmt: skip
def test_lines_that_people_have_shown(
    line: bytes, host: str, status: int, start: datetime, duration_ns: int
) -> None:
    found = entry(line)
    assert (found.host, found.status) == (host, status)
    assert (found.start, found.duration_ns) == (start, duration_ns)


@pytest.mark.parametrize(
    ("line", "start", "duration_ns"),
    [
        (b'{"RequestHost":"a.test","StartLocal":"2026-01-02T05:04:05+02:00","Duration":5}',
         datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))), 5),
        (b'{"RequestHost":"a.test","time":"2026-01-02T03:04:05Z","Duration":5}', AT, 0),
    ],
)  # fmt: skip
def test_a_line_without_startutc_goes_by_what_it_has(
    line: bytes, start: datetime, duration_ns: int
) -> None:
    found = entry(line)
    assert found.start == start
    assert found.duration_ns == duration_ns


def test_http_1_0_without_a_host() -> None:
    assert entry(b'{"StartUTC":"2026-01-02T03:04:05Z"}').host == ""


@pytest.mark.parametrize(
    "line",
    [b"{}", b"[]", b"null", b"1", b"{", b"\xff", b'{"StartUTC":"yesterday"}',
     b'{"StartUTC":"0001-01-01T00:00:00+05:00"}', b'{"StartUTC":"9999-12-31T23:59:59-05:00"}',
     b'{"StartUTC":"2026-01-02T03:04:05"}', b'{"StartUTC":"2026-01-02T03:04:05Z","Duration":"x"}',
     b'{"StartUTC":"2026-01-02T03:04:05Z","Duration":-1}',
     b'{"StartUTC":"2026-01-02T03:04:05Z","DownstreamContentSize":1' + b"0" * 40 + b"}",
     b'{"StartUTC":"2026-01-02T03:04:05Z","RequestHost":"\xff"}',
     b'{"StartUTC":"2026-01-02T03:04:05Z","x":' + b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_entry_is_bad_and_hides_no_other(line: bytes) -> None:
    parsed = parse(SHORT + b"\n" + line + b"\n" + SHORT + b"\n")
    assert len(parsed.entries) == 2
    assert parsed.bad == [line]


def test_a_torn_line_glued_to_the_next() -> None:
    parsed = parse(SHORT[:30] + SHORT + b"\n")
    assert len(parsed.entries) == 1
    assert parsed.bad == [SHORT[:30]]


def test_two_lines_without_an_end_between_them_are_two() -> None:
    parsed = parse(SHORT + SHORT + b"\n")
    assert len(parsed.entries) == 2
    assert not parsed.bad


def test_a_last_line_without_its_end() -> None:
    assert entry(SHORT).host == "a.test"


def test_empty_lines_are_nothing() -> None:
    parsed = parse(b"\n\n" + SHORT + b"\n\n")
    assert len(parsed.entries) == 1
    assert not parsed.bad


def test_the_common_format_is_recognised() -> None:
    common = b'10.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 1 "a@b" 1ms'
    assert looks_common(common)
    assert not looks_common(SHORT)


_LINES = st.sampled_from(
    [
        SHORT,
        V2_DEFAULT[:-1],
        V3_WITH_HEADERS_AND_TRACES[:-1],
        b"",
        b"x",
        b"{}",
        b'{"StartUTC":"0001-01-01T00:00:00Z"}',
    ]
)
_TORN = st.builds(lambda line, end: line[:end], _LINES, st.integers(0, 300))


@given(
    st.one_of(
        st.binary(),
        st.lists(st.one_of(_LINES, _TORN, st.just(b"\n"), st.just(b"\xff"))).map(b"".join),
    )
)
def test_a_block_gives_what_its_lines_give(block: bytes) -> None:
    whole = parse(block)
    each = [parse(line + b"\n") for line in block.split(b"\n")]
    assert whole.entries == [entry for parsed in each for entry in parsed.entries]
    assert whole.bad == [bad for parsed in each for bad in parsed.bad]
