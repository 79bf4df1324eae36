from __future__ import annotations

import pytest

from waitroom.gate.agents import is_machine

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "facebookexternalhit/1.1",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
        "kube-probe/1.31",
        "GoogleHC/1.0",
    ],
)
def test_a_machine_on_its_rounds_is_one(agent: str) -> None:
    assert is_machine(agent)


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        CHROME.replace("Chrome", "HeadlessChrome"),
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "curl/8.5.0",
        "python-requests/2.34",
        "okhttp/4.12",
        "Go-http-client/1.1",
        "git/2.39",
        "",
    ],
)
def test_a_persons_own_program_is_none(agent: str) -> None:
    assert not is_machine(agent)
