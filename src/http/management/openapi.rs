//! The description of this API (in `OpenAPI` 3.1) at `/docs/api.json`, made from the commands
//! themselves. It names no secret and needs no token.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
    PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, SchemaFormat};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ArrayBuilder, ComponentsBuilder, Info, KnownFormat, ObjectBuilder, OpenApi, OpenApiBuilder,
    Ref, RefOr, Required, Response, ResponseBuilder, Schema, ServerBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::Resource;
use super::command::{Command, Outcome};
use super::model::SoftError;
use crate::http::cookie;
use crate::http::fatal::FatalError;
use crate::service::remark;

/// The names of the two ways to send a token.
const BY_COOKIE: &str = "cookie";
const BY_BEARER: &str = "bearer";

/// What this API's conventions are, for the head of the description.
const CONVENTIONS: &str = include_str!("openapi.md");

/// The description; `prefix` stands before every path (empty: nothing does).
#[must_use]
pub fn document(resources: &[Resource], prefix: &str) -> OpenApi {
    let mut info = Info::new("Overdue management API", env!("CARGO_PKG_VERSION"));
    info.description = Some(format!("{CONVENTIONS}\n{}", soft_errors()));
    let tags = resources.iter().map(|resource| {
        TagBuilder::new().name(resource.name).description(Some(resource.text)).build()
    });
    let url = if prefix.is_empty() { "/" } else { prefix };
    let mut document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url(url).build()]))
        .tags(Some(tags))
        .paths(paths(resources))
        .components(Some(components(resources)))
        .build();
    document.security = Some([BY_COOKIE, BY_BEARER].map(needs).to_vec());
    document
}

/// The table of all soft errors, in Markdown.
fn soft_errors() -> String {
    let rows = remark::ALL.iter().map(|kind| {
        format!("| `{}/{}` | {} | {} |\n", kind.group, kind.code, kind.when, kind.remedy)
    });
    format!("| soft error | when | what to do |\n| --- | --- | --- |\n{}", rows.collect::<String>())
}

fn needs(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, [] as [&str; 0])
}

fn components(resources: &[Resource]) -> utoipa::openapi::Components {
    let key = ApiKeyValue::with_description(
        cookie::NAME,
        "A token as the cookie. Who is signed in on the web pages sends the session's token so.",
    );
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A token as `Authorization: Bearer …`."));
    let mut schemas = vec![
        (FatalError::name().into_owned(), FatalError::schema()),
        (SoftError::name().into_owned(), SoftError::schema()),
    ];
    let commands = resources.iter().flat_map(|resource| &resource.commands);
    schemas.extend(commands.flat_map(|command| command.schemas.iter().cloned()));
    let schemas: BTreeMap<_, _> = schemas.into_iter().collect();
    ComponentsBuilder::new()
        .security_scheme(BY_COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(key)))
        .security_scheme(BY_BEARER, SecurityScheme::Http(bearer.build()))
        .schemas_from_iter(schemas)
        .responses_from_iter(
            FAILURES.map(|(status, message)| (status.to_string(), failure(status, message))),
        )
        .build()
}

fn paths(resources: &[Resource]) -> utoipa::openapi::Paths {
    let mut paths = PathsBuilder::new();
    for resource in resources {
        for command in &resource.commands {
            let item = PathItem::new(method_of(&command.method), operation(resource, command));
            paths = paths.path(command.path, item);
        }
    }
    paths.build()
}

