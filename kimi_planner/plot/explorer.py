"""An explorer for notebooks: the live front of a plan and its named scenarios."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimi_planner.arguments import public
from kimi_planner.choose.ranking import recommend
from kimi_planner.errors import (
    KimiPlannerError,
    MissingExtraError,
    SettingError,
    is_number,
    shown,
    unknown,
)
from kimi_planner.money import usd
from kimi_planner.plan.plan_file import variants_toml
from kimi_planner.plan.projection import Projection
from kimi_planner.plan.scenario import BASE, Scenario, chosen_scenarios
from kimi_planner.plan.simulation import project
from kimi_planner.plot.explored import explored_svg
from kimi_planner.rich import Page, share_text
from kimi_planner.workload import Workload
from kimi_planner.workload.inputs import Workloads
from kimi_planner.writes import write_files

if TYPE_CHECKING:
    from ipywidgets import VBox


_ALL = "all workloads"
_PLANNED = "as planned"
_DRAFT = "explored"
_FACTORS = {"traffic": 4, "output": 3, "reasoning": 3}  # name to the most of its slider
_SHARES = {
    "growth": ("growth_per_month", range(-20, 31)),
    "cached": ("cached_share", range(0, 101, 5)),
}
_COLUMNS = ("workload", "model", "expected a month", "budget", "head-room", "fits", "choice")


@public
def explore(
    workloads: Workloads,
    *,
    n_paths: int = 500,
    scenarios: Iterable[Scenario] = (),
    **settings: Any,
) -> Explorer:
    """Show sliders for a plan and its scenarios, and the spend they lead to beside the plan.

    Parameters
    ----------
    workloads : Workload or iterable of Workload
        What may happen.
    n_paths : int
        Number of paths.
    scenarios : iterable of Scenario
        Named variants of the plan to choose from; what is moved holds in them too.
    **settings
        Passed to `project`: ``months``, ``start``, ``models``, ``as_of``, ``seed``, ``catalog``.

    Returns
    -------
    Explorer
        What a notebook shows. Moving a slider projects the chosen workloads again, and redraws the
        picture; ``projection`` is the plan as it is shown, `Explorer.save` writes it to a file.

    Raises
    ------
    MissingExtraError
        If ipywidgets is not installed.
    SettingError, UnknownModelError, PriceNotFoundError
        As `project` does.

    Notes
    -----
    Amounts are those of `project` with as few paths, which also follows fewer conversations where a
    window cuts some: they differ from those of many paths by about 2% there.

    Examples
    --------
    >>> from kimi_planner import Workload
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> shown = explore(chat, months=1, start="2027-01", as_of="2026-11-28")  # in a notebook
    >>> shown.set(traffic=2, workload="chat")
    >>> shown.draft.words
    'traffic × 2, of chat'
    """
    return Explorer(project(workloads, n_paths=n_paths, **settings), scenarios)


@public
class Explorer:
    """Sliders on a plan, and what comes out; made by `explore`.

    Attributes
    ----------
    planned, projection
        The plan as it was, and as it is shown.
    scenarios
        Named variants by name, those that were kept included.
    box
        The widgets.

    Examples
    --------
    >>> chat = Workload(name="chat", requests_per_day=1000, prompt_tokens=2000, completion_tokens=300)
    >>> plan = project(chat, 1, "2027-01", as_of="2026-11-28", n_paths=500)
    >>> Explorer(plan).draft is None  # until something is moved
    True
    """

    def __init__(self, planned: Projection, scenarios: Iterable[Scenario] = ()) -> None:
        try:
            import ipywidgets
        except ImportError:
            raise MissingExtraError.of("ipywidgets", "notebook") from None
        self.planned = self.projection = planned
        self.scenarios = {one.name: one for one in chosen_scenarios(scenarios)}
        self._is_held = False

        def percent(stops: range) -> Any:
            options = [_PLANNED, *(f"{share}%" for share in stops)]
            return ipywidgets.SelectionSlider(options=options, continuous_update=False)

        self._controls: dict[str, Any] = {
            "workload": ipywidgets.Dropdown(
                options=[(_ALL, ""), *((name, name) for name in planned.names)]
            ),
            "scenario": ipywidgets.Dropdown(options=[BASE, *self.scenarios]),
            **{
                name: ipywidgets.FloatSlider(
                    1.0, min=0, max=most, step=0.05, continuous_update=False
                )
                for name, most in _FACTORS.items()
            },
            **{name: percent(stops) for name, (_, stops) in _SHARES.items()},
            "choice": ipywidgets.Checkbox(value=False, indent=False),
        }
        for name, control in self._controls.items():
            control.description = "fit and choice" if name == "choice" else name
            control.observe(self._redraw, names="value")
        self._name = ipywidgets.Text(placeholder="March doubled", description="keep as")
        self._file = ipywidgets.Text("explored.toml", description="file")
        self._shown, self._chosen, self._said = (ipywidgets.HTML() for _ in range(3))
        actions = {
            "Back to the plan": self.reset,
            "Keep as scenario": lambda: self.keep(self._name.value),
            "Save workload file": lambda: self.save(self._file.value),
        }
        back, keep, save = (self._button(ipywidgets, *action) for action in actions.items())
        rows = [ipywidgets.HBox([self._name, keep]), ipywidgets.HBox([self._file, save])]
        notes = ipywidgets.HTML(Page(notes=planned.notes).html())
        self.box: VBox = ipywidgets.VBox(
            [*self._controls.values(), back, self._shown, self._chosen, *rows, self._said, notes]
        )
        self._redraw()

    def _button(self, ipywidgets: Any, words: str, act: Any) -> Any:
        button = ipywidgets.Button(
            description=words, layout=ipywidgets.Layout(width="auto", align_self="flex-start")
        )

        def clicked(_: object) -> None:
            try:
                self._say(act() or "")
            except KimiPlannerError as error:
                self._say(str(error))

        button.on_click(clicked)
        return button

    def _say(self, words: object) -> None:
        self._said.value = Page(title=str(words)).html()

    @property
    def draft(self) -> Scenario | None:
        """What is moved, as a scenario; ``None`` where nothing is."""
        values = {name: control.value for name, control in self._controls.items()}
        changes: dict[str, Any] = {
            name: float(f"{values[name]:.6g}") for name in _FACTORS if values[name] != 1
        }
        for name, (key, _) in _SHARES.items():
            if values[name] != _PLANNED:
                changes[key] = int(values[name][:-1]) / 100
        whose = values["workload"]
        if not changes:
            return None
        return Scenario(name=_DRAFT, changes=changes, workloads=(whose,) if whose else None)

    @property
    def workloads(self) -> list[Workload]:
        """The workloads with what is moved, as a file has them; a scenario stands beside them."""
        return (
            self.draft.applied(self.planned.workloads)
            if self.draft
            else list(self.planned.workloads)
        )

    def set(self, **values: Any) -> None:
        """Move controls, and draw once; all of them, or none where a value is refused.

        Parameters
        ----------
        **values
            By name: ``workload`` (or ``None`` for all) and ``scenario``; ``traffic``, ``output`` and
            ``reasoning``, factors; ``growth="5%"`` a month and ``cached="35%"``, or ``"as planned"``;
            ``choice``, whether fit and choice stand below.

        Raises
        ------
        SettingError
            If there is no such control, or it cannot be moved there.
        """
        moved = {name: self._allowed(name, value) for name, value in values.items()}
        self._is_held = True
        for name, value in moved.items():
            self._controls[name].value = value
        self._is_held = False
        self._redraw()

    def _allowed(self, name: str, value: Any) -> Any:
        """Return where a control moves to; a slider would go to its end for what lies beyond it."""
        if name not in self._controls:
            raise SettingError(unknown("There is no control", name, self._controls))
        if name in _FACTORS:
            if not (is_number(value) and 0 <= value <= _FACTORS[name]):
                raise SettingError(
                    f"{name} is {shown(value)}. Give a factor from 0 to {_FACTORS[name]}."
                )
            return float(value)
        value = "" if value is None and name == "workload" else value
        options = {"choice": (True, False), "workload": ("", *self.planned.names)}
        allowed: Any = options.get(name) or self._controls[name].options
        if not isinstance(value, str | bool) or value not in allowed:
            known = (str(one) for one in allowed if one != "")
            raise SettingError(unknown(f"{name} is", value, known, "There is"))
        return value

    def reset(self) -> None:
        """Move every control back to the plan."""
        self.set(
            workload=None,
            scenario=BASE,
            **dict.fromkeys(_FACTORS, 1.0),
            **dict.fromkeys(_SHARES, _PLANNED),
        )

    def keep(self, name: str) -> str:
        """Keep what is moved as a named scenario, which can be chosen from now on.

        Raises
        ------
        SettingError
            If the name is none for a scenario.
        """
        if self.draft is None:
            return "Nothing is moved, so there is nothing to keep."
        scenario = replace(self.draft, name=name)
        self.scenarios[name] = scenario
        self.reset()
        self._is_held = True  # new options choose the first
        self._controls["scenario"].options = [BASE, *self.scenarios]
        self.set(scenario=name)
        return f"{name}: {scenario.words}"

    def toml(self, folder: str | Path = ".") -> str:
        """Return a workload file: the workloads as they are moved, and every named scenario.

        Raises
        ------
        WorkloadError
            If a workload cannot be written.
        """
        return variants_toml(self.workloads, tuple(self.scenarios.values()), to=folder)

    def save(self, path: str | Path, *, overwrite: bool = False) -> str:
        """Write that workload file.

        Raises
        ------
        FileError
            If it cannot be written, or is there with other content.
        """
        target = Path(path)
        content = self.toml(target.parent).encode()
        write_files({target: content}, overwrite=overwrite)
        return f"{target} is written."

    def _redraw(self, _: object = None) -> None:
        if self._is_held:  # while several are moved
            return
        whose, chosen = self._controls["workload"].value or None, self._controls["scenario"].value
        draft = self.draft
        try:
            self.projection = draft.of_plan(self.planned) if draft else self.planned
            if chosen != BASE:
                self.projection = self.scenarios[chosen].of_plan(self.projection)
        except KimiPlannerError as error:
            self._say(error)
            return
        words = [draft.words if draft else "", chosen if chosen != BASE else ""]
        title = ", ".join(filter(None, words)) or _PLANNED
        self._shown.value = explored_svg(self.projection, self.planned, whose, title)
        self._chosen.value = self._choice() if self._controls["choice"].value else ""

    def _choice(self) -> str:
        """Return the model of each workload with what is moved: spend, budget, fit and basis."""
        chosen = recommend(self.projection.workloads, projection=self.projection)
        months = len(self.projection.months)
        rows = []
        for decision in chosen.decisions:
            name, model = decision.workload, decision.model
            mean = float(self.projection.of(model, name).mean().sum()) / months
            budget = self.projection.budget(name)
            rows.append(
                (
                    name,
                    model,
                    usd(mean),
                    "none" if budget is None else usd(budget),
                    "" if budget is None else usd(float(budget) - mean),
                    share_text(chosen.fit.of(name, model).fit_share),
                    "; ".join([decision.basis, *decision.conditions, *decision.reasons]),
                )
            )
        frame = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        return Page(frame=frame, numbers=_COLUMNS[2:6]).html()

    def __repr__(self) -> str:
        moved = self.draft.words if self.draft else "nothing moved"
        return (
            f"<Explorer of {len(self.planned.names)} workloads, {moved}. {self.planned.provenance}>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return {**self.box._repr_mimebundle_(**kwargs), "text/plain": repr(self)}
