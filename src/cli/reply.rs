//! Replies that we give in SMTP.

use crate::smtp::Reply;

/// A reply of one line in US-ASCII, no longer than a line may be (RFC 5321
/// §4.5.3.1.5).
pub(super) fn said(code: u16, text: &str) -> Reply {
    const LONGEST: usize = 480;
    let plain = |c: char| match c {
        '‘' | '’' => '\'',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '?',
    };
    let text: String = text.chars().take(LONGEST).map(plain).collect();
    Reply::new(code, &text).map(Reply::with_enhanced).expect("the code is 250 to 554")
}
