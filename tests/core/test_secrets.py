"""Secrets by the names of files, variables and options; the shapes of tokens are tested with `tokens`."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.secrets import (
    MASK,
    holds_secret,
    is_secret_file,
    is_secret_name,
    redact,
    redact_arguments,
    secret_values,
)

TOKEN = "ghp_" + "a1B2c3D4" * 5
passwords = st.text(string.ascii_letters + string.digits, min_size=12, max_size=40).filter(
    lambda text: any(map(str.isupper, text)) and any(map(str.isdigit, text))
)


@pytest.mark.parametrize(
    "path",
    [
        ".env", "deploy/.env.production", "prod.env", ".envrc", "id_rsa", "keys/id_ed25519", "server.pem",
        "tls/server.key", ".netrc", ".npmrc", ".pypirc", "credentials", "aws-credentials.json",
        "secrets.yaml",
        "my_secret.txt", "client_secret_123.json", "service-account.json", "kaggle.json", ".aws/config",
        "home/.ssh/known_hosts", "api_key.txt", "token.json", ".git-credentials", "passwords.csv",
    ],
)  # fmt: skip
def test_a_file_that_is_usually_kept_secret_is_known_by_its_name(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "train.py", "secrets.py", "tokenizer.json", "tokens.py", "environment.yml", ".env.example",
        "env/train.py", "id_rsa.pub", "keyboard.py", "monkey.py", "config.yaml", "passwordless.md",
        "credentials.md", "token_count.py", "test_secrets.py", "keys.py", "hotkeys.json", "secretary.txt",
    ],
)  # fmt: skip
def test_code_and_data_are_not_taken_for_secrets(path: str) -> None:
    assert not is_secret_file(path)


@pytest.mark.parametrize(
    "name",
    ["WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "--auth-token", "apiKey", "--pwd"],
)
def test_a_name_tells_of_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "TOKENIZERS_PARALLELISM",
        "AUTHOR_NAME",
        "--max-tokens",
        "--tokenizer",
        "KEYBOARD",
        "SORT_KEY",
        "--lr",
        "PATH",
    ],
)
def test_a_name_that_only_begins_like_a_secret_is_none(name: str) -> None:
    assert not is_secret_name(name)


def test_values_are_secret_by_their_names_unless_they_are_words_or_paths() -> None:
    variables = {
        "HF_TOKEN": "Abc123Def456",
        "DB_PASSWORD": "postgres",
        "SSH_AUTH_SOCK": "/run/user/1000/agent",
        "OPENAI_KEY": "q8Zr7Lw2Xn4Vb6Tk1Ms3",
        "SORT_KEY": "created_at",
        "TOKENIZER": "bert-base-uncased1",
        "API_TOKEN": "short1A",
    }
    assert secret_values(variables) == ["q8Zr7Lw2Xn4Vb6Tk1Ms3", "Abc123Def456"]


@given(
    passwords,
    st.sampled_from(["--token {}", "--token={}", "api_key={}", "+model.auth_token={}", "-x --pwd {}"]),
)
def test_no_command_line_keeps_what_its_option_calls_secret(password: str, form: str) -> None:
    shown = redact_arguments(["train.py", *form.format(password).split(), "--lr", "0.1"])
    assert password not in " ".join(shown)
    assert shown[0] == "train.py"
    assert shown[-2:] == ["--lr", "0.1"]


@given(passwords)
def test_no_text_keeps_a_value_that_is_known_or_the_password_of_a_url(password: str) -> None:
    text = f"say {password} to https://me:{password}@example.org/x and https://{password}@example.org"
    assert password not in redact(text, [password])
    assert password not in redact(f"https://me:{password}@example.org https://{password}@example.org/x")


def test_a_command_line_without_secrets_stays_as_it_is() -> None:
    line = [
        "python",
        "-m",
        "pkg.train",
        "--max-tokens",
        "512",
        "--tokenizer=bert",
        "lr=0.1",
        "https://x.org/a@1",
    ]
    assert redact_arguments(line) == line


def test_content_holds_a_token_a_known_value_or_nothing() -> None:
    assert holds_secret(f"login('{TOKEN}')\n".encode())
    assert holds_secret(b"\0\1binary hunter2hunter2", [b"hunter2hunter2"])
    assert not holds_secret(b"\0\1binary " + TOKEN.encode())
    assert not holds_secret("müde\n".encode("latin-1"))
    assert redact(TOKEN) == MASK
