"""What schemathesis can't know from the description alone: the formats that are ours, and which
objects there are. Everything else is generated from the description."""

import base64
import ipaddress

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

# Ids in bodies must be those of objects that are there: these are made before the run.
OWN = {"channels": 1, "checks": 1}
LARGEST = 1e300


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


@schemathesis.hook
def before_call(context, case, kwargs):
    if not isinstance(case.body, dict):
        return
    body = plain(case.body)
    for name, own in OWN.items():
        if is_ids(body.get(name)):
            body[name] = [own] if body[name] else []
    case.body = body
