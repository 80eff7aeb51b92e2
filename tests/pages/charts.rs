//! The pictures of a check on its page, on the wire: its runs, how long they took, and its months.

use serde_json::json;

use super::desk::{Desk, page_of};
use crate::support::both_databases;

both_databases! {
    async fn runs_are_drawn_one_by_one_and_stand_in_a_table(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        let page = desk.check(&check).await;
        assert!(!page.text().contains("id=\"runs\""), "nothing to draw: {}", page.text());
        for tail in ["/start", "", "/start", "/fail", "/start"] {
            desk.api.ping(&check, tail).await.says(200, "OK");
        }
        let page = desk.check(&check).await;
        let (_, section) = page.text().split_once("id=\"runs\"").unwrap();
        let (section, _) = section.split_once("</section>").unwrap();
        let (_, timeline) = section.split_once("<svg class=\"chart timeline\"").unwrap();
        let (timeline, _) = timeline.split_once("</svg>").unwrap();
        for class in ["good", "bad", "wait"] {
            let bars = timeline.matches(&format!("<rect class=\"{class}\"")).count();
            assert_eq!(bars, 1, "{class}: {timeline}");
        }
        for words in ["succeeded", "failed", "running"] {
            assert!(section.contains(&format!("<td>{words}</td>")), "{words}: {section}");
        }
        assert!(section.contains("(p95)") && section.contains("Timed runs</dt><dd>2<"), "{section}");
        assert!(section.contains("Up by month") && !section.contains("style="), "{section}");
    }

    async fn its_span_is_chosen_and_of_very_many_runs_slots_are_drawn(database) {
        let mut desk = Desk::open(database).await;
        let check = desk.api.check("job", json!({})).await;
        for _ in 0..201 {
            desk.api.ping(&check, "/start").await.says(200, "OK");
            desk.api.ping(&check, "").await.says(200, "OK");
        }
        let page = desk.get(&format!("{}?span=90d", page_of(&check))).await;
        assert!(page.text().contains("?span=90d#runs\" aria-current=\"true\""), "{}", page.text());
        assert!(page.text().contains("<td>201 runs</td>"), "{}", page.text());
        let bars = page.text().matches("<rect class=\"good\"").count();
        assert!(bars <= 6, "a bar in each picture, and the months: {bars}");
        let page = desk.get(&format!("{}?span=nonsense", page_of(&check))).await;
        assert!(page.text().contains("?span=7d#runs\" aria-current=\"true\""), "{}", page.text());
    }
}
