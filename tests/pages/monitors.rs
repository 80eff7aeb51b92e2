//! Devices and blacklist monitors on their pages.

use super::desk::Desk;
use crate::support::visitor::Visitor;
use crate::support::{both_databases, until};

const FORM: [(&str, &str); 10] = [
    ("service_type", "tcp"),
    ("scheme", "https"),
    ("target_value", "127.0.0.1"),
    ("location", "rack 3"),
    ("is_enabled", "1"),
    ("interval", "1"),
    ("timeout", "5"),
    ("retries", "0"),
    ("tls_expiry_days", "14"),
    ("origin_scheme", ""),
];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = FORM.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    own.chain(more.iter().copied()).collect()
}

both_databases! {
    async fn a_device_is_made_seen_changed_and_deleted_by_its_forms(database) {
        let mut desk = Desk::open(database).await;
        let list = format!("{}/monitors", desk.project);
        let new = format!("{list}/new");
        let page = desk.visitor.get(&list).await;
        assert!(page.text().contains("Nothing is probed yet"), "{}", page.text());
        assert!(desk.visitor.get(&new).await.text().contains("name=\"target_value\""));
        // What does not fit is told at its field, and what was typed stays.
        let wrong = desk.visitor.submit(&new, &with(&[("port", "x")])).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.text().contains("id=\"port-error\"") && wrong.text().contains("rack 3"));
        let wrong = desk.visitor.submit(&new, &with(&[("target_value", "http://x/")])).await;
        assert!(wrong.status == 400 && wrong.text().contains("id=\"target_value-error\""));
        let port = desk.server.address().port().to_string();
        let form = with(&[("port", &port)]);
        assert_eq!(desk.visitor.submit(&new, &form).await.status, 303);
        let twice = desk.visitor.submit(&new, &form).await;
        assert!(twice.status == 400 && twice.text().contains("already"), "{}", twice.text());
        let page = until("it is up", async || {
            let page = desk.visitor.get(&list).await.text().to_owned();
            (page.contains("Up</span>") && page.contains("rack 3")).then_some(page)
        })
        .await;
        assert!(page.contains(&format!("127.0.0.1:{port} (tcp)")), "{page}");
        let edit = page.split('"').find(|part| part.ends_with("/edit")).unwrap().to_owned();
        let shown = desk.visitor.get(&edit).await;
        assert!(shown.text().contains("value=\"rack 3\""), "{}", shown.text());
        let change = with(&[("port", &port), ("location", "rack 4")]);
        assert_eq!(desk.visitor.submit(&edit, &change).await.status, 303);
        assert!(desk.visitor.get(&list).await.text().contains("rack 4"));
        let delete = edit.replace("/edit", "/delete");
        assert_eq!(desk.visitor.submit(&delete, &[]).await.status, 303);
        assert!(desk.visitor.get(&list).await.text().contains("Nothing is probed yet"));
        assert_eq!(desk.visitor.get(&edit).await.status, 404);
    }

    async fn a_listing_has_a_form_of_its_own_and_other_projects_have_none_of_it(database) {
        let mut desk = Desk::open(database).await;
        let list = format!("{}/monitors", desk.project);
        let new = format!("{list}/new?kind=blacklist");
        let form = desk.visitor.get(&new).await;
        assert!(!form.text().contains("name=\"service_type\""), "{}", form.text());
        let sent = [("target_value", "mail.example.org")];
        assert_eq!(desk.visitor.submit(&new, &sent).await.status, 303);
        let page = desk.visitor.get(&list).await;
        assert!(page.text().contains("mail.example.org") && page.text().contains("Paused"));
        let edit = page.text().split('"').find(|part| part.ends_with("/edit")).unwrap().to_owned();
        desk.server.new_user("stranger@example.org");
        let mut stranger = Visitor::at(&desk.server).signed_in("stranger@example.org").await;
        assert!(stranger.get(&edit).await.status >= 400);
        let delete = edit.replace("/edit", "/delete");
        assert!(stranger.submit(&delete, &[]).await.status >= 400);
        assert_eq!(desk.visitor.get(&edit).await.status, 200);
    }
}
