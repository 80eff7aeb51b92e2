//! A command: its route, its handler and its description, declared in one place, so that none of
//! them can be without the others. `mod.rs` makes the router of these, `openapi.rs` the
//! description.

use axum::routing::MethodRouter;
use http::Method;
use serde_json::{Value, json};
use utoipa::Number;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Required, Schema, Type};
use utoipa::{IntoParams, ToSchema};

use super::ManagementState;
use super::call::{Handler, run, run_of};
use super::list::Page;
use super::model::{List, Model};
use crate::service::remark::Kind;

/// A named schema of the description.
pub type Named = (String, RefOr<Schema>);

/// A command, to be made with [`Command::get`] and its kin and completed by what it takes and
/// answers.
#[derive(Clone, Debug)]
pub struct Command {
    /// The method.
    pub method: Method,
    /// The path, its ids in braces.
    pub path: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else there is to know, in Markdown.
    pub text: String,
    /// The parameters behind the `?`.
    pub parameters: Vec<Parameter>,
    /// What the body holds.
    pub body: Option<Body>,
    /// What comes with the status 200.
    pub outcome: Outcome,
    /// The soft errors that may come with it; none for commands that only read.
    pub remarks: Option<Vec<&'static Kind>>,
    /// The schemas that its parts refer to.
    pub schemas: Vec<Named>,
    /// The axum route.
    pub route: MethodRouter<ManagementState>,
}

/// What a body holds.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its media type.
    pub media_type: &'static str,
    /// Its schema.
    pub schema: RefOr<Schema>,
    /// An example.
    pub example: Value,
}

/// What a command answers with the status 200.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its media type.
    pub media_type: &'static str,
    /// Its schema.
    pub schema: RefOr<Schema>,
    /// An example.
    pub example: Value,
}

impl Command {
    /// A command that reads.
    pub fn get(path: &'static str, command: impl Handler, summary: &'static str) -> Self {
        Self::new(Method::GET, path, summary, axum::routing::get(run(command)))
    }

    /// A command that makes something.
    pub fn post(path: &'static str, command: impl Handler, summary: &'static str) -> Self {
        Self::new(Method::POST, path, summary, axum::routing::post(run(command)))
    }

    /// A command that makes something of a body of this media type, which is no JSON.
    pub fn post_of(
        takes: &'static str,
        path: &'static str,
        command: impl Handler,
        summary: &'static str,
    ) -> Self {
        Self::new(Method::POST, path, summary, axum::routing::post(run_of(takes, command)))
    }

    /// A command that changes something.
    pub fn put(path: &'static str, command: impl Handler, summary: &'static str) -> Self {
        Self::new(Method::PUT, path, summary, axum::routing::put(run(command)))
    }

    /// A command that takes something away; it answers `{"error_list": []}`.
    pub fn delete(path: &'static str, command: impl Handler, summary: &'static str) -> Self {
        let command = Self::new(Method::DELETE, path, summary, axum::routing::delete(run(command)));
        Self { remarks: Some(Vec::new()), ..command }
    }

    fn new(
        method: Method,
        path: &'static str,
        summary: &'static str,
        route: MethodRouter<ManagementState>,
    ) -> Self {
        let outcome = Outcome {
            media_type: "application/json",
            schema: ObjectBuilder::new().into(),
            example: json!({}),
        };
        Self {
            method,
            path,
            summary,
            text: String::new(),
            parameters: Vec::new(),
            body: None,
            outcome,
            remarks: None,
            schemas: Vec::new(),
            route,
        }
    }

    /// What else there is to know, in Markdown.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// It takes these parameters behind the `?`.
    #[must_use]
    pub fn query<T: IntoParams>(mut self) -> Self {
        let mut parameters = T::into_params(|| Some(ParameterIn::Query));
        parameters.iter_mut().filter_map(|one| one.schema.as_mut()).for_each(without_null);
        self.parameters.extend(parameters);
        self
    }

    /// This parameter must be there.
    #[must_use]
    pub fn requires(mut self, name: &str) -> Self {
        let named = self.parameters.iter_mut().filter(|parameter| parameter.name == name);
        named.for_each(|parameter| parameter.required = Required::True);
        self
    }

    /// The number in this field of its body, or in this parameter, is at least and at most so much
    /// by the configuration.
    #[must_use]
    pub fn within(mut self, name: &str, from: i64, to: i64) -> Self {
        let mut bound = |field: &mut RefOr<Schema>| {
            if let RefOr::T(Schema::Object(field)) = field {
                field.minimum = isize::try_from(from).ok().map(Number::Int);
                field.maximum = isize::try_from(to).ok().map(Number::Int);
            }
        };
        if let Some(Body { schema: RefOr::T(Schema::Object(object)), .. }) = &mut self.body {
            object.properties.get_mut(name).map(&mut bound);
        }
        let parameters = self.parameters.iter_mut().filter(|parameter| parameter.name == name);
        parameters.filter_map(|parameter| parameter.schema.as_mut()).for_each(bound);
        self
    }

