from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from bevseg.instances.heads.output import HeadOutput
from bevseg.learning.batch import Batch, collate, prepare
from bevseg.learning.objective import ObjectiveConfig, objective
from bevseg.learning.targets import TargetConfig
from bevseg.network import build_network

from .test_batch import MODEL, scan


@pytest.fixture(scope="module")
def batch() -> Batch:
    return collate([prepare(scan(seed), MODEL, TargetConfig()) for seed in (0, 1)])


@pytest.fixture
def output(batch: Batch) -> HeadOutput:
    torch.manual_seed(0)
    network = build_network(replace(MODEL, precision="fp32"))
    found = network(batch.cells, len(batch))
    assert isinstance(found, HeadOutput)
    return found


def test_every_part_has_a_weight_of_its_own(batch: Batch, output: HeadOutput) -> None:
    whole = objective(output, batch, ObjectiveConfig())
    assert set(whole.terms) == {field.name for field in fields(ObjectiveConfig)}
    for name in whole.terms:
        without = objective(output, batch, replace(ObjectiveConfig(), **{name: 0.0}))
        assert without.total.item() == pytest.approx((whole.total - whole.terms[name]).item(), rel=1e-4)


def test_steps_against_the_gradient_lower_every_part(batch: Batch) -> None:
    torch.manual_seed(0)
    network = build_network(replace(MODEL, precision="fp32"))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    first = objective(network(batch.cells, len(batch)), batch, ObjectiveConfig())
    for _ in range(25):
        loss = objective(network(batch.cells, len(batch)), batch, ObjectiveConfig())
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
    last = objective(network(batch.cells, len(batch)), batch, ObjectiveConfig())
    for name in ("heat", "foreground", "box", "semantic"):
        assert last.terms[name] < 0.8 * first.terms[name], name


def test_a_batch_without_objects_still_teaches_empty_ground(output: HeadOutput, batch: Batch) -> None:
    bare = replace(
        batch,
        heat=torch.zeros_like(batch.heat),
        foreground=torch.zeros_like(batch.foreground),
        cell=batch.cell[:0],
        cell_offset_m=batch.cell_offset_m[:0],
        cell_weight=batch.cell_weight[:0],
        center=batch.center[:0],
        center_class=batch.center_class[:0],
        center_box=batch.center_box[:0],
        center_weight=batch.center_weight[:0],
    )
    loss = objective(output, bare, ObjectiveConfig())
    assert torch.isfinite(loss.total)
    assert loss.terms["heat"] > 0
    assert loss.terms["box"] == 0
