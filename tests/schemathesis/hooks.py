"""What schemathesis can't know from the description alone: the formats that are ours, and which
objects there are. Everything else is generated from the description."""

import base64
import ipaddress
import re

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format(
    "iana-time-zone", st.sampled_from(["UTC", "Europe/Budapest", "Asia/Seoul", "America/St_Johns"])
)
schemathesis.openapi.format(
    "ip-network",
    st.one_of(
        st.ip_addresses().map(str),
        st.integers(0, 32).map(lambda bits: str(ipaddress.ip_network((0x0A000000, bits), strict=False))),
    ),
)

schemathesis.openapi.format(
    "http-url",
    st.tuples(
        st.sampled_from(["http", "https"]),
        st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?\.example", fullmatch=True),
        st.from_regex(r"(/[A-Za-z0-9._~$-]{0,20}){0,3}", fullmatch=True),
    ).map(lambda parts: f"{parts[0]}://{parts[1]}{parts[2]}"),
)
schemathesis.openapi.format(
    "webhook-secret",
    st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
)

SCHEDULES = {
    "cron": ["* * * * *", "*/5 2-4 1,15 * MON-FRI", "0 0 L * *", "30 3 * * 5#2", "@daily", "0 0 30 2 *"],
    "oncalendar": ["daily", "Mon..Fri *-*-* 03:30", "*-*~01 12:00 Asia/Tokyo", "*:0/10", "2020-01-01"],
}
schemathesis.openapi.format(
    "cron-or-oncalendar", st.sampled_from(SCHEDULES["cron"] + SCHEDULES["oncalendar"])
)

# Ids in bodies must be those of objects that are there: these are made before the run.
OWN = {"channels": 1, "checks": 1}
LARGEST = 1e300
# Null goes only with the other kind: on its own, what is said is that nothing changes.
NULLS = [("period", None), ("schedule", None)]


@schemathesis.serializer("application/toml")
def toml(context, value):
    """A file for the import: as it was generated, a text."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def plain(value):
    """Numbers as the contract wants them: to JSON Schema 60.0 is an integer, and numbers have no
    end; here whole numbers are written as such, and none is larger than a double can be."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return LARGEST
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return int(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value


def is_ids(value):
    return isinstance(value, list) and all(type(one) is int and 0 < one < 2**63 for one in value)


def consistent(fields):
    """A kind, a period and a schedule that fit together, where each of them alone is fine."""
    kind, schedule = fields.get("kind"), fields.get("schedule")
    if kind not in ("simple", "cron", "oncalendar"):
        return
    if isinstance(schedule, str):
        # The kind follows from the schedule.
        del fields["kind"]
    elif schedule is None and kind in SCHEDULES:
        fields["schedule"] = SCHEDULES[kind][0]


def is_webhook(config):
    """Whether these are the settings of a webhook, by the names of their fields."""
    return isinstance(config, dict) and bool({"url_down", "url_up"} & set(config))


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path.endswith(("/schedule-preview", "/replay")) and isinstance(case.query, dict):
        consistent(case.query)
    if not isinstance(case.body, dict):
        return
    body = plain(case.body)
    if case.path.endswith("/channel") and "kind" in body and is_webhook(body.get("config")):
        body["kind"] = "webhook"
    if re.search(r"/check(/[^/]*)?$", case.path):
        consistent(body)
        if body.get("kind") == "simple" or isinstance(body.get("schedule"), type(None)):
            body = {name: value for name, value in body.items() if (name, value) not in NULLS}
    for name, own in OWN.items():
        if is_ids(body.get(name)):
            body[name] = [own] if body[name] else []
    # There is no device.
    if type(body.get("device_id")) is int and 0 < body["device_id"] < 2**63:
        body["device_id"] = None
    case.body = body