    /// It takes a body with these fields, of which the `required` ones must be there. Said more
    /// than once, the fields come together in one body.
    #[must_use]
    pub fn takes<T: ToSchema>(mut self, required: &[&str], example: Value) -> Self {
        let mut object = match self.body.take().map(|body| body.schema) {
            Some(RefOr::T(Schema::Object(object))) => object,
            _ => ObjectBuilder::new().schema_type(Type::Object).build(),
        };
        if let RefOr::T(Schema::Object(more)) = T::schema() {
            object.properties.extend(more.properties);
            object.description = object.description.or(more.description);
        }
        object.required.extend(required.iter().map(|name| (*name).to_owned()));
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        T::schemas(&mut self.schemas);
        let schema = RefOr::T(Schema::Object(object));
        self.body = Some(Body { media_type: "application/json", schema, example });
        self
    }

    /// Its body may also hold these fields, which can be read and not be written: they are taken
    /// and nothing is done with them.
    #[must_use]
    pub fn ignores(mut self, names: &[&str]) -> Self {
        if let Some(Body { schema: RefOr::T(Schema::Object(object)), .. }) = &mut self.body {
            for name in names {
                let any = ObjectBuilder::new()
                    .schema_type(SchemaType::AnyValue)
                    .description(Some("Taken as it was read, and nothing is done with it."));
                object.properties.insert((*name).to_owned(), any.into());
            }
        }
        self
    }

    /// It takes a body that is no JSON.
    #[must_use]
    pub fn takes_text(mut self, media_type: &'static str, example: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::String).into();
        self.body = Some(Body { media_type, schema, example: Value::from(example) });
        self
    }

    /// It answers an object.
    #[must_use]
    pub fn answers<T: Model>(mut self) -> Self {
        self.add::<T>();
        self.outcome.schema = Ref::from_schema_name(T::name()).into();
        self.outcome.example = json!(T::example());
        self
    }

    /// It answers the object that it wrote, with these soft errors where there is reason.
    #[must_use]
    pub fn writes<T: Model>(mut self, remarks: &[&'static Kind]) -> Self {
        self = self.answers::<T>();
        self.remarks = Some(remarks.to_vec());
        self
    }

    /// These soft errors may come with what it answers.
    #[must_use]
    pub fn remarks(mut self, remarks: &[&'static Kind]) -> Self {
        self.remarks = Some(remarks.to_vec());
        self
    }

    /// It answers a list, of which it takes the part that is asked for.
    #[must_use]
    pub fn lists<T: Model>(mut self) -> Self {
        self = self.query::<Page>();
        self.add::<T>();
        self.outcome.schema = list_of(Ref::from_schema_name(T::name()).into());
        let (list, count) = (vec![T::example()], 1);
        self.outcome.example =
            json!(List { list, total_count: 1, max_count: 10_000, offset: 0, limit: 100, count });
        self
    }

    /// Beside the list it answers these fields, which are about all of it.
    #[must_use]
    pub fn beside<T: Model>(mut self) -> Self {
        T::schemas(&mut self.schemas);
        if let (RefOr::T(Schema::Object(list)), RefOr::T(Schema::Object(more))) =
            (&mut self.outcome.schema, T::schema())
        {
            list.properties.extend(more.properties);
            list.required.extend(more.required);
        }
        if let (Value::Object(list), Value::Object(more)) =
            (&mut self.outcome.example, json!(T::example()))
        {
            list.extend(more);
        }
        self
    }

    /// It is a conversion command: it answers something else than JSON.
    #[must_use]
    pub fn converts(mut self, media_type: &'static str, example: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::String).into();
        self.outcome = Outcome { media_type, schema, example: Value::from(example) };
        self
    }

    fn add<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }

    /// A name for it in the description: `get_project_check_list`.
    #[must_use]
    pub fn operation_id(&self) -> String {
        let parts = self.path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
        let parts = parts.skip(1).map(|part| part.replace('-', "_"));
        let name: Vec<String> = parts.collect();
        format!("{}_{}", self.method.as_str().to_lowercase(), name.join("_"))
    }
}

/// A parameter that is optional is left out, never null.
fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if let SchemaType::Array(types) = &mut object.schema_type {
        types.retain(|one| *one != Type::Null);
        if let [one] = types.as_slice() {
            object.schema_type = SchemaType::Type(one.clone());
        }
    }
}

fn list_of(item: RefOr<Schema>) -> RefOr<Schema> {
    let number = |text: &str| {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .description(Some(text.to_owned()))
    };
    let entries = utoipa::openapi::ArrayBuilder::new()
        .items(item)
        .description(Some("The entries of this page."));
    let list = ObjectBuilder::new()
        .property("list", entries)
        .property("total_count", number("How many there are for this filter."))
        .property("max_count", number("How many there may be: the configured ceiling."))
        .property("offset", number("How many were passed over."))
        .property("limit", number("How many come at most."))
        .property("count", number("How many came."));
    let names = ["list", "total_count", "max_count", "offset", "limit", "count"];
    names.into_iter().fold(list, ObjectBuilder::required).into()
}
