"""Results in official formats, written through the command line from small simulated datasets and read by others."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bevseg.cli import main
from bevseg.datasets.open import OpenOptions, open_source
from bevseg.datasets.sample import Sample
from bevseg.evaluation.kitti_ap import KittiFrame, kitti_average_precisions
from bevseg.evaluation.kitti_objects import KittiObjects, read_kitti_labels
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap
from bevseg.results.scene_file import write_scene
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.kitti import write_kitti
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes
from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

pytest.importorskip("nuscenes.eval.detection", reason="needs the extra `datasets`")

STREET = SimulationConfig(seed=4, sensors=("vlp-16",), range_m=30.0, density=(1.0, 1.0))
NUSCENES = NuScenesWriterConfig(STREET, scenes=2, keyframes=2, val_share=1.0)
"""In these two scenes each of the ten classes occurs within the range that it is scored in."""

DRIVE = DriveConfig(replace(STREET, seed=5, frames=3, range_m=25.0, density=(0.6, 0.6)), speed_mps=8.0)

Change = Callable[[Scene], Scene]


@dataclass(frozen=True)
class Run:
    """One evaluation: its folder and its metrics."""

    folder: Path
    metrics: dict[str, Any]

    @property
    def submission(self) -> Path:
        return self.folder / "submission"

    @property
    def source(self) -> dict[str, Any]:
        return dict(self.metrics["sources"][0])

    def files(self) -> dict[str, bytes]:
        """What was written, but for times and what a method said."""
        written = (path for path in sorted(self.submission.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.submission)): path.read_bytes() for path in written}


def as_found(sample: Sample) -> Scene:
    """The truth, as if a network had found it: objects that have points, and the labels of points."""
    truth = sample.annotations
    things = (truth.label >= SemanticClass.BARRIER) & (truth.label <= SemanticClass.TRUCK)
    kept = np.flatnonzero(things & (truth.num_points > 0))
    found = Instances.from_detections(
        label=truth.label[kept],
        score=np.linspace(1.0, 0.5, len(kept), dtype=np.float32),
        boxes=truth.boxes[kept],
        velocity_mps=truth.velocity_mps[kept],
        amodal=footprint_masks(truth.boxes[kept], EVALUATION_GRID),
    )
    none = np.zeros(len(sample.cloud), np.uint8)
    semantic = none if truth.point_semantic is None else truth.point_semantic
    instance = none if truth.point_instance is None else truth.point_instance
    return Scene(
        stamp_ns=sample.cloud.stamp_ns,
        frame="lidar",
        instances=replace(found, id=(kept + 1).astype(np.int32)),  # which the labels of points refer to
        occlusion=OcclusionGraph.empty(len(kept)),
        visibility=VisibilityMap(EVALUATION_GRID, np.full(EVALUATION_GRID.shape, CellState.UNOBSERVED, np.uint8)),
        points=PointLabels(semantic, instance.astype(np.int32)),
        timings_ms={"forward": 2.0},
    )


def damaged(scene: Scene) -> Scene:
    """Every third object is lost, the others are a little off, and every seventh point is labelled as noise."""
    kept = np.arange(len(scene.instances)) % 3 > 0
    shifted = scene.instances[kept]
    boxes = shifted.boxes + np.array([0.6, 0.2, 0, 0, 0, 0, 0], np.float32)
    shifted = replace(shifted, boxes=boxes, amodal=footprint_masks(boxes, EVALUATION_GRID))
    some = np.arange(len(scene.points.semantic)) % 7 > 0
    points = PointLabels(scene.points.semantic * some, scene.points.instance * some)
    return replace(scene, instances=shifted, occlusion=OcclusionGraph.empty(len(shifted)), points=points)


@pytest.fixture(scope="module")
def nuscenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nuscenes")
    write_nuscenes(NUSCENES, folder)
    _take_the_place_of_a_point(folder)
    return folder


def _take_the_place_of_a_point(folder: Path) -> None:
    """The tenth point of the first scan is nowhere; such points are of no class."""

    def row(table: str) -> dict[str, Any]:
        rows = json.loads((folder / NUSCENES.version / f"{table}.json").read_text())
        return dict(rows[0] if table == "panoptic" else next(r for r in rows if r["token"] == token))

    labels = row("panoptic")
    token = labels["sample_data_token"]
    scan = folder / row("sample_data")["filename"]
    rows = np.fromfile(scan, "<f4").reshape(-1, 5)
    rows[10, 0] = np.nan
    rows.tofile(scan)
    with np.load(folder / labels["filename"]) as stored:
        packed = stored["data"].copy()
    packed[10] = 0
    np.savez_compressed(folder / labels["filename"], data=packed)


@pytest.fixture(scope="module")
def kitti(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kitti")
    write_kitti(DriveSource(DRIVE), folder)
    for labels in (folder / "training" / "label_2").iterdir():
        with labels.open("a") as file:
            file.write("DontCare -1 -1 -10 500.0 170.0 590.0 190.0 -1 -1 -1 -1000 -1000 -1000 -10\n")
    shutil.rmtree(folder / "training" / "label_02")
    return folder


@pytest.fixture(scope="module")
def semantic_kitti(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("semantic_kitti")
    write_semantic_kitti(DriveSource(DRIVE), folder)
    return folder


@pytest.fixture(scope="module")
def evaluated(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Evaluates stored scenes: the truth, changed."""

    def evaluate(data: Path, *options: str, change: Change = lambda scene: scene, into: Path | None = None) -> Run:
        folder = into or tmp_path_factory.mktemp("run") / "out"
        source = open_source(data, OpenOptions()).source
        for sample in (source[index] for index in range(len(source))):
            write_scene(folder / "predictions" / source.name / sample.name, change(as_found(sample)))
        arguments = ["--data", str(data), "--checkpoint", str(tiny_checkpoint), "--output", str(folder)]
        with redirect_stdout(StringIO()):
            assert main(["eval", *arguments, "--workers", "1", "--json", *options]) == 0
        return Run(folder, json.loads((folder / "metrics.json").read_text()))

    return evaluate


