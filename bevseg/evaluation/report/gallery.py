"""The worst failures in pictures: drawn on all cores, shown with filters."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.report.case_pictures import VIEWS, Shown, draw_case, encode_small
from bevseg.evaluation.report.cases import Case
from bevseg.evaluation.report.html_tables import figure
from bevseg.evaluation.report.names import MEANING, words
from bevseg.evaluation.report.page import Section, note
from bevseg.evaluation.run import EvaluatedSource, Method
from bevseg.processes import work_off
from bevseg.results.instances import Instances
from bevseg.whole_files import write_whole

_PICTURE_BYTES = 17_000
"""Of each picture at most: 10 kinds of failures with 6 cases of 5 pictures are 7 MB in base 64."""
_REACHES = ((15.0, "0 to 15 m"), (30.0, "15 to 30 m"), (50.0, "30 to 50 m"), (float("inf"), "over 50 m"))


def draw_cases(
    cases: Sequence[Case],
    sources: Sequence[EvaluatedSource],
    method: Callable[[], Method],
    folder: Path,
    *,
    workers: int,
    done: Callable[[], object] = lambda: None,
) -> None:
    """Draws the pictures of all cases into a folder, see `picture_path`.

    Args:
        cases: What failed.
        sources: Of the evaluation; the places of the cases are among them.
        method: Opens what gives the result of a frame again, in whichever process; it has to be picklable.
        folder: Where the pictures go.
        workers: Processes.
        done: Called after each case.

    Raises:
        ValueError: There is no result any more of a frame in which predictions were scored.
    """
    runs = [sorted((c for c in cases if c.place.source == k), key=lambda c: c.place) for k in range(len(sources))]
    work_off(_DrawJob(tuple(sources), method, folder), runs, workers, done=done)


def picture_path(folder: Path, case: Case, view: str) -> Path:
    """Where a picture of a case is; `view` is one of `VIEWS`."""
    return folder / f"{case.key}-{view}.jpg"


def gallery_section(cases: Sequence[Case], sources: Sequence[str], folder: Path) -> Section:
    """The cases with their pictures, which stand in the page itself.

    Args:
        cases: What failed.
        sources: Names of all sources, those without a failure too.
        folder: Where the pictures are.
    """
    lead = (
        "The worst failures of each kind, at most six, all drawn from above around the object concerned (x is up). "
        "Target and prediction have the colours of classes. Overlay: green was found, orange is wrong, grey does not "
        "count, dashed boxes are the truth, missed ones in pink. Close-up, cell by cell: green is in both masks, pink "
        "in the truth alone, orange in the prediction alone; true boxes are white, predicted ones dashed in yellow."
    )
    body = (
        join((_filters(cases, sources), *(_case(case, folder) for case in cases))) if cases else note("Nothing failed.")
    )
    return Section("gallery", "The worst failures in pictures", lead, body)


@dataclass(eq=False)
class _DrawJob:
    """Draws one case after the other; cases of one frame follow each other."""

    sources: tuple[EvaluatedSource, ...]
    method: Callable[[], Method]
    folder: Path
    _opened: dict[int, Source] = field(default_factory=dict)
    _frame: tuple[tuple[int, int], Sample, Instances] | None = None
    _method: Method | None = None

    def __call__(self, case: Case) -> None:
        source = self.sources[case.place.source]
        sample, instances = self._result_of(case)
        shown = Shown.of(sample, instances, source.scoring, case)
        for view, image in draw_case(shown, case).items():
            write_whole(picture_path(self.folder, case, view), encode_small(image, max_bytes=_PICTURE_BYTES))

    def _result_of(self, case: Case) -> tuple[Sample, Instances]:
        place, source = case.place, self.sources[case.place.source]
        if self._frame is None or self._frame[0] != place:
            if place.source not in self._opened:
                self._opened = {place.source: source.open()}
            if self._method is None:
                self._method = self.method()
            sample = self._opened[place.source][place.frame]
            found = self._method(source.name, sample)
            if found is None and case.prediction >= 0:
                raise ValueError(
                    f"{source.name}/{case.frame}: a prediction of it was scored, but its result is gone: keep the "
                    "folder of scenes beside the scores, or evaluate into an empty folder"
                )
            instances = Instances.empty(source.scoring.rule.grid) if found is None else found.instances
            self._frame = (place, sample, instances)
        return self._frame[1], self._frame[2]


def _filters(cases: Sequence[Case], sources: Sequence[str]) -> Html:
    choices = {
        "kind": ("failure", [words(c.kind.label) for c in cases]),
        "object": ("class", [words(c.label.label) for c in cases]),
        "origin": ("source", list(sources)),
        "reach": ("distance", sorted((_reach(c.range_m) for c in cases), key=[name for _, name in _REACHES].index)),
    }
    fields = [tag("label", f"{title} ", _select(name, options)) for name, (title, options) in choices.items()]
    return tag("form", *fields, tag("output"), class_="filters", autocomplete="off")


def _select(name: str, options: Iterable[str]) -> Html:
    each = [tag("option", option, value=option) for option in dict.fromkeys(options)]
    return tag("select", tag("option", "all", value=""), *each, name=name)


def _reach(range_m: float) -> str:
    return next(name for end, name in _REACHES if range_m <= end)


def _case(case: Case, folder: Path) -> Html:
    kind, label = words(case.kind.label), words(case.label.label)
    said = (
        f"{case.source} / {case.frame} · {case.range_m:.1f} m away, at ({case.xy_m[0]:.1f}, {case.xy_m[1]:.1f}) · "
        f"severity {figure(case.severity, digits=2)}"
    )
    title = tag("h3", f"{kind}: {label}", tag("span", MEANING[case.kind]))
    views = tag("div", *(_view(case, view, folder) for view in VIEWS), class_="views")
    return tag(
        "article",
        title,
        tag("p", said, class_="note"),
        views,
        class_="case",
        data_kind=kind,
        data_object=label,
        data_origin=case.source,
        data_reach=_reach(case.range_m),
    )


def _view(case: Case, view: str, folder: Path) -> Html:
    data = b64encode(picture_path(folder, case, view).read_bytes()).decode()
    about = f"{view} ({VIEWS[view]}): {words(case.kind.label)}, {case.source} / {case.frame}"
    image = tag("img", src=f"data:image/jpeg;base64,{data}", alt=about, title=about, loading="lazy")
    return tag("figure", image, tag("figcaption", view))
