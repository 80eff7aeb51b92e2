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
CHECK, CHANNEL, USER = 1, 1, 2


def whole(value):
    """To JSON Schema 60.0 is an integer; the contract wants whole numbers written as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return value


@schemathesis.hook
def map_body(context, body):
    body = whole(body)
    if isinstance(body, dict):
        for name, own in (("channels", CHANNEL), ("checks", CHECK)):
            value = body.get(name)
            if isinstance(value, list) and all(isinstance(one, int) and one > 0 for one in value):
                body[name] = [own] if value else []
    return body
