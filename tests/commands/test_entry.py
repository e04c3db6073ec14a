"""The entry point: Ctrl-C while the commands are imported."""

import sys
from types import ModuleType

import pytest

from commands.entry import run


class Interrupted(ModuleType):
    """A module whose import Ctrl-C breaks off."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_during_imports_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "commands.main", Interrupted("commands.main"))
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")
