//! Lists of a project: its channels, and the addresses of its badges.

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Answer, Call, json as rendered};
use crate::service::badges;
use crate::store::{channels, checks};

/// `GET …/channels/`
pub(super) async fn channels(call: &Call<'_>) -> Answer {
    let mut conn = call.ctx.store.read().await?;
    let (rows, _) = channels::list(&mut conn, call.project.project_id, 0, i64::MAX).await?;
    let list: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "id": row.uuid, "name": row.channel_name, "kind": row.kind }))
        .collect();
    Ok(rendered(StatusCode::OK, &json!({ "channels": list })))
}

/// `GET …/badges/`: the addresses of the badges of all checks (`*`) and of each tag.
pub(super) async fn badges(call: &Call<'_>) -> Answer {
    let mut list = Map::new();
    if let Some(badge_key) = &call.project.badge_key {
        let mut conn = call.ctx.store.read().await?;
        let tags = checks::tags_of(&mut conn, call.project.project_id, i64::MAX).await?;
        drop(conn);
        list.insert("*".to_owned(), addresses(call, badge_key, None));
        for tag in tags {
            let own = addresses(call, badge_key, Some(&tag.tag));
            list.insert(tag.tag, own);
        }
    }
    Ok(rendered(StatusCode::OK, &json!({ "badges": list })))
}

/// The addresses of one badge: of two states under the plain names, of three under those with a 3.
fn addresses(call: &Call<'_>, badge_key: &str, tag: Option<&str>) -> Value {
    let site = &call.ctx.config.server.site_url;
    let signature = badges::signature(call.ctx, badge_key, tag);
    let tag = tag
        .map_or_else(String::new, |tag| format!("/{}", utf8_percent_encode(tag, NON_ALPHANUMERIC)));
    let mut all = Map::new();
    for form in ["svg", "json", "shields"] {
        let at = |states: &str| {
            json!(format!("{site}/badge/{badge_key}/{signature}{states}{tag}.{form}"))
        };
        all.insert(form.to_owned(), at("-2"));
        all.insert(format!("{form}3"), at(""));
    }
    Value::Object(all)
}
