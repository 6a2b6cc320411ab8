//! The same grammar, read for the places where addresses stand.

use super::super::AddressError;
use super::{Element, Found, Parser};
use crate::smtp::Mailbox;
use std::ops::Range;

/// Where the addresses of a list stand, and its commas. A name without `@` is
/// an address here, and so is what only looks like one.
pub(in super::super) fn spots(text: &str) -> Result<Spots, AddressError> {
    let mut parser = Parser::over(text);
    let mut spots = Vec::new();
    let spot = |found: Found, in_group| Spot {
        whole: found.whole,
        spec: found.spec_at,
        spelt: found.spelt,
        in_group,
    };
    while let Some(element) = parser.element(Ok)? {
        match element {
            Element::Mailbox(found) => spots.push(spot(found, false)),
            Element::Group { members, .. } => {
                spots.extend(members.into_iter().map(|found| spot(found, true)));
            }
        }
    }
    Ok(Spots { list: spots, commas: parser.commas })
}

/// What stands in an address list, by octets of its text.
pub(in super::super) struct Spots {
    pub(in super::super) list: Vec<Spot>,
    /// The commas between elements.
    pub(in super::super) commas: Vec<usize>,
}

/// One address of a list.
pub(in super::super) struct Spot {
    /// With its name and its comments.
    pub(in super::super) whole: Range<usize>,
    /// The addr-spec alone.
    pub(in super::super) spec: Range<usize>,
    pub(in super::super) spelt: Spelt,
    /// It is the member of a group.
    pub(in super::super) in_group: bool,
}

/// What an addr-spec comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Spelt {
    /// `local-part@domain`.
    Whole(Mailbox),
    /// A local part without quotation marks, and no `@`.
    Bare(String),
    /// Nothing that mail can be sent to.
    Unfit(AddressError),
}
