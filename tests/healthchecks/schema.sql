-- The tables of Healthchecks that are read, after its public model definitions (hc/accounts/models.py and
-- hc/api/models.py) as Django makes them. {words in braces} are what the two databases have of their own.

CREATE TABLE auth_user (
    id {key},
    username varchar(150) NOT NULL UNIQUE,
    email varchar(254) NOT NULL,
    password varchar(128) NOT NULL,
    is_active {flag} NOT NULL
);

CREATE TABLE accounts_project (
    id {key},
    code {uuid} NOT NULL UNIQUE,
    name varchar(200) NOT NULL,
    owner_id integer NOT NULL REFERENCES auth_user (id),
    api_key varchar(128) NOT NULL,
    api_key_readonly varchar(128) NOT NULL,
    badge_key varchar(150) NOT NULL UNIQUE,
    ping_key varchar(128) NULL UNIQUE,
    show_slugs {flag} NOT NULL
);

CREATE TABLE accounts_member (
    id {key},
    user_id integer NOT NULL REFERENCES auth_user (id),
    project_id integer NOT NULL REFERENCES accounts_project (id),
    role varchar(1) NOT NULL,
    transfer_request_date {time} NULL
);

CREATE TABLE api_check (
    id {key},
    name varchar(100) NOT NULL,
    slug varchar(100) NOT NULL,
    tags varchar(500) NOT NULL,
    code {uuid} NOT NULL UNIQUE,
    "desc" text NOT NULL,
    project_id integer NOT NULL REFERENCES accounts_project (id),
    created {time} NOT NULL,
    kind varchar(10) NOT NULL,
    timeout {span} NOT NULL,
    grace {span} NOT NULL,
    schedule varchar(100) NOT NULL,
    tz varchar(36) NOT NULL,
    filter_subject {flag} NOT NULL,
    filter_body {flag} NOT NULL,
    filter_http_body {flag} NOT NULL,
    filter_default_fail {flag} NOT NULL,
    start_kw varchar(200) NOT NULL,
    success_kw varchar(200) NOT NULL,
    failure_kw varchar(200) NOT NULL,
    methods varchar(30) NOT NULL,
    manual_resume {flag} NOT NULL,
    badge_key {uuid} NOT NULL UNIQUE,
    n_pings integer NOT NULL,
    last_ping {time} NULL,
    last_start {time} NULL,
    last_start_rid {uuid} NULL,
    last_duration {span} NULL,
    has_confirmation_link {flag} NOT NULL,
    alert_after {time} NULL,
    status varchar(6) NOT NULL
);

CREATE TABLE api_channel (
    id {key},
    name varchar(100) NOT NULL,
    code {uuid} NOT NULL UNIQUE,
    project_id integer NOT NULL REFERENCES accounts_project (id),
    created {time} NOT NULL,
    kind varchar(20) NOT NULL,
    value text NOT NULL,
    email_verified {flag} NOT NULL,
    disabled {flag} NOT NULL,
    last_notify {time} NULL,
    last_notify_duration {span} NULL,
    last_error varchar(200) NOT NULL
);

CREATE TABLE api_channel_checks (
    id {key},
    channel_id integer NOT NULL REFERENCES api_channel (id),
    check_id integer NOT NULL REFERENCES api_check (id),
    UNIQUE (channel_id, check_id)
);

CREATE TABLE api_ping (
    id {long_key},
    n integer NULL,
    owner_id integer NOT NULL REFERENCES api_check (id),
    created {time} NOT NULL,
    kind varchar(6) NULL,
    scheme varchar(10) NOT NULL,
    remote_addr {address} NULL,
    method varchar(10) NOT NULL,
    ua varchar(200) NOT NULL,
    body_raw {bytes} NULL,
    object_size integer NULL,
    exitstatus smallint NULL,
    rid {uuid} NULL
);

CREATE TABLE api_flip (
    id {key},
    owner_id integer NOT NULL REFERENCES api_check (id),
    created {time} NOT NULL,
    processed {time} NULL,
    old_status varchar(8) NOT NULL,
    new_status varchar(8) NOT NULL,
    reason varchar(8) NOT NULL
);
