//! Every "soft error" of the management API in one place: what was asked for was done, and something
//! about it needs attention (`management-api.md`, "Soft errors"). The kinds are listed here with when
//! they arise and what to do, and the API description prints this list; the words of a single remark
//! are with whoever found it.

/// A kind of remark.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The group that it belongs to, such as `SLUG`: the field `type`.
    pub group: &'static str,
    /// What it is within the group, such as `NOT_UNIQUE`: the field `code`.
    pub code: &'static str,
    /// When it arises, in a sentence.
    pub when: &'static str,
    /// What to do about it, in a sentence.
    pub remedy: &'static str,
}

/// Several checks of a project have one slug.
pub const SLUG_NOT_UNIQUE: Kind = Kind {
    group: "SLUG",
    code: "NOT_UNIQUE",
    when: "The check has the slug of another check of its project. Pings by that slug are refused \
           with 409; those by UUID are taken.",
    remedy: "Give one of the two another slug or another name, or ping by UUID.",
};

/// A check has no slug.
pub const SLUG_EMPTY: Kind = Kind {
    group: "SLUG",
    code: "EMPTY",
    when: "The check's name has no character that a slug can be made of, so that its slug is empty.",
    remedy: "Set slug, or a name with letters or digits, or ping by UUID.",
};

/// A check whose schedule is over.
pub const SCHEDULE_NEVER_FIRES: Kind = Kind {
    group: "SCHEDULE",
    code: "NEVER_FIRES",
    when: "The check's schedule never fires again, as on the 30th of February or in a year that is \
           over: no ping is expected, and none is missed.",
    remedy: "Look at the schedule's preview, and mend the expression.",
};

/// A check tells nobody.
pub const CHANNEL_NONE_ASSIGNED: Kind = Kind {
    group: "CHANNEL",
    code: "NONE_ASSIGNED",
    when: "No channel is assigned to the check: nobody is told when it goes down. After DELETE of \
           a channel: checks are left that it alone was assigned to.",
    remedy: "Make a channel in the project and name it in the channels of the check.",
};

/// A channel that takes nothing.
pub const CHANNEL_DISABLED: Kind = Kind {
    group: "CHANNEL",
    code: "DISABLED",
    when: "The channel, or one that is assigned to the check, is disabled: by disabled: 1, or \
           because its receiver said for good that it takes nothing more.",
    remedy: "Read the channel's last_error, mend what it tells of, and set disabled to 0.",
};

/// A test message was not taken.
pub const CHANNEL_DELIVERY_FAILED: Kind = Kind {
    group: "CHANNEL",
    code: "DELIVERY_FAILED",
    when: "The test message was sent, or tried to be, and the receiver did not take it. It is not \
           tried again.",
    remedy: "Mend what the message and the channel's last_error tell of, and test again.",
};

/// A channel whose recipient has not agreed yet.
pub const CHANNEL_UNCONFIRMED: Kind = Kind {
    group: "CHANNEL",
    code: "UNCONFIRMED",
    when: "The channel sends mail to an address that its recipient has not confirmed yet. They were \
           sent a link; nothing else is sent to them before.",
    remedy: "Let them open the link; a test of the channel sends it again.",
};

/// A maintenance window that is over.
pub const MAINTENANCE_ENDED: Kind = Kind {
    group: "MAINTENANCE",
    code: "ENDED",
    when: "The maintenance window was written, and its end lies in the past, or it repeats by a \
           schedule that never fires again: it keeps nothing back.",
    remedy: "Nothing where it was ended on purpose; else set ends_at to a time to come, or \
             mend repeat.",
};

/// A maintenance window that is always open.
pub const MAINTENANCE_NEVER_CLOSES: Kind = Kind {
    group: "MAINTENANCE",
    code: "NEVER_CLOSES",
    when: "The maintenance window opens again before it has closed, many times in a row: what it \
           covers is hardly ever told of.",
    remedy: "Give it a shorter duration, or a schedule that fires less often.",
};

/// A maintenance window that no check is in.
pub const MAINTENANCE_COVERS_NOTHING: Kind = Kind {
    group: "MAINTENANCE",
    code: "COVERS_NOTHING",
    when: "No check of the project has any of the maintenance window's tags, and it names no check.",
    remedy: "See whether the tags are spelt as the checks have them, upper and lower case included, \
             or name the checks.",
};

/// Notifications are late.
pub const QUEUE_DELAYED: Kind = Kind {
    group: "QUEUE",
    code: "DELAYED",
    when: "Notifications of the project have been due for more than a minute and are not sent yet: \
           alerts come late.",
    remedy: "Nothing where it passes; else see in the project's notification-list which channel \
             does not answer, and in the server's log why.",
};

/// All of them, by group.
pub const ALL: &[&Kind] = &[
    &SLUG_NOT_UNIQUE,
    &SLUG_EMPTY,
    &SCHEDULE_NEVER_FIRES,
    &CHANNEL_NONE_ASSIGNED,
    &CHANNEL_DISABLED,
    &CHANNEL_DELIVERY_FAILED,
    &CHANNEL_UNCONFIRMED,
    &MAINTENANCE_ENDED,
    &MAINTENANCE_NEVER_CLOSES,
    &MAINTENANCE_COVERS_NOTHING,
    &QUEUE_DELAYED,
];

/// Something about finished work that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The group of its kind, such as `SLUG`.
    pub kind: &'static str,
    /// What it is within the group, such as `NOT_UNIQUE`.
    pub code: &'static str,
    /// In words, with what to do.
    pub message: String,
}

impl Remark {
    /// A remark of this kind.
    pub fn new(kind: &Kind, message: impl Into<String>) -> Self {
        Self { kind: kind.group, code: kind.code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_is_there_once_and_says_when_and_what_to_do() {
        let names: BTreeSet<_> = ALL.iter().map(|kind| (kind.group, kind.code)).collect();
        assert_eq!(names.len(), ALL.len());
        let is_name = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        for kind in ALL {
            assert!(is_name(kind.group) && is_name(kind.code), "{kind:?}");
            for sentence in [kind.when, kind.remedy] {
                assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence:?}");
            }
        }
    }

    #[test]
    fn a_remark_carries_the_name_of_its_kind() {
        let remark = Remark::new(&QUEUE_DELAYED, "late");
        assert_eq!(
            (remark.kind, remark.code, remark.message.as_str()),
            ("QUEUE", "DELAYED", "late")
        );
    }

    #[test]
    fn no_constant_is_left_out_of_the_list() {
        let source = include_str!("remark.rs");
        let constants = source.matches(": Kind = Kind {").count() - 1;
        assert_eq!(constants, ALL.len());
    }
}
