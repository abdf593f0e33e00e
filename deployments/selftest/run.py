"""Walk the matrix: a flow's acts one after the other, the fault after each, the invariants, the next trigger."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from gauntlet.deployments.selftest.invariants import broken_always, broken_at_rest
from gauntlet.deployments.selftest.matrix import IN_TURN, KILLED, LOST, ROWS, Fault, FlowRow
from gauntlet.deployments.selftest.plant import Plant, Running, current_champion, lapse, newest
from gauntlet.tasks.registry.aliases import Holder

AWAY_S = 2.0
Say = Callable[[str], None]


@dataclass
class Report:
    """What was walked: cells by (flow, act, fault), and what was broken where."""

    cells: list[tuple[str, str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Acts times faults by flow, and every broken invariant."""
        walked = []
        for row in ROWS:
            faults = Counter(fault for flow, _, fault in self.cells if flow == row.name)
            if faults:
                counts = ", ".join(f"{fault} {count}" for fault, count in faults.items())
                walked.append(f"{row.name}: {len(row.acts)} acts, {faults.total()} cells ({counts})")
        return [*walked, *self.broken, f"{len(self.broken)} invariants broken in {len(self.cells)} cells"]


@dataclass
class Case:
    """One beginning of a flow: what it is called with, and who is champion when it was brought to its end."""

    row: FlowRow
    parameters: Mapping[str, Any]
    expected: Callable[[], Holder]


@dataclass
class Walk:
    """The state of a walk over the matrix. `offered`: files that were given to be scored."""

    plant: Plant
    say: Say
    report: Report = field(default_factory=Report)
    offered: int = 1
    seeds: int = 1000
    challenger: Holder | None = None

    def acts(self, row: FlowRow) -> list[str]:
        """What the flow does when nothing disturbs it; broken where that is not what the table says."""
        case = self.begin(row)
        done = self.plant.run(row.flow, case.parameters)
        if not done.ended:
            self.report.broken.append(f"{row.name}: fails undisturbed after {done.acts[-1:]}")
        if tuple(done.acts) != row.acts:
            self.report.broken.append(f"{row.name}: its acts are {done.acts}, the table has {list(row.acts)}")
        self._check(f"{row.name}, undisturbed", broken_at_rest(self.plant, self.offered))
        return done.acts

    def column(self, row: FlowRow, fault_of: Mapping[str, Fault]) -> None:
        """Each act, in order, with its fault. What a fault left is what the next act's run begins with."""
        case: Case | None = None
        for act, fault in fault_of.items():
            cell = f"{row.name}, {act}, {fault.name}"
            case, running = self._reach(row, case, act, fault)
            if case is None:
                self.report.broken.append(f"{cell}: the act was not reached")
                continue
            self.report.cells.append((row.name, act, fault.name))
            self.say(cell.replace(", ", " · "))
            self._check(cell, broken_always(self.plant))
            if running.ended or fault.name == "frozen" or self._moved(case):
                self._settle(case, cell)
                case = None
        if case is not None:
            self._settle(case, f"{row.name}, at its end")

    def _reach(self, row: FlowRow, case: Case | None, act: str, fault: Fault) -> tuple[Case | None, Running]:
        """The run in which the fault followed the act, with its case; None where it was not reached, from the start either."""
        for start in (case, None):
            begun = start or self.begin(row)
            running = self._disturb(begun, act, fault)
            if act in running.acts:
                return begun, running
            self._settle(begun)
        return None, running

    def begin(self, row: FlowRow) -> Case:
        """A fresh start of a flow."""
        plant = self.plant
        if row.name == "score":
            self.offered += 1
            return Case(row, {"data": plant.new_file()}, lambda: plant.champion)
        if row.name == "drift-check":
            self.offered += 1
            plant.run("score", {"data": plant.new_file()})
            return Case(row, {}, lambda: plant.champion)
        plant.aliases()
        if row.name == "retrain":
            self.seeds += 1
            return Case(row, {**row.parameters, "seed": self.seeds}, lambda: newest(plant))
        challenger = self._challenger()
        plant.aliases(challenger=challenger)
        if row.name == "promote":
            return Case(row, row.parameters, lambda: challenger)
        plant.run("promote", {})
        return Case(row, row.parameters, lambda: plant.champion)

    def _challenger(self) -> Holder:
        if self.challenger is None:
            self.seeds += 1
            self.plant.run("retrain", {"verdict": "operating_change", "seed": self.seeds})
            self.challenger = newest(self.plant)
        return self.challenger

    def _moved(self, case: Case) -> bool:
        """The aliases are as they should be in the end: a next run finds nothing to do."""
        return case.row.name in ("retrain", "promote", "roll back") and current_champion(self.plant) == case.expected()

    def _settle(self, case: Case, cell: str = "") -> None:
        """The next trigger, and what has to hold then."""
        lapse(self.plant)
        self.plant.run(case.row.flow, case.parameters)
        if not cell:
            return
        champion = current_champion(self.plant)
        if champion != case.expected():
            self._check(cell, [f"{champion} is champion after the next trigger, not {case.expected()}"])
        self._check(f"{cell}, after the next trigger", broken_at_rest(self.plant, self.offered))

    def _check(self, cell: str, broken: Sequence[str]) -> None:
        for sentence in broken:
            self.report.broken.append(f"{cell}: {sentence}")
            self.say(self.report.broken[-1])

    def _disturb(self, case: Case, act: str, fault: Fault) -> Running:
        """The flow, with the fault after the act, at its end."""
        running = self.plant.start(case.row.flow, case.parameters, act, fault.name)
        if fault.name == "frozen":
            self._freeze(case, running)
        elif fault.name not in ("killed", "terminated", "answer lost", "disk full"):
            self._outage(running, fault)
        running.join()
        return running

    def _freeze(self, case: Case, running: Running) -> None:
        """Another has its turn while the child stands still; then it goes on, and may write nothing."""
        process = psutil.Process(running.process.pid)
        while running.process.exitcode is None:
            if process.status() == psutil.STATUS_STOPPED:
                lapse(self.plant)
                self.plant.run(case.row.flow, case.parameters)
                process.send_signal(signal.SIGCONT)
                return
            time.sleep(0.01)

    def _outage(self, running: Running, fault: Fault) -> None:
        while running.process.exitcode is None and not running.signal_file.exists():
            time.sleep(0.01)
        if not running.signal_file.exists():
            return
        with _away(self.plant, fault):
            running.signal_file.unlink()
            time.sleep(AWAY_S)


