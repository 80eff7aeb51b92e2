//! The rules of the product, PURE: no async, no SQL, no HTTP, no clock. Every function takes the
//! time it needs and gives back what has to change; others store it and act on it.

pub mod alert;
pub mod badge;
pub mod check;
pub mod days;
pub mod flapping;
pub mod jobs;
pub mod mailbox;
pub mod maintenance;
pub mod monitor;
pub mod ping;
pub mod replay;
pub mod run;
pub mod schedule;
pub mod signature;
pub mod slug;
pub mod snippet;
pub mod target;

/// Gives an enum its texts: `as_str`, and reading them back from a `String` (which is how rows of
/// both databases carry them).
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text by which the interfaces and the databases know it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!(
                        "must be one of {}",
                        [$($text),+].join(", ")
                    )),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_enum;
