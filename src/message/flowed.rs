//! Paragraphs that readers fit to their window: format=flowed (RFC 3676).

/// Writes each line of a text as a paragraph: a long one in several lines, of
/// which all but the last end in a blank. A line that begins with `>` is
/// quoted. Blanks at the end of a line are lost, for they would join it to the
/// next; no other octet is.
pub(super) fn flowed(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        let (depth, paragraph) = quoted(line);
        let mark = ">".repeat(depth);
        if is_signature(paragraph) {
            put(&mut lines, &mark, SIGNATURE);
            continue;
        }
        let room = WIDTH.saturating_sub(depth + 1).max(LEAST);
        for piece in pieces(paragraph.trim_end_matches(' '), room) {
            put(&mut lines, &mark, piece);
        }
    }
    lines
}

/// RFC 3676 §4.2: a line is no longer, with the blank at its end.
const WIDTH: usize = 78;
/// However deep it is quoted.
const LEAST: usize = 20;
/// RFC 3676 §4.3: a line of its own, neither flowed nor fixed.
const SIGNATURE: &str = "-- ";

/// How deep a line is quoted, and what stands behind the marks.
fn quoted(line: &str) -> (usize, &str) {
    let rest = line.trim_start_matches('>');
    let depth = line.len() - rest.len();
    // RFC 3676 §4.4: the blank behind the marks is no part of the text.
    (depth, if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest })
}

fn is_signature(paragraph: &str) -> bool {
    paragraph == SIGNATURE
}

/// Cuts behind blanks, which stay, so that nothing is inserted (DelSp=no). A
/// word that is longer than a line is not cut.
fn pieces(paragraph: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(paragraph);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(cut) = cut(text, room) else { return rest.take() };
        let (piece, later) = text.split_at(cut);
        rest = Some(later);
        Some(piece)
    })
}

/// Where to cut, if anywhere: behind the last blank that fits, else behind the
/// first. No piece may look like the mark of a signature, nor begin with a
/// blank that a reader could take for stuffing.
fn cut(text: &str, room: usize) -> Option<usize> {
    let (limit, _) = text.char_indices().nth(room)?;
    let after_blank = text.match_indices(' ').map(|(at, _)| at + 1);
    let possible = after_blank
        .filter(|&cut| cut < text.len() && !text[cut..].starts_with(' '))
        .filter(|&cut| text[..cut] != *SIGNATURE);
    let mut best = None;
    for cut in possible {
        if best.is_some() && cut > limit {
            break;
        }
        best = Some(cut);
    }
    best
}

/// RFC 3676 §4.4: a blank before what would be read as something else, and
/// behind every mark of quotation.
fn put(lines: &mut String, mark: &str, piece: &str) {
    lines.push_str(mark);
    let is_read_otherwise = [" ", ">", "From "].iter().any(|start| piece.starts_with(start));
    if !mark.is_empty() || is_read_otherwise {
        lines.push(' ');
    }
    lines.push_str(piece);
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader makes of it (RFC 3676 §4.1): paragraphs, and how deep each
    /// is quoted.
    fn unflowed(text: &str) -> Vec<(usize, String)> {
        let mut paragraphs: Vec<(usize, String)> = Vec::new();
        let mut is_open = false;
        for line in text.lines() {
            let rest = line.trim_start_matches('>');
            let depth = line.len() - rest.len();
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            match paragraphs.last_mut().filter(|(before, _)| is_open && *before == depth) {
                Some((_, paragraph)) => paragraph.push_str(rest),
                None => paragraphs.push((depth, rest.to_owned())),
            }
            is_open = rest.ends_with(' ') && rest != SIGNATURE;
        }
        assert!(!is_open, "{text:?}");
        paragraphs
    }

    /// What the writer meant.
    fn meant(text: &str) -> Vec<(usize, String)> {
        text.lines()
            .map(|line| {
                let (depth, rest) = quoted(line);
                let is_signature = rest == SIGNATURE;
                (depth, if is_signature { rest } else { rest.trim_end_matches(' ') }.to_owned())
            })
            .collect()
    }

    #[test]
    fn a_paragraph_is_cut_behind_its_blanks() {
        // 3676
        let long = "word ".repeat(30);
        for (text, expected) in [
            ("", String::new()),
            ("a\n\nb", "a\n\nb\n".into()),
            ("blanks at the end   \n", "blanks at the end\n".into()),
            (" x\nFrom me\n>quoted\n> > deep\n", "  x\n From me\n> quoted\n> > deep\n".into()),
            ("-- \nMe\n", "-- \nMe\n".into()),
            ("> -- \n", "> -- \n".into()),
            (&long, format!("{}\n{}\n", "word ".repeat(15), "word ".repeat(15).trim_end())),
            (
                &format!("> {long}"),
                format!("> {}\n> {}\n", "word ".repeat(15), "word ".repeat(15).trim_end()),
            ),
            (&"a".repeat(200), format!("{}\n", "a".repeat(200))),
        ] {
            assert_eq!(flowed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn no_mark_of_a_signature_arises_within_a_paragraph() {
        // 3676
        for before in 60..80 {
            let text = format!("{} -- {}", "a".repeat(before), "b".repeat(78));
            assert!(!flowed(&text).lines().any(|line| line == SIGNATURE), "{text}");
            assert_eq!(unflowed(&flowed(&text)), meant(&text));
        }
        let text = format!("-- {}", "b".repeat(78));
        assert_eq!(unflowed(&flowed(&text)), meant(&text));
    }

    proptest! {
        #[test]
        fn what_flows_comes_back(text in "([> ]{0,4}((From |-- |[a-zé>-]{1,30}|[a-z]{70,90})[ ]{0,2}){0,12}\n){0,6}") {
            // 3676
            let flowed = flowed(&text);
            prop_assert_eq!(unflowed(&flowed), meant(&text), "{:?}", flowed);
            for line in flowed.lines() {
                let fits = line.chars().count() <= WIDTH;
                prop_assert!(fits || line.split(' ').any(|word| word.len() > 50), "{line:?}");
                prop_assert!(!line.starts_with("From "));
            }
        }
    }
}
