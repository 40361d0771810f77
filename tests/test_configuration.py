from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.configuration import ConfigError, dump_yaml, load_yaml_as, parse_yaml_as


class _Mode(Enum):
    FAST = "fast"
    EXACT = "exact"


@dataclass(frozen=True)
class _Grid:
    cell_m: float
    width: int = 3

    def __post_init__(self) -> None:
        if self.cell_m <= 0:
            raise ValueError(f"a cell needs a size above 0, got {self.cell_m}")


@dataclass(frozen=True)
class _Pillars:
    kind: Literal["pillars"] = "pillars"
    channels: int = 32


@dataclass(frozen=True)
class _Voxels:
    kind: Literal["voxels"] = "voxels"
    height_m: float = 0.2


@dataclass(frozen=True)
class _Model:
    grid: _Grid
    encoder: _Pillars | _Voxels = field(default_factory=_Pillars)
    range_m: tuple[float, float] = (0.0, float("inf"))
    stages: tuple[_Pillars, ...] = ()
    name: str = "model"
    mode: _Mode = _Mode.FAST
    folder: Path | None = None
    shuffled: bool = False


def _model(text: str) -> _Model:
    return parse_yaml_as(_Model, text, origin="a.yaml")


def test_a_file_becomes_the_dataclass_with_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("grid: {cell_m: 0.2}\nencoder: {kind: voxels}\nstages: [{channels: 8}, {}]\n")
    assert load_yaml_as(_Model, file) == _Model(_Grid(0.2), _Voxels(), stages=(_Pillars(channels=8), _Pillars()))


def test_every_kind_of_value_is_read() -> None:
    text = "{grid: {cell_m: 1}, range_m: [-1.5, .inf], mode: exact, folder: /a/b, shuffled: true}"
    assert _model(text) == _Model(
        _Grid(1.0), range_m=(-1.5, float("inf")), mode=_Mode.EXACT, folder=Path("/a/b"), shuffled=True
    )


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 0.001), ("1E5", 1e5), ("-.5e+2", -50.0), ("2.", 2.0), ("-.inf", float("-inf"))]
)
def test_numbers_are_those_of_yaml_1_2(text: str, value: float) -> None:
    assert _model(f"{{grid: {{cell_m: 1}}, range_m: [0, {text}]}}").range_m[1] == value


@pytest.mark.parametrize("text", ["on", "no", "y", "1:30", "2020-01-01", "0x1F", "1_000"])
def test_what_yaml_1_1_would_take_for_something_else_is_text(text: str) -> None:
    assert _model(f"{{grid: {{cell_m: 1}}, name: {text}}}").name == text


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", ["the file: must be a mapping of keys to values"]),
        ("{}", ["grid: is missing"]),
        ("grid: 3", ["grid: must be a mapping of keys to values"]),
        ("grid: {cell_m: '3'}", ["grid.cell_m: should be a valid number, got '3'"]),
        ("grid: {cell_m: 1, width: 3.5}", ["grid.width: ", "got 3.5"]),
        ("grid: {cell_m: 1, width: true}", ["grid.width: ", "got True"]),
        ("grid: {cell_m: -1}", ["grid: a cell needs a size above 0, got -1.0"]),
        ("grid: {cell_m: 1, heigth: 2}\nnmae: a", ["grid.heigth: is not a known key", "nmae: is not a known key"]),
        ("{grid: {cell_m: 1}, stages: [{}, {chanels: 1}]}", ["stages[1].chanels: is not a known key"]),
        ("{grid: {cell_m: 1}, encoder: {kind: voxels, high: 1}}", ["encoder.high: is not a known key"]),
        ("{grid: {cell_m: 1}, range_m: [1]}", ["range_m[1]: is missing"]),
        ("{grid: {cell_m: 1}, mode: slow}", ["mode: should be 'fast' or 'exact', got 'slow'"]),
    ],
)
def test_a_mistake_is_named_by_file_and_key(text: str, mistakes: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        _model(text)
    assert str(error.value).startswith("a.yaml is not a valid config:\n")
    for mistake in mistakes:
        assert mistake in str(error.value)


@pytest.mark.parametrize("text", ["grid: [", "a: 1\na: 2", "a: !!timestamp 2020-01-01", "!!python/name:os.system ''"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.yaml is not readable as YAML"):
        _model(text)


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_yaml_as(_Model, tmp_path / "none.yaml")


def test_only_dataclasses_are_configs() -> None:
    with pytest.raises(TypeError, match="must be a dataclass, got dict"):
        parse_yaml_as(dict, "{}", origin="a.yaml")


def test_the_whole_config_is_written_with_its_defaults() -> None:
    text = dump_yaml(_Grid(0.5))
    assert text == "cell_m: 0.5\nwidth: 3\n"


@given(
    cell_m=st.floats(min_value=1e-12, allow_nan=False),
    range_m=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    name=st.sampled_from(["1e3", ".5", "010", "no", "~", "", " a", "1:30", ".inf", "true", "a: b", "- a", "# a", "\n"])
    | st.text(st.characters(exclude_categories=["Cs"])),
    encoder=st.sampled_from([_Pillars(), _Voxels(height_m=1e-7)]),
)
def test_what_is_written_reads_back_equal(
    cell_m: float, range_m: tuple[float, float], name: str, encoder: _Pillars | _Voxels
) -> None:
    config = replace(_Model(_Grid(cell_m), encoder, range_m), name=name, folder=Path("a/b"), mode=_Mode.EXACT)
    assert _model(dump_yaml(config)) == config
