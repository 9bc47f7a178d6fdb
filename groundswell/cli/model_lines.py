"""How weights, rulings and drift read on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundswell.cli.output import table

if TYPE_CHECKING:
    from groundswell.drift import Drift
    from groundswell.model_gate import Ruling
    from groundswell.promotion import Promoted
    from groundswell.training import Trained
    from storage.records import ModelEvent

# What the gate says, for people.
REASONS = {
    "better": "在你自己的标注上更好，随程序的标注上不差：可以上线 (may be promoted)",
    "too_few_labels": "留作检验的标注太少，无法判断 (too few labels held out to tell)",
    "not_better": "在你自己的标注上看不出更好，区间含零 (not better than chance)",
    "fewer_right": "概率更准但判对的更少 (fewer right answers)",
    "worse_on_shipped": "在随程序的标注上变差了 (worse on the rows that come with the program)",
}


def trained_lines(made: Trained, *, is_registered: bool) -> Iterator[str]:
    """Say what came of a training."""
    yield f"版本 version    {made.version}（{made.place}）"
    yield f"学自 learned    {made.learned_from} 条纠正，另留 {made.held_out} 条只用来检验"
    yield from ruling_lines(made.ruling)
    if not is_registered:
        return
    if made.ruling.promotes:
        yield f"下一步 next     groundswell model promote {made.version}"
    else:
        yield "没有上线，仍用原来的版本；坚持上线：groundswell model promote VERSION --force"


def ruling_lines(ruling: Ruling) -> Iterator[str]:
    """Say what the gate thinks, with its figures."""
    if ruling.gain is not None and ruling.own_f1 is not None:
        before, after = ruling.own_f1
        yield (
            f"自己的标注 own  {ruling.labels} 条：损失下降 {ruling.gain:+.4f}"
            f"（90 % 区间 {ruling.gain_low:+.4f} 到 {ruling.gain_high:+.4f}），"
            f"macro-F1 {before:.3f} → {after:.3f}"
        )
    else:
        yield f"自己的标注 own  {ruling.labels} 条"
    before, after = ruling.shipped_f1
    yield f"随程序的 shipped {ruling.shipped_rows} 条：macro-F1 {before:.3f} → {after:.3f}"
    yield f"把关 gate       {ruling.reason}：{REASONS[ruling.reason]}"


def list_lines(document: dict[str, Any]) -> Iterator[str]:
    """Say which version of each kind is at work, and what happened."""
    for kind, known in document.items():
        yield f"{kind}：在用 at work {known['at_work']}"
        if known["promoted"] != known["at_work"]:
            yield f"  {known['promoted']} 的文件缺失或损坏，暂用随程序的版本 (unusable)"
        missing = {e.version for e in known["events"]} - {*known["versions"], "shipped"}
        rows = [_event_row(event, missing) for event in known["events"]]
        if rows:
            yield from table(("time", "version", "what", "by", "note"), rows)
        yield ""


def _event_row(event: ModelEvent, missing: set[str]) -> tuple[str, ...]:
    ruling = event.detail.get("ruling") or {}
    note = str(event.detail.get("reason") or ruling.get("reason") or "")
    if event.version in missing:
        note = f"{note} (files are gone)".strip()
    return (f"{event.at:%Y-%m-%d %H:%M}Z", event.version, event.action, event.actor, note)


def figure_lines(figures: dict[str, Any]) -> Iterator[str]:
    """Say the figures of an evaluation."""
    for name, value in figures.items():
        if not isinstance(value, dict | list):
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            yield f"{name:<28} {shown}"


def promoted_lines(done: Promoted) -> Iterator[str]:
    """Say what is at work now."""
    yield f"在用 at work    {done.version}（此前 {done.before}）"
    yield f"重判 judged     {done.judged_again} 条（未结事件与最近 7 天），正在运行的程序会自动接手"
    if done.ruling is not None:
        yield from ruling_lines(done.ruling)


def drift_lines(found: list[Drift]) -> Iterator[str]:
    """Say how each source's texts stand against its own past."""
    from groundswell.drift import WORDS

    if not found:
        yield "还没有数据：每夜检查一次，正在运行的程序会补上错过的日子 (nothing measured yet)"
        return
    rows = [
        (
            one.source_id,
            WORDS[one.state],
            "—" if one.psi is None else f"{one.psi:.2f}",
            _shares(one.unknown),
            _shares(one.unsure),
            f"{one.n}/{one.n_before}",
            "；".join(one.reasons),
        )
        for one in found
    ]
    yield from table(("source", "state", "PSI", "生词 unknown", "存疑 unsure", "n", "why"), rows)


def _shares(pair: tuple[float, float] | None) -> str:
    return "—" if pair is None else f"{pair[0]:.0%} → {pair[1]:.0%}"
