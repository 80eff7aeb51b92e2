//! `/user/profile`: what a user says about themselves.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::fields::{Body, body};
use super::model::Model;
use crate::fault::Fault;
use crate::service::users;
use crate::store::users::UserRow;

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    vec![
        Command::get("/user/profile", read, "Who you are").answers::<Profile>(),
        Command::put("/user/profile", update, "Change your name or time zone")
            .takes::<ProfileFields>(&[], json!({"name": "Ops", "timezone": "Europe/Budapest"}))
            .ignores(&READ_ONLY)
            .writes::<Profile>(&[]),
    ]
}

/// What can be read of a user and not be written here.
const READ_ONLY: [&str; 2] = ["user_id", "email"];

/// A user, as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
    /// The user's id.
    #[schema(minimum = 1)]
    user_id: i64,
    /// The address that they sign in with.
    email: String,
    /// What they are called.
    name: String,
    /// Their IANA time zone, such as `Europe/Budapest`.
    timezone: String,
}

impl Model for Profile {
    fn example() -> Self {
        Self {
            user_id: 1,
            email: "ops@example.org".to_owned(),
            name: "Ops".to_owned(),
            timezone: "Europe/Budapest".to_owned(),
        }
    }
}

body! {
    /// What a user may change about themselves.
    pub struct ProfileFields {
        /// What they are called: at most 100 characters, no control characters but tabs.
        #[schema(max_length = 100, pattern = r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$")]
        name: String,
        /// An IANA time zone, such as `Europe/Budapest`.
        #[schema(format = "iana-time-zone", example = "Europe/Budapest")]
        timezone: String,
    }
}

/// `GET /user/profile`
pub async fn read(call: Call) -> Answer {
    call.takes_nothing()?;
    let mut conn = call.ctx.store.read().await?;
    let user = crate::store::users::find(&mut conn, call.caller.user_id).await?;
    Reply::of(&shown(user.ok_or(Fault::NotFound)?))
}

/// `PUT /user/profile`
pub async fn update(call: Call) -> Answer {
    let mut fields = call.fields()?;
    let wanted = ProfileFields::read(&mut fields)?;
    fields.ignore(&READ_ONLY);
    fields.finish()?;
    let (name, timezone) = (wanted.name.as_deref(), wanted.timezone.as_deref());
    let user = users::update_profile(&call.ctx, call.caller.user_id, name, timezone).await?;
    Reply::written(shown(user), &[])
}

fn shown(user: UserRow) -> Profile {
    Profile { user_id: user.user_id, email: user.email, name: user.name, timezone: user.timezone }
}
