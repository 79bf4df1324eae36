"""Who may wake, and what counts as use: sixty agents and sets of headers, each in both tables."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import product

import pytest

from sidecar.record.series import counts
from tests.waitroom.fakes import a_host
from waitroom.gate.agents import ERRAND_PATHS
from waitroom.gate.gate import Admission, Caller, Facts, Trust, admission, caller, trust
from waitroom.registry.hosts import Counting
from waitroom.registry.values import Gate

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
VISIT = {"dest": "document", "mode": "navigate"}

# agent, headers and more; who it is; whether it counts as use of an app that is awake
CASES = [
    # people
    (CHROME, {}, Caller.PERSON, True),
    (CHROME, VISIT, Caller.PERSON, True),
    (CHROME, VISIT | {"method": "POST"}, Caller.PERSON, True),
    (CHROME.replace("Safari/537.36", "Safari/537.36 Edg/140.0.0.0"), VISIT, Caller.PERSON, True),
    (CHROME.replace("Safari/537.36", "Safari/537.36 OPR/120.0.0.0"), {}, Caller.PERSON, True),
    (CHROME.replace("X11; Linux x86_64", "Linux; Android 15; Pixel 9").replace("Safari", "Mobile Safari"), VISIT, Caller.PERSON, True),
    ("Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", {}, Caller.PERSON, True),
    (FIREFOX, {}, Caller.PERSON, True),
    (FIREFOX, VISIT, Caller.PERSON, True),
    (SAFARI, {}, Caller.PERSON, True),
    (SAFARI, VISIT, Caller.PERSON, True),
    (IPHONE, VISIT, Caller.PERSON, True),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", {}, Caller.PERSON, True),
    ("Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", {}, Caller.PERSON, True),
    ("w3m/0.5.3+git20230121", {}, Caller.PERSON, True),
    ("Links (2.29; Linux 6.1 x86_64; GNU C 12.2; text)", {}, Caller.PERSON, True),
    ("A browser that nobody knows/1.0", {}, Caller.PERSON, True),
    # what browsers fetch by themselves, or for others
    (CHROME, VISIT | {"purpose": "prefetch"}, Caller.NOBODY, True),
    (CHROME, VISIT | {"purpose": "prefetch;prerender"}, Caller.NOBODY, True),
    (SAFARI, {"purpose": "preview"}, Caller.NOBODY, True),
    (FIREFOX, {"purpose": "prefetch"}, Caller.NOBODY, True),
    (CHROME, {"dest": "image", "mode": "no-cors"}, Caller.NOBODY, True),
    (CHROME, {"dest": "script", "mode": "no-cors"}, Caller.NOBODY, True),
    (CHROME, {"dest": "style", "mode": "no-cors"}, Caller.NOBODY, True),
    (CHROME, {"dest": "font", "mode": "cors"}, Caller.NOBODY, True),
    (CHROME, {"dest": "manifest", "mode": "cors"}, Caller.NOBODY, True),
    (CHROME, {"dest": "serviceworker", "mode": "same-origin"}, Caller.NOBODY, True),
    (FIREFOX, {"dest": "iframe", "mode": "navigate"}, Caller.NOBODY, True),
    (CHROME, {"method": "OPTIONS", "dest": "empty", "mode": "cors"}, Caller.NOBODY, True),
    (FIREFOX, {"method": "HEAD"}, Caller.NOBODY, True),
    (CHROME, {"path": "/favicon.ico"}, Caller.NOBODY, False),
    (IPHONE, {"path": "/apple-touch-icon-precomposed.png"}, Caller.NOBODY, False),
    (FIREFOX, {"path": "/.well-known/security.txt"}, Caller.NOBODY, False),
    ("", {"path": "/robots.txt"}, Caller.NOBODY, False),
    # programs of somebody's own
    (CHROME, {"dest": "empty", "mode": "cors"}, Caller.PROGRAM, True),
    ("curl/8.5.0", {}, Caller.PROGRAM, True),
    ("Wget/1.21.4", {}, Caller.PROGRAM, True),
    ("python-requests/2.34.2", {}, Caller.PROGRAM, True),
    ("Go-http-client/1.1", {}, Caller.PROGRAM, True),
    ("node", {"mode": "cors"}, Caller.PROGRAM, True),
    ("axios/1.7.2", {}, Caller.PROGRAM, True),
    ("okhttp/4.12.0", {}, Caller.PROGRAM, True),
    ("PostmanRuntime/7.39.0", {}, Caller.PROGRAM, True),
    ("git/2.39.5", {}, Caller.PROGRAM, True),
    ("", {}, Caller.PROGRAM, True),
    # machines on their rounds
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", {}, Caller.NOBODY, False),
    ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", {}, Caller.NOBODY, False),
    ("WhatsApp/2.23.20.0", {}, Caller.NOBODY, False),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", {}, Caller.NOBODY, False),
    ("Twitterbot/1.0", {}, Caller.NOBODY, False),
    ("TelegramBot (like TwitterBot)", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", {}, Caller.NOBODY, False),
    ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", {}, Caller.NOBODY, False),
    ("Uptime-Kuma/1.23.13", {}, Caller.NOBODY, False),
    ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", {}, Caller.NOBODY, False),
    ("kube-probe/1.31", {}, Caller.NOBODY, False),
    ("GoogleHC/1.0", {}, Caller.NOBODY, False),
    ("ELB-HealthChecker/2.0", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 zgrab/0.x", {}, Caller.NOBODY, False),
    ("Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)", {}, Caller.NOBODY, False),
    ("Nuclei - Open-source project (github.com/projectdiscovery/nuclei)", {}, Caller.NOBODY, False),
]  # fmt: skip


def test_there_are_sixty_and_more() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("agent", "more", "who", "use"), CASES)
def test_each_wakes_and_counts_as_it_should(
    agent: str, more: dict[str, str], who: Caller, *, use: bool
) -> None:
    facts = Facts(agent=agent, **more)
    assert caller(facts) is who
    wakes = {
        gate
        for gate in Gate
        if admission(gate, who, Trust.NONE)
        not in (Admission.NONE, Admission.BROWSER, Admission.CLOSED)
    }
    assert wakes == {
        Caller.PERSON: {Gate.VISIT, Gate.CLICK, Gate.CHESS, Gate.OPEN},
        Caller.PROGRAM: {Gate.OPEN},
        Caller.NOBODY: set(),
    }[who]  # fmt: skip
    assert (counts(Counting(), 200, agent) and not facts.path.startswith(ERRAND_PATHS)) == use


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        (Gate.VISIT, (Admission.WORK, Admission.FREE, Admission.NOW)),
        (Gate.CLICK, (Admission.CLICK, Admission.FREE, Admission.NOW)),
        (Gate.CHESS, (Admission.CHESS, Admission.FREE, Admission.NOW)),
        (Gate.OPEN, (Admission.NOW, Admission.NOW, Admission.NOW)),
        (Gate.CLOSED, (Admission.CLOSED, Admission.CLOSED, Admission.NOW)),
    ],
)
def test_each_gate_asks_its_own_of_a_person(gate: Gate, expected: tuple[Admission, ...]) -> None:
    assert tuple(admission(gate, Caller.PERSON, shown) for shown in Trust) == expected


@pytest.mark.parametrize(("gate", "shown"), list(product(Gate, Trust)))
def test_nobody_wakes_nothing_whatever_is_shown(gate: Gate, shown: Trust) -> None:
    assert admission(gate, Caller.NOBODY, shown) is Admission.NONE


def test_a_token_is_known_by_its_digest_and_a_network_by_its_addresses() -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    host = a_host(tokens=[digest], allow=["10.0.0.0/8", "fd00::/8"])
    assert trust(host, "192.0.2.1", "secret") is Trust.TOKEN
    assert trust(host, "192.0.2.1", digest) is Trust.NONE
    assert trust(host, "192.0.2.1", "") is Trust.NONE
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        assert trust(host, address, "x") is Trust.NETWORK
    for address in ("11.1.2.3", "", "unix:", "10.1.2.3, 1.1.1.1"):
        assert trust(host, address, "") is Trust.NONE


def test_no_token_is_worth_nothing() -> None:
    host = replace(a_host(), tokens=(hashlib.sha256(b"").hexdigest(),))
    assert trust(host, "192.0.2.1", "") is Trust.NONE
