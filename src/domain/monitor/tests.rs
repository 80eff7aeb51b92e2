use super::*;
use crate::fault::Fault;

fn device(target: &str, service: &str) -> Device {
    Device {
        target_type: "domain".to_owned(),
        target_value: target.to_owned(),
        service_type: service.to_owned(),
        ..Device::default()
    }
}

fn wrong(device: Device) -> String {
    match device.checked(1) {
        Err(Fault::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_web_server_without_flags_is_asked_as_its_scheme_says() {
    let https = device("Example.ORG.", "web").checked(1).unwrap();
    assert_eq!(https.target_value, "example.org");
    assert_eq!(https.scheme.as_deref(), Some("https"));
    assert_eq!(https.probes(), [Probe::PublicHttps, Probe::PublicTls]);
    let http = Device { scheme: Some("HTTP".to_owned()), ..device("localhost", "web") };
    let http = http.checked(1).unwrap();
    assert_eq!((http.probes(), http.web_port(WebScheme::Http)), (vec![Probe::PublicHttp], 80));
    assert_eq!(device("pelda.hu", "ssh").checked(1).unwrap().probes(), [Probe::Port]);
}

#[test]
fn a_port_is_that_of_the_devices_own_scheme() {
    let both = Device {
        scheme: Some("http".to_owned()),
        port: Some(8080),
        check_public_http: true,
        check_public_https: true,
        ..device("example.org", "web")
    };
    let both = both.checked(1).unwrap();
    assert_eq!((both.web_port(WebScheme::Http), both.web_port(WebScheme::Https)), (8080, 443));
    assert_eq!(both.name(), "example.org:8080 (http)");
}

#[test]
fn what_does_not_fit_is_named() {
    let good = || device("example.org", "web");
    assert_eq!(wrong(Device { target_type: "host".into(), ..good() }), "target_type");
    for target in ["", "http://example.org", "a b", "-a.org", "192.0.2.1", "a..b"] {
        assert_eq!(wrong(device(target, "web")), "target_value", "{target}");
    }
    let address = |value: &str| Device { target_type: "ip".into(), ..device(value, "ping") };
    assert_eq!(wrong(address("example.org")), "target_value");
    assert_eq!(address("::ffff:192.0.2.1").checked(1).unwrap().target_value, "192.0.2.1");
    assert_eq!(wrong(device("example.org", "gopher")), "service_type");
    assert_eq!(wrong(Device { scheme: Some("ftp".into()), ..good() }), "scheme");
    assert_eq!(wrong(Device { port: Some(0), ..good() }), "port");
    assert_eq!(wrong(device("example.org", "tcp")), "port");
    assert_eq!(wrong(Device { expect_status: Some(42), ..good() }), "expect_status");
    assert_eq!(wrong(Device { interval: 0, ..good() }), "interval");
    assert_eq!(wrong(Device { timeout: 61, ..good() }), "timeout");
    assert_eq!(wrong(Device { retries: 11, ..good() }), "retries");
    assert_eq!(wrong(Device { check_origin_http: true, ..good() }), "origin_host");
    assert_eq!(wrong(Device { host_header: Some("a b".into()), ..good() }), "host_header");
    let odd = Device { check_public_http: true, ..device("example.org", "ssh") };
    assert_eq!(wrong(odd), "service_type");
    let quick = Device { interval: 1, ..good() };
    assert!(matches!(quick.checked(5), Err(Fault::Invalid { field, .. }) if field == "interval"));
}

#[test]
fn devices_are_the_same_when_target_service_scheme_port_and_origin_are() {
    let one = device("example.org", "web").checked(1).unwrap();
    let note = Device { location: Some("rack 3".into()), interval: 5, ..one.clone() };
    assert_eq!(one.fingerprint(), note.fingerprint());
    let port = Device { port: Some(8443), ..one.clone() };
    assert_ne!(one.fingerprint(), port.fingerprint());
}

fn after(mut standing: Standing, seen: &[Seen], retries: i64) -> Verdict {
    for each in seen {
        standing = standing.after(*each, retries);
    }
    standing.verdict
}

#[test]
fn a_verdict_changes_only_when_so_many_results_in_a_row_agree() {
    use Seen::{Bad, Good, Nothing};
    let new = Standing { verdict: Verdict::Pending, against: 0 };
    assert_eq!(after(new, &[Good, Good], 2), Verdict::Pending);
    assert_eq!(after(new, &[Good, Good, Good], 2), Verdict::Up);
    assert_eq!(after(new, &[Good, Bad, Good, Good], 2), Verdict::Pending);
    assert_eq!(after(new, &[Bad, Nothing, Bad], 1), Verdict::Down);
    let up = Standing { verdict: Verdict::Up, against: 0 };
    assert_eq!(after(up, &[Bad, Bad, Good, Bad, Bad], 2), Verdict::Up);
    assert_eq!(after(up, &[Bad, Bad, Bad], 2), Verdict::Down);
    assert_eq!(after(up, &[Bad], 0), Verdict::Down);
    let down = Standing { verdict: Verdict::Down, against: 0 };
    assert_eq!(after(down, &[Good, Nothing, Good, Good], 2), Verdict::Up);
    assert!(down.after(Good, 1).is_open() && !down.after(Bad, 1).is_open());
}

#[test]
fn a_listing_is_a_name_or_an_address() {
    assert_eq!(Listing::new("domain", "SMTP1.pelda.hu").unwrap().target_value, "smtp1.pelda.hu");
    assert_eq!(Listing::new("ip", "1.2.3.4").unwrap().fingerprint(), "ip 1.2.3.4");
    assert!(Listing::new("ip", "1.2.3").is_err() && Listing::new("", "a").is_err());
}
