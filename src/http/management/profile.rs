//! `/user/profile`: what a user says about themselves.

use serde_json::{Value, json};

use super::call::{Answer, Call, Reply};
use crate::fault::Fault;
use crate::service::users;
use crate::store::users::UserRow;

/// `GET /user/profile`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let mut conn = call.ctx.store.read().await?;
    let user = crate::store::users::find(&mut conn, call.caller.user_id).await?;
    Ok(Reply::Json(shown(&user.ok_or(Fault::NotFound)?)))
}

/// `PUT /user/profile`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let name = fields.text("name")?;
    let timezone = fields.text("timezone")?;
    fields.ignore(&["user_id", "email"]);
    fields.finish()?;
    let (name, timezone) = (name.as_deref(), timezone.as_deref());
    let user = users::update_profile(&call.ctx, call.caller.user_id, name, timezone).await?;
    Ok(Reply::written(shown(&user), &[]))
}

fn shown(user: &UserRow) -> Value {
    json!({
        "user_id": user.user_id,
        "email": user.email,
        "name": user.name,
        "timezone": user.timezone,
    })
}