@contextmanager
def _away(plant: Plant, fault: Fault) -> Iterator[None]:
    """The fault, for the time of the block."""
    server, _, how = fault.name.partition(" ")
    if server == "database":
        with sqlite3.connect(plant.engine.url.database or "", isolation_level=None) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                lock.execute("ROLLBACK")
        return
    gateways = [plant.gateways[server]] if server in plant.gateways else list(plant.gateways.values())
    for gateway in gateways:
        gateway.mode = {"away": "refuse", "cuts": "cut", "slow": "slow"}[how]
    try:
        yield
    finally:
        for gateway in gateways:
            gateway.mode = "open"


def walk(plant: Plant, rows: Sequence[FlowRow], faults: Sequence[Fault], day: int, say: Say = print) -> Report:
    """The matrix of these flows. `faults` empty: one an act, by the day."""
    walked = Walk(plant, say)
    for row in rows:
        acts = walked.acts(row)
        for column in columns(acts, faults, day):
            walked.column(row, column)
    return walked.report


def columns(acts: Sequence[str], faults: Sequence[Fault], day: int) -> list[dict[str, Fault]]:
    """Which fault follows which act: one column a fault, or, where none is named, one in which they rotate."""
    if not faults:
        return [{act: rotating(act, place + day) for place, act in enumerate(acts)}]
    return [{act: fault for act in acts if fault.follows(act)} for fault in faults]


def rotating(act: str, turn: int) -> Fault:
    """Every other day kill -9; on the days between a lost answer, where the act can have one, and one of the others."""
    if turn % 2 == 0:
        return KILLED
    if turn // 2 % 2 == 0 and LOST.follows(act):
        return LOST
    return IN_TURN[turn // 4 % len(IN_TURN)]
