"""groundswell explain: what the program makes of a text or of a stored mention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.output import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    chosen,
    example,
    show,
    table,
)

if TYPE_CHECKING:
    from groundswell.explain import BrandAnswer, Explanation


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command(
        help="Explain a text or a mention: brands, score, class, cluster, who is told. 解释。"
        + example('groundswell explain "澜禾养生壶用了两天底座就冒烟，客服一直推脱"')
    )(explain)


def explain(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="a text, or the id of a stored mention")],
    brand: Annotated[str | None, typer.Option(help="only this brand")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge one text as the pipeline would; nothing is written."""
    from datetime import UTC, datetime

    from config.errors import GroundswellError
    from groundswell import wiring
    from groundswell.explain import Explainer, text_as_mention
    from groundswell.label_values import read_id
    from groundswell.models import Live
    from storage.records import MentionId

    choices = chosen(context, config=config, database=database, as_json=as_json)
    with wiring.opened(choices.config, choices.database) as (project, store):
        if text.isdigit():
            number = read_id(text)
            with store.read() as queries:
                mention = None if number is None else queries.mention(MentionId(number))
            if mention is None:
                raise GroundswellError(
                    f"no mention {text[:40]}; give a text in quotes to explain that"
                )
        else:
            mention = text_as_mention(text, datetime.now(UTC))
        explainer = Explainer(
            project=project,
            analyst=wiring.make_analyst(
                project, Live.of(store), wiring.make_fits(project, store, datetime.now(UTC))
            ),
            store=store,
            restore=wiring.restorer(project),
        )
        explanation = explainer.explain(mention, brand)
    show(choices, explanation, _lines(explanation))


def _lines(explanation: Explanation) -> list[str]:
    notes = [f"说明 note       {note}" for note in explanation.notes]
    if not explanation.brands:
        none = "没有匹配到任何品牌 (no brand matched): 该提及记为 no_brand, 不再往下走"
        return [none, *notes]
    return [line for answer in explanation.brands for line in _brand_lines(answer)] + notes


def _brand_lines(answer: BrandAnswer) -> list[str]:
    classes = "、".join((answer.issue_class, *answer.also))
    others = f"中性 neutral {answer.neutral:.2f}，正面 positive {answer.positive:.2f}"
    lines = [
        f"品牌 brand      {answer.brand} ({answer.brand_id})，命中：{'、'.join(answer.hits)}",
        f"负面 negative   {answer.negative:.2f} → {answer.polarity}（{others}）",
        *_sum_lines(answer),
        f"类别 class      {classes}",
    ]
    named = {
        "小类 sub-class  ": "、".join(answer.sub_classes),
        "严重事实 facts  ": "、".join(answer.severity),
        "产品 product    ": "、".join(answer.products),
        "事实 stated     ": "、".join(
            dict.fromkeys(f"{fact.kind} {fact.value}" for fact in answer.facts)
        ),
    }
    lines += [f"{name}{said}" for name, said in named.items() if said]
    if answer.noise:
        words = "、".join(answer.noise_words)
        lines.append(f"噪声 noise      {answer.noise}（{words}）：保存并标记，不算声音")
    if answer.cluster_id:
        lines.append(
            f"聚类 cluster    {answer.cluster}（{answer.cluster_size} 条，{answer.cluster_id}）"
        )
    elif answer.polarity != "not_negative" and not answer.noise:
        lines.append("聚类 cluster    新聚类（没有相似的投诉）")
    if answer.incident:
        lines.append(f"事件 incident   {answer.incident}")
    lines.append(f"规则 rule       {answer.rule}")
    lines += [f"通知 told       {line}" for line in answer.told]
    return lines


def _sum_lines(answer: BrandAnswer) -> list[str]:
    """Write the sum that the probability comes from: a bar a line, the largest twelve wide."""
    if not answer.weighed:
        return []
    most = max(abs(one.weight) for one in answer.weighed)
    rows = [
        (one.text, f"{one.weight:+.2f}", ("▮" if one.weight > 0 else "▯") * _bar(one.weight, most))
        for one in answer.weighed
    ]
    total = f"合计 {answer.log_odds:+.2f}（对数几率），即概率 {answer.negative:.2f}"
    first, *others = [*table(("词 word", "分量 weight", ""), rows), total]
    return [f"依据 terms      {first}", *(f"{'':16}{line}" for line in others)]


def _bar(weight: float, most: float) -> int:
    return max(1, round(12 * abs(weight) / most))