@pytest.fixture(scope="module")
def perfect(evaluated: Callable[..., Run], nuscenes: Path) -> Run:
    return evaluated(nuscenes, "--tracking")


@pytest.fixture(scope="module")
def worse(evaluated: Callable[..., Run], nuscenes: Path) -> Run:
    return evaluated(nuscenes, change=damaged)


def test_official_scores_of_nuscenes(perfect: Run, worse: Run) -> None:
    best, less = perfect.source["official"], worse.source["official"]
    assert best["nuScenes detection"]["mAP"] == pytest.approx(1.0, abs=1e-9)
    assert best["nuScenes detection"]["mATE"] < 1e-3
    assert best["nuScenes detection"]["NDS"] == pytest.approx(1.0, abs=5e-3)
    assert less["nuScenes detection"]["mATE"] == pytest.approx(0.63, abs=0.1)
    for name in ("mAP", "NDS"):
        assert less["nuScenes detection"][name] < best["nuScenes detection"][name] - 0.1
    assert less["nuScenes panoptic"]["PQ"] < best["nuScenes panoptic"]["PQ"] - 0.1
    assert perfect.source["official_left_out"] == []
    assert "PAT, LSTQ" in worse.source["official_left_out"][0]


def test_drives_are_scored_where_objects_are_followed(perfect: Run) -> None:
    """Truth is perfect but for identities, which the tracker has to find again after half a second."""
    official = perfect.source["official"]
    tracking, single = official["nuScenes panoptic tracking"], official["nuScenes panoptic"]
    for name in ("PQ", "mIoU"):
        assert tracking[name] == pytest.approx(single[name], abs=1e-6)  # it adds tiny numbers
    assert 0.7 < tracking["TQ"] <= 1
    assert tracking["PAT"] == pytest.approx(2 * tracking["PQ"] * tracking["TQ"] / (tracking["PQ"] + tracking["TQ"]))
    assert tracking["LSTQ"] == pytest.approx(np.sqrt(tracking["S_assoc"] * tracking["mIoU"]))


