//! How the description shows the settings of each kind of channel. What is allowed is decided by
//! the kinds themselves, in `notify/channels`.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder};
use utoipa::openapi::{AllOfBuilder, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::notify::channels::SERVICES;
use crate::notify::channels::form::{Field, Shape};
use crate::notify::channels::service::Service;

/// The settings of every kind.
#[must_use]
pub fn schema() -> RefOr<Schema> {
    let about = "The kind's own settings: those of the kind that the channel is of.";
    let kinds = SERVICES.iter().map(|service| of_service(service));
    let any = AnyOfBuilder::new().description(Some(about)).item(of_webhook());
    Schema::AnyOf(kinds.fold(any, AnyOfBuilder::item).build()).into()
}

/// The settings of a kind that is described by a table.
fn of_service(service: &Service) -> Object {
    let fields = ObjectBuilder::new()
        .schema_type(Type::Object)
        .title(Some(service.name))
        .description(Some(service.about))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    service
        .fields
        .iter()
        .fold(fields, |fields, field| {
            let fields = fields.property(field.name, of_field(field));
            if field.is_needed { fields.required(field.name) } else { fields }
        })
        .build()
}

/// A number of a telephone as E.164 writes it.
const PHONE: &str = r"^\+[1-9][0-9]{6,14}$";
/// The same, or nothing.
const PHONE_OR_NONE: &str = r"^(\+[1-9][0-9]{6,14})?$";

fn of_field(field: &Field) -> Object {
    let least = field.is_needed.then_some(1);
    let builder = match &field.shape {
        Shape::Text(most) | Shape::Secret(most) | Shape::Like(most, ..) => text()
            .min_length(least)
            .max_length(Some(*most))
            .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$")),
        Shape::Phone => {
            let number = text().min_length(least).max_length(Some(16));
            number.pattern(Some(if field.is_needed { PHONE } else { PHONE_OR_NONE }))
        }
        Shape::Url | Shape::SecretUrl => {
            let url = text().min_length(least).max_length(Some(2000));
            url.format(Some(SchemaFormat::Custom("http-url".to_owned())))
        }
        Shape::OneOf(words) => text().enum_values(Some(words.iter().copied())),
        Shape::Number(from, to, usual) => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(*from))
            .maximum(Some(*to))
            .default(Some(json!(usual))),
        Shape::Flag(usual) => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .enum_values(Some([0, 1]))
            .default(Some(json!(usual))),
    };
    let hidden = matches!(field.shape, Shape::Secret(_) | Shape::SecretUrl);
    let hidden = if hidden { " It is masked when it is read." } else { "" };
    let about = format!("{}.{hidden}", capital(field.about));
    builder.description(Some(about)).build()
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
