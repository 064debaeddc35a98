"""Tokens are told by shape; what people log every day has other shapes."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from gittrack.core.tokens import find_secrets, may_hold_secrets

INNOCENT = [
    line
    for line in (Path(__file__).parent / "innocent.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
DICE = random.Random(7)


def dice(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Return a text of dice; nothing that is found here was ever anybody's."""
    return "".join(DICE.choices(letters, k=length))


# In parts, so that no scan of this repository finds them.
UPPER, HEX = string.ascii_uppercase + "234567", "0123456789abcdef"
TOKENS = {
    "an AWS access key": "AKIA" + dice(16, UPPER),
    "an Anthropic key": "sk-" + "ant-api03-" + dice(90),
    "an Azure storage key": "DefaultEndpointsProtocol=https;AccountKey=" + dice(86) + "==",
    "a Databricks token": "dapi" + dice(32, HEX),
    "a DigitalOcean token": "dop_" + "v1_" + dice(64, HEX),
    "a Discord webhook": "https://discord.com/api/webhooks/" + dice(18, "123456789") + "/" + dice(68),
    "a Docker Hub token": "dckr_" + "pat_" + dice(27),
    "a GitHub token": "gh" + "p_" + dice(36),
    "a GitLab token": "glpat" + "-" + dice(20),
    "a Google API key": "AI" + "za" + dice(35),
    "a Google OAuth token": "ya29" + "." + dice(60),
    "a Groq key": "gs" + "k_" + dice(52),
    "a Hugging Face token": "h" + "f_" + dice(34, string.ascii_letters),
    "a JSON web token": "ey" + "J" + dice(20) + ".ey" + "J" + dice(30) + "." + dice(43),
    "an npm token": "npm" + "_" + dice(36),
    "an OpenAI key": "sk-" + "proj-" + dice(60),
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "a PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + dice(60),
    "a Replicate token": "r8" + "_" + dice(37),
    "a SendGrid key": "SG" + "." + dice(22) + "." + dice(43),
    "a Slack token": "xox" + "b-" + dice(12, "123456789") + "-" + dice(24),
    "a Slack webhook": "https://hooks.slack.com/services/T"
    + dice(9, UPPER)
    + "/B"
    + dice(9, UPPER)
    + "/"
    + dice(24),
    "a Stripe key": "sk" + "_live_" + dice(24),
    "a Telegram token": dice(9, "123456789") + ":AA" + dice(33),
    "a URL with a password": "https://alice:" + dice(12) + "@gitlab.example.org/group/project.git",
    "a value for 'API_KEY'": "WANDB_API_KEY=" + dice(40, HEX),
    "a value for 'password'": '{"password": "' + dice(20) + '"}',
}


@pytest.mark.parametrize("line", INNOCENT)
def test_what_people_log_every_day_is_no_secret(line: str) -> None:
    assert [secret.rule for secret in find_secrets(line)] == []


def test_innocent_lines_are_no_secret_in_one_text_either() -> None:
    assert [secret.rule for secret in find_secrets("\n".join(INNOCENT))] == []


@pytest.mark.parametrize(("rule", "text"), TOKENS.items())
@pytest.mark.parametrize(
    "around", ["{}", "x = '{}'", '{{"a": "one\\n{}\\n"}}', "token {}, see there", "[{}]"]
)
def test_a_token_is_found_wherever_it_stands(rule: str, text: str, around: str) -> None:
    assert may_hold_secrets(around.format(text))
    assert [secret.rule for secret in find_secrets(around.format(text))] == [rule]


@pytest.mark.parametrize("rule", ["a GitHub token", "a Hugging Face token", "an OpenAI key"])
def test_a_token_within_a_word_is_none(rule: str) -> None:
    assert not list(find_secrets(f"ta{TOKENS[rule]}"))


@pytest.mark.parametrize("text", TOKENS.values())
def test_what_is_shown_of_a_secret_does_not_tell_it(text: str) -> None:
    for secret in find_secrets(text):
        assert len(secret.shown) <= 5
        assert secret.text in text
