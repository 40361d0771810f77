import pytest

from bevseg.results.classes import (
    GROUP_OF_CLASS,
    NUM_CLASSES,
    STUFF_CLASSES,
    THING_CLASSES,
    ClassGroup,
    SemanticClass,
    classes_of,
)


def test_ten_things_and_six_stuffs_have_nuscenes_indices() -> None:
    assert NUM_CLASSES == 17
    assert [int(c) for c in THING_CLASSES] == list(range(1, 11))
    assert [int(c) for c in STUFF_CLASSES] == list(range(11, 17))
    assert SemanticClass.CONSTRUCTION_VEHICLE.label == "construction_vehicle"
    assert int(SemanticClass.VEGETATION) == 16


def test_noise_is_neither_thing_nor_stuff() -> None:
    assert not SemanticClass.NOISE.is_thing
    assert SemanticClass.NOISE not in STUFF_CLASSES


def test_every_thing_is_in_one_group_and_nothing_else_is() -> None:
    members = [c for group in ClassGroup for c in classes_of(group)]

    assert sorted(members) == list(THING_CLASSES)
    assert [int(c) for c in SemanticClass if GROUP_OF_CLASS[c] < 0] == [0, *STUFF_CLASSES]


@pytest.mark.parametrize(
    ("group", "name", "size"),
    [
        (ClassGroup.VEHICLE, "vehicle", 5),
        (ClassGroup.PEDESTRIAN, "pedestrian", 1),
        (ClassGroup.TWO_WHEELER, "two_wheeler", 2),
        (ClassGroup.STATIC, "static", 2),
    ],
)
def test_groups(group: ClassGroup, name: str, size: int) -> None:
    assert group.label == name
    assert len(classes_of(group)) == size
