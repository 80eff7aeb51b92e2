//! The query of a ping: the run id, and what a missing check is to be made of.

use uuid::Uuid;

use crate::domain::text_enum;

text_enum! {
    /// The parameters that shape a check which `create=1` makes.
    Param {
        /// Seconds between pings.
        Period => "period",
        /// Seconds that a ping may be late.
        Grace => "grace",
        /// A cron or OnCalendar expression.
        Schedule => "schedule",
        /// The zone of that expression.
        Tz => "tz",
        /// The check's name.
        Name => "name",
        /// Its tags, separated by spaces or commas.
        Tags => "tags",
    }
}

/// What a ping's query says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The run that the ping belongs to.
    pub rid: Option<Uuid>,
    /// A missing check is to be made.
    pub create: bool,
    /// What it is to be made of, as given.
    pub params: Vec<(Param, String)>,
}

/// Reads a query. What is not ours is passed over, as clients add things of their own. Of a
/// parameter that comes twice the last counts.
///
/// # Errors
/// `rid` is no UUID; the text is the answer's.
pub fn parse(query: Option<&str>) -> Result<Query, &'static str> {
    let mut read = Query::default();
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(read) };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "rid" => read.rid = Some(run_id(&value).ok_or("invalid uuid format")?),
            "create" => read.create = value == "1",
            name => {
                if let Ok(param) = name.parse::<Param>() {
                    read.params.retain(|(other, _)| *other != param);
                    read.params.push((param, value.into_owned()));
                }
            }
        }
    }
    Ok(read)
}

/// A run id: a UUID with its hyphens, in either case.
fn run_id(text: &str) -> Option<Uuid> {
    let shaped = text.len() == 36;
    shaped.then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_id_is_a_uuid_in_either_case() {
        let rid = "684E2E73-017E-465F-8149-D70B7C5AAA49";
        assert_eq!(parse(Some(&format!("rid={rid}"))).unwrap().rid, Uuid::try_parse(rid).ok());
        for bad in [
            "",
            "12345",
            "684e2e73-017e-465f-8149-d70b7c5aaa490",
            "684e2e73017e465f8149d70b7c5aaa49",
        ] {
            assert_eq!(parse(Some(&format!("rid={bad}"))), Err("invalid uuid format"), "{bad}");
        }
    }

    #[test]
    fn what_is_not_ours_is_passed_over_and_the_last_of_two_counts() {
        let query = parse(Some("_=1&create=1&name=a&x&name=My+Job%21")).unwrap();
        assert!(query.create);
        assert_eq!(query.params, [(Param::Name, "My Job!".to_owned())]);
        assert!(!parse(Some("create=yes")).unwrap().create);
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_panic(query in "\\PC{0,200}") {
            let _ = parse(Some(&query));
        }
    }
}