@pytest.mark.parametrize("which", ["perfect", "worse"])
def test_panoptic_scores_are_those_of_the_devkit_on_the_written_files(
    which: str, nuscenes: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nuscenes import NuScenes
    from nuscenes.eval.panoptic import evaluate

    run = request.getfixturevalue(which)
    tables = NuScenes(NUSCENES.version, str(nuscenes), verbose=False)
    tokens = [sample["token"] for sample in tables.sample]  # the devkit's panoptic evaluator knows no custom splits
    monkeypatch.setattr(evaluate, "get_samples_in_panoptic_eval_set", lambda nusc, split: tokens)
    folder = run.submission / "nuscenes"
    official = evaluate.NuScenesPanopticEval(
        tables, str(folder), "bevseg_val", task="segmentation", min_inst_points=15, out_dir=str(tmp_path), verbose=False
    )
    official.evaluate()
    said = json.loads((tmp_path / "segmentation-result.json").read_text())["segmentation"]
    ours = run.source["official"]["nuScenes panoptic"]
    for name in ("PQ", "SQ", "RQ", "mIoU"):
        assert ours[name] == pytest.approx(said["all"][name], abs=1e-9)
    assert ours["PQ-dagger"] == pytest.approx(said["all"]["PQ_dagger"], abs=1e-9)
    assert json.loads((folder / "bevseg_val" / "submission.json").read_text())["meta"]["task"] == "segmentation"
    assert len(tables.sample) == len(list((folder / "panoptic" / "bevseg_val").iterdir())) == 4


def coco_ap(run: Run) -> dict[str, float]:
    """Average precision of each class that occurs, by pycocotools."""
    with redirect_stdout(StringIO()):
        truth = COCO(str(run.submission / "coco" / "truth.json"))
        judge = COCOeval(truth, truth.loadRes(str(run.submission / "coco" / "results.json")), "segm")
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, -1]
    ap = {truth.cats[c]["name"]: float(precision[:, :, k].mean()) for k, c in enumerate(judge.params.catIds)}
    return {name: value for name, value in ap.items() if value >= 0}


@pytest.mark.parametrize("which", ["perfect", "worse"])
def test_pycocotools_says_what_we_say(which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which)
    theirs = coco_ap(run)
    assert len(theirs) > 5
    if which == "perfect":
        assert theirs == pytest.approx(dict.fromkeys(theirs, 1.0))
    _assert_same_masks_ap(run, theirs)


def _assert_same_masks_ap(run: Run, theirs: dict[str, float]) -> None:
    objects = run.source["masks"]["objects"]
    ours = {name: objects[name]["amodal"]["all"]["ap"] for name in theirs if name in objects}
    if "pedestrian" in theirs:
        ours["pedestrian"] = objects["pedestrian"]["amodal"]["all"]["ap"]
    assert ours.keys() == theirs.keys()
    for name, ap in ours.items():
        assert ap == pytest.approx(theirs[name], abs=1e-9)
    mean = objects["mean of classes"]["amodal"]["all"]["ap"]
    assert mean == pytest.approx(np.mean(list(theirs.values())), abs=1e-9)


def _as_results(labels: KittiObjects) -> KittiObjects:
    """Every object of KITTI's labels that the picture shows, found as it is."""
    shown = np.flatnonzero((labels.truncation >= 0) & (labels.truncation < 1))
    names = [labels.names[k] for k in shown]
    found = KittiObjects.without_picture(names, labels.boxes[shown], np.linspace(1.0, 0.5, len(shown)))
    return replace(found, image_height_px=labels.image_height_px[shown])


def test_kitti(evaluated: Callable[..., Run], kitti: Path) -> None:
    run, less = evaluated(kitti), evaluated(kitti, change=damaged)
    best = run.source["official"]["KITTI AP R40"]
    labels = [read_kitti_labels(path) for path in sorted((kitti / "training" / "label_2").iterdir())]
    assert all(objects.names[-1] == "DontCare" for objects in labels)
    for ap in kitti_average_precisions([KittiFrame(objects, _as_results(objects)) for objects in labels]):
        for level, value in zip(("easy", "moderate", "hard"), ap.ap.tolist(), strict=True):
            said = best[f"{ap.name} {ap.metric} {ap.min_overlap:g} {level}"]
            assert np.isnan(value) if said is None else said == pytest.approx(value, abs=1e-12)
    assert len(best) == 36
    bad = less.source["official"]["KITTI AP R40"]
    assert bad["Car 3d 0.7 hard"] < best["Car 3d 0.7 hard"] / 2
    assert sorted(run.files()) == [
        "coco/results.json",
        "coco/truth.json",
        *(f"kitti/data/00000{k}.txt" for k in range(3)),
    ]
    _assert_same_masks_ap(less, coco_ap(less))


