//! How the description shows the settings of each kind of channel. What is allowed is decided by
//! the kinds themselves, in `notify/channels`.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder};
use utoipa::openapi::{AllOfBuilder, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::notify::channels::Kind;
use crate::notify::channels::form::{Field, Shape};

/// The settings of every kind: those of a `webhook` as a schema, those of the others, which are flat,
/// as a table.
#[must_use]
pub fn schema() -> RefOr<Schema> {
    let about = "The kind's own settings: those of the kind that the channel is of.";
    let others = ObjectBuilder::new()
        .schema_type(Type::Object)
        .title(Some("other kinds"))
        .description(Some(table()))
        .build();
    let any = AnyOfBuilder::new().description(Some(about)).item(of_webhook()).item(others);
    Schema::AnyOf(any.build()).into()
}

/// The fields of all kinds that are described by tables, in Markdown.
#[must_use]
pub fn table() -> String {
    let head = "| kind | field | what |\n| --- | --- | --- |\n".to_owned();
    let fields =
        Kind::all().flat_map(|kind| kind.fields().into_iter().flatten().map(move |f| (kind, f)));
    fields.fold(head, |rows, (kind, field)| {
        let (kind, name, about) = (kind.as_str(), field.name, about(field));
        format!("{rows}| `{kind}` | `{name}` | {about} |\n")
    })
}

/// What a field is and what it may hold, in sentences.
fn about(field: &Field) -> String {
    let allowed = match &field.shape {
        Shape::Text(most) | Shape::Secret(most) => format!("At most {most} characters."),
        Shape::Like(most, _, what) => format!("At most {most} characters; must be {what}."),
        Shape::Phone => "A telephone number such as +36301234567.".to_owned(),
        Shape::Url | Shape::SecretUrl => "A URL, `http` or `https`.".to_owned(),
        Shape::OneOf(words) => {
            format!("One of `{}`; the first where it is not said.", words.join("`, `"))
        }
        Shape::Number(from, to, usual) => format!("{from} to {to}; {usual} where it is not said."),
        Shape::Flag(usual) => format!("0 or 1; {usual} where it is not said."),
        Shape::Channels => "A list of `channel_id`s.".to_owned(),
    };
    let needed = if field.is_needed { " Required." } else { "" };
    let hidden = matches!(field.shape, Shape::Secret(_) | Shape::SecretUrl);
    let hidden = if hidden { " Masked when it is read." } else { "" };
    format!("{}. {allowed}{needed}{hidden}", capital(field.about)).replace('|', "\\|")
}

/// The text with its first letter as a sentence has it.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The settings of a `webhook`.
fn of_webhook() -> Schema {
    let both = ["down", "up"].into_iter().flat_map(|direction| {
        [
            (format!("url_{direction}"), url(direction)),
            (format!("method_{direction}"), method()),
            (format!("headers_{direction}"), headers()),
            (format!("body_{direction}"), body("The template of the body; empty: our own.")),
        ]
    });
    let fields = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .property("body_group", body("The same for several alerts that are sent as one."))
        .property("secret", secret());
    let fields = both.fold(fields, |fields, (name, field)| fields.property(name, field));
    let one_url = AnyOfBuilder::new()
        .item(ObjectBuilder::new().required("url_down"))
        .item(ObjectBuilder::new().required("url_up"));
    Schema::AllOf(
        AllOfBuilder::new()
            .title(Some("webhook"))
            .description(Some("A request to any URL."))
            .item(fields)
            .item(one_url)
            .build(),
    )
}

/// An example of such settings.
#[must_use]
pub fn example() -> Value {
    json!({"url_down": "https://chat.example.org/hook", "body_down": "{\"text\":\"$NAME is $STATUS\"}"})
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn url(direction: &str) -> Object {
    let text_of = format!(
        "Where {direction}s go: `http` or `https`, at most 2000 characters, placeholders after the \
         host. Empty: they are not sent. One of the two URLs must be there."
    );
    text()
        .format(Some(SchemaFormat::Custom("http-url".to_owned())))
        .max_length(Some(2000))
        .description(Some(text_of))
        .build()
}

fn method() -> Object {
    super::model::words(["GET", "POST", "PUT"], "The HTTP method; POST where it is not said.")
}

fn headers() -> Object {
    let value = text().max_length(Some(2000)).pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"));
    let name = text().pattern(Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(name.build()))
        .additional_properties(Some(AdditionalProperties::RefOr(value.into())))
        .max_properties(Some(50))
        .description(Some(
            "Further headers, placeholders in the values, which are masked when they are read.",
        ))
        .build()
}

fn body(about: &str) -> Object {
    let about = format!("{about} At most 100000 bytes, with placeholders such as `$NAME`.");
    text().max_length(Some(100_000)).description(Some(about)).build()
}

fn secret() -> Object {
    let about = "What signs (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64; made where \
                 there is none, and then shown whole once, in the answer to the POST.";
    text()
        .format(Some(SchemaFormat::Custom("webhook-secret".to_owned())))
        .description(Some(about))
        .build()
}