fn method_of(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(resource: &Resource, command: &Command) -> Operation {
    let mut parameters: Vec<Parameter> = ids_in(command.path).map(path_parameter).collect();
    parameters.extend(command.parameters.iter().cloned());
    let body = command.body.as_ref().map(|body| {
        let content = ContentBuilder::new()
            .schema(Some(body.schema.clone()))
            .example(Some(body.example.clone()));
        RequestBodyBuilder::new()
            .content(body.media_type, content.build())
            .required(Some(Required::True))
            .build()
    });
    OperationBuilder::new()
        .tag(resource.name)
        .operation_id(Some(command.operation_id()))
        .summary(Some(command.summary))
        .description(Some(text_of(command)))
        .parameters((!parameters.is_empty()).then_some(parameters))
        .request_body(body)
        .responses(utoipa::openapi::Responses::from_iter(responses(command)))
        .build()
}

/// The text of a command, and which soft errors it may answer.
fn text_of(command: &Command) -> String {
    let mut text = command.text.clone();
    if let Some(remarks) = command.remarks.as_ref().filter(|remarks| !remarks.is_empty()) {
        let names: Vec<String> =
            remarks.iter().map(|kind| format!("`{}/{}`", kind.group, kind.code)).collect();
        text = format!("{text}\n\nSoft errors that may come with it: {}.", names.join(", "));
    }
    text.trim().to_owned()
}

/// The names in braces in a path.
fn ids_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Parameter {
    let text = match name {
        "n" => "The number of the ping within its check, from 1.".to_owned(),
        name => format!("The id of the {}.", name.trim_end_matches("_id").replace('_', " ")),
    };
    let id = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(text))
        .schema(Some(id))
        .example(Some(json!(1)))
        .build()
}

/// Every status that a command may answer. All but 200 are the same everywhere.
fn responses(command: &Command) -> Vec<(String, RefOr<Response>)> {
    let mut all = vec![("200".to_owned(), RefOr::T(success(command)))];
    let takes_body = !matches!(command.method, Method::GET);
    let failures = FAILURES.iter().filter(|(status, _)| takes_body || *status != 413);
    all.extend(failures.map(|(status, _)| {
        (status.to_string(), Ref::from_response_name(status.to_string()).into())
    }));
    all
}

/// What any command may answer instead of 200, with an example of its message. 413 is for those
/// that take a body.
const FAILURES: [(u16, &str); 7] = [
    (400, "grace: must be between 60 and 31536000 seconds"),
    (401, "this token is unknown, expired or revoked: make another one"),
    (403, "this is not yours, or does not exist"),
    (413, "the body may have at most 1048576 bytes"),
    (431, "request line and headers may have at most 8192 bytes"),
    (500, "something went wrong here; the log has it as Zk3q9sX0bW1uYtRa"),
    (503, "too many requests with this token: wait a second"),
];

fn success(command: &Command) -> Response {
    let Outcome { media_type, schema, example } = &command.outcome;
    let (schema, example) = match &command.remarks {
        None => (schema.clone(), example.clone()),
        Some(_) => (written(command), with_no_errors(example)),
    };
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example));
    ResponseBuilder::new().description("Done.").content(*media_type, content.build()).build()
}

/// An object and its soft errors; of a DELETE, these alone.
fn written(command: &Command) -> RefOr<Schema> {
    let entries = ArrayBuilder::new()
        .items(Ref::from_schema_name(SoftError::name()))
        .description(Some("What needs attention; empty where nothing does."));
    let errors = ObjectBuilder::new().property("error_list", entries).required("error_list");
    if command.method == Method::DELETE {
        return errors.into();
    }
    AllOfBuilder::new().item(command.outcome.schema.clone()).item(errors).into()
}

fn with_no_errors(example: &Value) -> Value {
    let mut example = example.clone();
    example["error_list"] = json!([]);
    example
}

fn failure(status: u16, message: &str) -> Response {
    let words = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let example = json!({"statusCode": status, "error": words, "message": message});
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(FatalError::name())))
        .example(Some(example));
    let response = ResponseBuilder::new().description(meaning(status));
    let response = response.content("application/json", content.build());
    match status {
        503 => response.header("Retry-After", retry_after()).build(),
        _ => response.build(),
    }
}

fn retry_after() -> utoipa::openapi::Header {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("Seconds after which to try again."))
        .build()
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Something in the request is wrong; the message names it and says what is allowed.",
        401 => "There is no token, or it is malformed, expired or revoked.",
        403 => {
            "Not for this token: its scopes or addresses, the role of its user, a request from \
             another site's page, a ceiling that is reached, or an object that is another's or \
             does not exist."
        }
        413 => "The body is too large.",
        431 => "Request line and headers are too large.",
        503 => "Too many requests with this token, or a part of the system is out.",
        _ => "Our fault; the message has the id under which the log has it.",
    }
}
