"""The ways that a form's case can go. A declaration picks one and names who does what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anlan.kernel.cases import Flow, Limit, Move


@dataclass(frozen=True)
class Plan:
    """What a way is made of: name and title, the roles that fill in and those that decide, the limits, a chain's steps."""

    name: str
    title: str
    opens: str
    decides: str
    limits: tuple[Limit, ...] = ()
    steps: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Way:
    label: str
    said: str
    first: str
    make: Callable[[Plan], Flow]


def _approval(plan: Plan) -> Flow:
    states = {"asked": "待审批", "returned": "退回修改", "approved": "已批准", "refused": "不予批准"}
    moves = (
        Move("approve", "批准", "asked", "approved", plan.decides, asks="opinion", apart=True),
        Move("send_back", "退回修改", "asked", "returned", plan.decides, needs="opinion"),
        Move("refuse", "不予批准", "asked", "refused", plan.decides, needs="opinion", danger=True),
        Move("ask_again", "再次提交", "returned", "asked", plan.opens, needs="outcome", owner=plan.owner),
    )
    return Flow(plan.name, plan.title, states, moves, "approved refused", plan.limits)


def _task(plan: Plan) -> Flow:
    states = {"open": "办理中", "handed_in": "待验收", "done": "已办结", "dropped": "已撤销"}
    moves = (
        Move("hand_in", "提交办理结果", "open", "handed_in", plan.opens, needs="outcome", owner=plan.owner),
        Move("accept", "验收通过", "handed_in", "done", plan.decides, asks="opinion", apart=True),
        Move("send_back", "退回重办", "handed_in", "open", plan.decides, needs="opinion"),
        Move("drop", "撤销", "open", "dropped", plan.decides, needs="opinion", danger=True),
    )
    return Flow(plan.name, plan.title, states, moves, "done dropped", plan.limits)


def _issue(plan: Plan) -> Flow:
    """A paper that is issued: no way leads around its review."""
    states = {"drafting": "起草", "in_review": "法制审核", "passed": "审核通过", "issued": "已印发", "dropped": "已终止"}
    moves = (
        Move("send_in", "送法制审核", "drafting", "in_review", plan.opens, needs="outcome"),
        Move("pass_it", "审核通过", "in_review", "passed", plan.decides, needs="opinion", apart=True),
        Move("send_back", "退回修改", "in_review", "drafting", plan.decides, needs="opinion"),
        Move("issue", "印发", "passed", "issued", plan.opens, needs="outcome"),
        Move("drop", "终止", "drafting", "dropped", plan.decides, needs="opinion", danger=True),
    )
    return Flow(plan.name, plan.title, states, moves, "issued dropped", plan.limits)


def _chain(plan: Plan) -> Flow:
    """One step after another; who decides may send each one back to the beginning, or end it."""
    rows = [tuple(word.split(":")) for word in plan.steps.split()]
    states = {"begun": "已申请", **{f"after_{name}": state for name, _, state, _ in rows}, "dropped": "已终止"}
    names = list(states)
    moves = [
        Move(name, said, names[n], names[n + 1], plan.decides if who == "decides" else plan.opens, asks="outcome opinion", apart=who == "decides")
        for n, (name, said, _, who) in enumerate(rows)
    ]
    open_ = " ".join(names[: len(rows)])
    moves.append(Move("drop", "终止", open_, "dropped", plan.decides, needs="opinion", danger=True))
    return Flow(plan.name, plan.title, states, tuple(moves), f"{names[len(rows)]} dropped", plan.limits)


WAYS = {
    "approval": Way("审批", "提交后批准、退回或不予批准", "asked", _approval),
    "task": Way("办理", "办理后提交结果,验收或退回重办", "open", _task),
    "issue": Way("制发文件", "起草、法制审核、印发,不经审核不能印发", "drafting", _issue),
    "chain": Way("逐步办理", "按所列步骤依次办理", "begun", _chain),
}