def test_semantic_kitti(evaluated: Callable[..., Run], semantic_kitti: Path, tmp_path: Path) -> None:
    run = evaluated(semantic_kitti)
    predictions = run.submission / "semantic-kitti" / "sequences" / "00" / "predictions"
    swapped = tmp_path / "dataset"
    shutil.copytree(semantic_kitti, swapped)
    shutil.rmtree(swapped / "sequences" / "00" / "labels")
    shutil.copytree(predictions, swapped / "sequences" / "00" / "labels")
    source, again = open_source(semantic_kitti).source, open_source(swapped).source
    for index in range(len(source)):
        true, said = source[index].annotations, again[index].annotations
        assert true.point_semantic is not None
        assert true.point_instance is not None
        assert said.point_semantic is not None
        assert said.point_instance is not None
        np.testing.assert_array_equal(said.point_semantic, true.point_semantic)
        things = (true.point_semantic > 0) & (true.point_semantic <= SemanticClass.TRUCK)
        pairs = np.unique(np.stack([said.point_instance, true.point_instance])[:, things], axis=1)
        assert things.any()
        assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def test_a_resumed_run_writes_the_same_bytes(evaluated: Callable[..., Run], perfect: Run, nuscenes: Path) -> None:
    before = perfect.files()
    gone = [next((perfect.submission / "nuscenes" / "panoptic" / "bevseg_val").iterdir())]
    gone += [
        perfect.folder / "parts" / "000002.jsonl",
        perfect.folder / "scores" / "v1.0-bevseg" / "000003.safetensors",
    ]
    for path in gone:
        path.unlink()
    again = evaluated(nuscenes, "--tracking", into=perfect.folder)
    assert again.files() == before
    assert again.metrics == perfect.metrics


def test_csv_files(worse: Run) -> None:
    def table(name: str) -> list[dict[str, str]]:
        with (worse.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))

    scores, frames, failures = table("scores.csv"), table("frames.csv"), table("failures.csv")
    assert [row["category"] for row in scores] == [row["category"] for row in worse.source["rows"]]
    assert len(frames) == 4
    assert {row["drive"] for row in frames} == {"scene-2000", "scene-2001"}
    assert sum(int(row["vehicle_true_positives"]) for row in frames) == worse.source["rows"][0]["true_positives"]
    assert {row["total_ms"] for row in frames} == {"2.0"}
    assert all(0 < float(row["mean_point_iou"]) < 1 for row in frames)
    kept = {kind: found["count"] for kind, found in worse.source["failures"].items() if found["count"]}
    assert {kind: sum(row["kind"] == kind for row in failures) for kind in kept} == kept
    assert sum(int(row["failures"]) for row in frames) == len(failures)
    assert {row["frame"] for row in failures} <= {row["frame"] for row in frames}


def test_without_a_submission(evaluated: Callable[..., Run], kitti: Path) -> None:
    run = evaluated(kitti, "--no-submission")
    assert not run.submission.exists()
    assert run.source["official"] == {}


def test_damaged_scans_are_not_submitted(evaluated: Callable[..., Run], kitti: Path) -> None:
    run = evaluated(kitti, "--corrupt", "timing-jitter:0.1")
    assert not run.submission.exists()


def test_scenes_that_are_no_split_have_no_official_detection_score(
    evaluated: Callable[..., Run], nuscenes: Path
) -> None:
    run = evaluated(nuscenes, "--drive", "scene-2000")
    assert list(run.source["official"]) == ["nuScenes panoptic"]
    assert "choose one with --split" in run.source["official_left_out"][0]
    assert len(list((run.submission / "nuscenes" / "panoptic" / "v1.0-bevseg").iterdir())) == 2
