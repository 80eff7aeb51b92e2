"""The calls of the client healthchecks-io, against the server at argv[1] with the key argv[2] and the
ping key argv[3]; it fails where one of them does."""

import sys

from healthchecks_io import CheckCreate, CheckTrap, CheckUpdate, Client

base, api_key, ping_key = sys.argv[1:]
for version in (1, 2, 3):
    client = Client(
        api_key=api_key,
        ping_key=ping_key,
        api_url=f"{base}/api/",
        ping_url=f"{base}/ping/",
        api_version=version,
    )
    made = client.create_check(
        CheckCreate(name=f"Job {version}", tags="prod client", timeout=3600, grace=120, desc="by PyPI")
    )
    assert made.status == "new" and made.timeout == 3600 and made.uuid, made
    cron = client.create_check(CheckCreate(name=f"Cron {version}", schedule="*/5 * * * *", tz="Europe/Berlin"))
    assert cron.timeout is None, cron
    again = client.create_check(CheckCreate(name=f"Job {version}", grace=180, unique=["name"]))
    assert again.uuid == made.uuid and again.grace == 180, again
    changed = client.update_check(made.uuid, CheckUpdate(tags="prod", grace=240))
    assert changed.tags == "prod" and changed.grace == 240, changed
    assert client.get_check(made.uuid).name == f"Job {version}"
    assert any(check.uuid == made.uuid for check in client.get_checks(tags=["prod"]))
    assert client.success_ping(uuid=made.uuid, data="well") == (True, "OK")
    assert client.start_ping(uuid=made.uuid) == (True, "OK")
    assert client.exit_code_ping(0, uuid=made.uuid) == (True, "OK")
    assert client.fail_ping(uuid=made.uuid, data="ill") == (True, "OK")
    if version < 3:
        with CheckTrap(client, slug=f"job-{version}") as trap:
            trap.add_log("all is done")
    pings = client.get_check_pings(made.uuid)
    assert [ping.type for ping in pings][-4:] == ["fail", "success", "start", "success"], pings
    assert client.pause_check(made.uuid).status == "paused"
    assert [channel.name for channel in client.get_integrations()] == ["hook"]
    badges = client.get_badges()
    assert "prod" in badges and badges["*"].svg.startswith("http"), badges
    gone = client.delete_check(made.uuid)
    assert gone.uuid == made.uuid, gone
    client.delete_check(cron.uuid)
print("all calls are taken")
