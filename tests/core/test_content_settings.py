"""What `.gittrack.toml` says of content, and how this machine's environment changes it."""

from __future__ import annotations

import pytest

from gittrack.core.content_settings import ContentSettings, override, parse_settings, parse_size
from gittrack.errors import GittrackError, NotFoundError, UserError

EXAMPLE = """
[artifacts]
remote = "git"
large = { from = "50 MB", remote = "bucket" }
[artifacts.remotes.bucket]
url = "s3://team/models"
options = { endpoint_url = "https://s3.example.org" }
[retention."resnet"]
best = 3
metric = "val/acc"
newest = 5
days = 30
[site]
title = "somebody else's table"
"""


def test_small_content_goes_to_git_and_large_content_where_the_rule_says() -> None:
    settings = parse_settings(EXAMPLE)
    assert [settings.choose(size) for size in (0, 49_999_999, 50_000_000)] == ["git", "git", "bucket"]
    bucket = settings.find("bucket")
    assert bucket is not None
    assert bucket.url == "s3://team/models"
    assert bucket.options == {"endpoint_url": "https://s3.example.org"}
    assert settings.find("git") is None
    [kept] = settings.retention
    assert (kept.experiment, kept.best, kept.metric, kept.newest, kept.days) == (
        "resnet",
        3,
        "val/acc",
        5,
        30.0,
    )


def test_nothing_said_means_git() -> None:
    assert parse_settings("") == ContentSettings()
    assert parse_settings("").choose(10**12) == "git"


def test_a_remote_without_settings_is_named_with_the_way_to_add_it() -> None:
    with pytest.raises(NotFoundError) as failure:
        ContentSettings().find("old-bucket")
    assert "GITTRACK_ARTIFACTS_URL_OLD_BUCKET" in str(failure.value)


def test_the_environment_chooses_a_remote_and_says_where_it_is() -> None:
    settings = parse_settings(EXAMPLE)
    moved = override(settings, {"GITTRACK_ARTIFACTS_URL_BUCKET": "file:///mnt/models", "PATH": "/bin"})
    bucket = moved.find("bucket")
    assert bucket is not None
    assert bucket.url == "file:///mnt/models"
    chosen = override(settings, {"GITTRACK_ARTIFACTS_REMOTE": "bucket"})
    assert chosen.choose(1) == "bucket"
    added = override(
        settings, {"GITTRACK_ARTIFACTS_REMOTE": "disk", "GITTRACK_ARTIFACTS_URL_DISK": "file:///d"}
    )
    assert added.choose(10**9) == "disk"
    with pytest.raises(UserError, match="disk"):
        override(settings, {"GITTRACK_ARTIFACTS_REMOTE": "disk"})


@pytest.mark.parametrize(
    ("text", "size"),
    [("50 MB", 50_000_000), ("1GiB", 1 << 30), ("1.5 kB", 1500), ("7", 7), (7, 7), ("0b", 0)],
)
def test_sizes_are_read_as_people_write_them(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1 apple", True, "1e9", None, "1,5 MB"])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(UserError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    "text",
    [
        "[artifacts",
        "artifacts = 1",
        "[artifacts]\nremote = 1",
        "[artifacts]\nremot = 'git'",
        "[artifacts]\nremote = 'nowhere'",
        "[artifacts]\nlarge = { from = '1 MB' }",
        "[artifacts]\nlarge = { from = 'big', remote = 'git' }",
        "[artifacts.remotes.git]\nurl = 's3://x'",
        "[artifacts.remotes.'../x']\nurl = 's3://x'",
        "[artifacts.remotes.x]",
        "[artifacts.remotes.x]\nurl = 's3://x'\nother = 1",
        "[artifacts.remotes.x]\nurl = 'http://[bad'",
        "[artifacts.remotes.x]\nurl = 'sftp://me:hunter2@host/x'",
        "[artifacts.remotes.x]\nurl = 's3://x'\noptions = { secret = 'x' }",
        "[artifacts.remotes.x]\nurl = 's3://x'\noptions = { AWS_ACCESS_KEY_ID = 'x' }",
        "[retention.x]\nbest = 3",
        "[retention.x]\nnewest = -1",
        "[retention.x]\ndays = 'many'",
        "retention = 1",
    ],
)
def test_settings_that_make_no_sense_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(GittrackError) as failure:
        parse_settings(text)
    assert failure.value.hint
    assert "hunter2" not in str(failure.value)
