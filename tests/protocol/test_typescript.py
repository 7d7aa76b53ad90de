"""The generated types: fresh, and each kind of hint has its TypeScript."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from protocol import typescript
from protocol.codes import Cause, CloseCode, Code
from protocol.commands import Dial
from protocol.entities import Action, Party
from protocol.messages import Delta, Hello
from protocol.typescript import TARGET, comment, field_sentences, generate, interface, main, type_of


def test_the_widget_has_the_types_of_today() -> None:
    assert TARGET.read_text("utf-8") == generate(), "stale: run `python -m protocol.typescript`"


def test_every_code_is_in_the_file() -> None:
    text = generate()
    for code in Code:
        assert f"  {code.value}: {{ temporary:" in text
    for cause in Cause:
        assert f'  "{cause.value}",' in text
    for close in CloseCode:
        assert f"  {close.name}: {int(close)}," in text


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, "string"),
        (int, "number"),
        (float | None, "number | null"),
        (bool, "boolean"),
        (Annotated[str, msgspec.Meta(max_length=3)], "string"),
        (Literal["a", "b"], '"a" | "b"'),
        (Action, "Action"),
        (Code, "Code"),
        (Party, "Party"),
        (tuple[str, ...], "readonly string[]"),
        (tuple[Literal["a", "b"], ...], 'readonly ("a" | "b")[]'),
        (dict[str, Party], "Readonly<Record<string, Party>>"),
        (dict[Action, Code | None], "Partial<Readonly<Record<Action, Code | null>>>"),
    ],
)
def test_type_of(hint: object, expected: str) -> None:
    assert type_of(hint) == expected


def test_a_hint_that_the_wire_does_not_use_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        type_of(set[str])


def test_a_frame_is_told_apart_by_its_tag_and_says_what_may_be_absent() -> None:
    text = interface(Delta)
    assert '  readonly t: "delta";\n' in text
    assert "  readonly seq: number;\n" in text
    assert "  readonly calls?: Readonly<Record<string, Call>>;\n" in text
    assert "  readonly phone?: Phone;\n" in text


def test_sentences_come_from_under_the_fields_and_from_the_bases() -> None:
    assert field_sentences(Hello)["ticket"] == "From `POST /api/session`; once, for 30 s."
    assert "id" in field_sentences(Dial)


class Undescribed(msgspec.Struct):
    """Has a field without a sentence."""

    field: int


class Silent(msgspec.Struct):
    field: int
    """A sentence."""


def test_what_has_no_sentence_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Undescribed\.field has no sentence"):
        interface(Undescribed)
    with pytest.raises(TypeError, match="Silent has no docstring"):
        interface(Silent)


def test_comments_of_one_and_of_more_lines() -> None:
    assert comment("One.") == "/** One. */\n"
    assert comment("One.\n\n    Two.", "  ") == "  /**\n   * One.\n   *\n   * Two.\n   */\n"


def test_writing_again_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(typescript, "TARGET", tmp_path / "src" / "protocol.ts")
    assert main() == 0
    assert capsys.readouterr().out == "wrote protocol.ts\n"
    assert main() == 0
    assert capsys.readouterr().out == ""
