"""Marks of classified papers: what is one, and what is none."""

import tomllib

import pytest

from emailsec.lib.classified import PATH, is_marked

MARKS = tomllib.loads(PATH.read_text(encoding="utf-8"))["mark"]


def examples(key):
    return [
        pytest.param(text, row.get("names", False), id=f"{row['pattern'][:12]} {text}")
        for row in MARKS
        for text in row[key]
    ]


@pytest.mark.parametrize(("text", "name"), examples("found"))
def test_a_mark_is_found(text, name):
    assert is_marked(text, name=name)


@pytest.mark.parametrize(("text", "name"), examples("passes"))
def test_an_honest_text_passes(text, name):
    assert not is_marked(text, name=name)


def test_what_only_a_file_name_may_not_say_may_stand_in_a_text():
    assert is_marked("机密文件.docx", name=True)
    assert not is_marked("机密文件不在本系统处理")


def test_the_word_is_hidden_neither_by_width_nor_by_blanks():
    assert is_marked("机\u3000密\n★\u00a0１０年")
