"""The colours of code: no letter is lost, whatever the text is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gittrack.site.syntax import LANGUAGES, cut_lines, cut_pieces, language_of, mark, to_html

WORDS = (
    'def |f|(|)|:|\n|\r\n|"|"""|\'|#|//|/*|*/|1.5e3| |\t|{|}|<!--|\\|é|🦊|\u2028|\x0c|\r|key: |[a]|select '
).split("|")
CODE = st.lists(st.sampled_from(WORDS)).map("".join)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@given(text=CODE)
@example(text='key: "\r\n')
def test_the_pieces_of_a_text_are_the_text(language: str, text: str) -> None:
    pieces = list(cut_pieces(text, language))
    assert "".join(piece for _, piece in pieces) == text
    assert all(kind != after for (kind, _), (after, _) in pairwise(pieces))
    assert sum(mark(text, language)[::2]) == len(text.encode("utf-16-le")) // 2
    lines = cut_lines(text, language)
    assert ["".join(piece for _, piece in line) for line in lines] == text.splitlines()


def test_words_get_the_kind_that_they_are() -> None:
    lines = cut_lines(
        'def train(lr=0.1):\n    """A text\n    of two lines."""\n    return "<b>"  # why\n', "python"
    )
    assert lines[0][:3] == [(1, "def"), (0, " "), (5, "train")]
    assert lines[2] == [(3, '    of two lines."""')]
    assert to_html(lines[3]) == (
        '    <i class="t1">return</i> <i class="t2">"&lt;b&gt;"</i>  <i class="t3"># why</i>'
    )


@pytest.mark.parametrize(
    ("path", "language"),
    [("a/b.py", "python"), ("X.YML", "yaml"), ("Makefile", None), ("py", None), ("a.py/data.bin", None)],
)
def test_the_language_is_told_by_the_name(path: str, language: str | None) -> None:
    assert language_of(path) == language
