"""The roles a person can hold. A grant gives one of them over an area and a unit, for a time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    name: str
    label: str
    personal: bool = False
    """May see telephone numbers of others unmasked, because the post must call them."""
    keeper: bool = False
    """One of the three separated keepers; a person holds at most one."""
    looks: bool = False
    """Looks and does nothing. It comes from the world that is entered and is never granted."""


ROLES = {
    role.name: role
    for role in (
        Role("leader", "局领导", personal=True),
        Role("duty_lead", "带班领导", personal=True),
        Role("duty_officer", "值班员", personal=True),
        Role("flood_office", "市防办", personal=True),
        Role("district_duty", "区市值班", personal=True),
        Role("town_duty", "镇街值班", personal=True),
        Role("village_officer", "灾害信息员"),
        Role("reservoir_keeper", "水库责任人"),
        Role("inspector", "执法人员"),
        Role("office", "处室经办"),
        Role("office_head", "处室负责人"),
        Role("legal", "法制审核"),
        Role("discipline", "纪检监察"),
        Role("internal_audit", "内部审计"),
        Role("personnel", "人事干部"),
        Role("team", "救援队伍"),
        Role("enterprise", "企业"),
        Role("system_keeper", "系统管理员", keeper=True),
        Role("security_keeper", "安全管理员", keeper=True),
        Role("audit_keeper", "审计管理员", keeper=True),
        Role("guest", "演示访客", looks=True),
        Role("observer", "演练观摩", looks=True),
    )
}

STAFF = ("leader", "duty_lead", "duty_officer", "flood_office", "district_duty", "town_duty")
COMMAND = ("leader", "duty_lead", "duty_officer", "flood_office")
LOOKERS = tuple(role.name for role in ROLES.values() if role.looks)
GRANTED = tuple(role.name for role in ROLES.values() if not role.looks)
BUREAU = ("office", "office_head", "legal", "discipline", "internal_audit", "personnel")
"""The offices of the bureau beside its duty room."""
READERS = (*STAFF, "inspector", *BUREAU, *LOOKERS)
