//! Words as a text and as HTML that say the same: headlines with titled rows below them.
//!
//! What stands in a row may come from anywhere, also from the other side of a connection: in HTML it is escaped, and
//! nothing of it is ever markup.

use serde::{Deserialize, Serialize};

/// The longest value of one row, in characters. The whole of it stands in the history.
const MAX_VALUE: usize = 4_000;

/// What stands between two parts of a text.
const RULE: &str = "\n----------------------------------------\n\n";
/// The same in HTML.
const HTML_RULE: &str = "<hr>\n";

/// One matter: a headline and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// What it is about, in one line.
    pub headline: String,
    /// Titles and what is to be said under them.
    pub rows: Vec<(String, String)>,
}

impl Part {
    /// A matter with its rows, each cut to a length that a mail can bear.
    pub fn new(headline: impl Into<String>, rows: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let rows = rows.into_iter().map(|(title, value)| (title.to_owned(), clipped(value.trim(), MAX_VALUE)));
        Self { headline: one_line(&headline.into()), rows: rows.collect() }
    }

    /// The same with no row longer than this, in characters.
    #[must_use]
    pub fn shorter(mut self, most: usize) -> Self {
        self.rows.iter_mut().for_each(|(_, value)| *value = clipped(value, most));
        self
    }

    /// The part as text.
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline);
        for (title, value) in &self.rows {
            text.push_str(&format!("\n{title}:\n  {}\n", value.replace('\n', "\n  ")));
        }
        text
    }

    /// The part as HTML.
    fn html(&self) -> String {
        let mut html = format!("<p><strong>{}</strong></p>\n<table>\n", escape(&self.headline));
        for (title, value) in &self.rows {
            let value = escape(value).replace('\n', "<br>");
            html.push_str(&format!("<tr><th align=\"left\" valign=\"top\">{}</th><td>{value}</td></tr>\n", escape(title)));
        }
        html.push_str("</table>\n");
        html
    }

    /// How many bytes it adds to a message, as text and as HTML.
    pub fn size(&self) -> usize {
        self.text().len() + self.html().len() + RULE.len() + HTML_RULE.len()
    }
}

/// An opening, where there is one, and the parts, as text.
pub fn text(opening: Option<&str>, parts: &[Part]) -> String {
    let opening = opening.map(|opening| format!("{opening}\n")).into_iter();
    opening.chain(parts.iter().map(Part::text)).collect::<Vec<_>>().join(RULE)
}

/// The same as HTML.
pub fn html(opening: Option<&str>, parts: &[Part]) -> String {
    let opening = opening.map(|opening| format!("<p>{}</p>\n", escape(opening))).into_iter();
    opening.chain(parts.iter().map(Part::html)).collect::<Vec<_>>().join(HTML_RULE)
}

/// Without what could end a line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// At most this many characters, with a sign where something was cut off.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_never_markup() {
        let part = Part::new("a\r\n<b>", [("What", "<script>alert('x')</script>\n& \"more\"".to_owned())]);
        let html = html(Some("<i>"), std::slice::from_ref(&part));
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<br>&amp; &quot;more&quot;"), "{html}");
        assert_eq!(part.headline, "a  <b>");
    }

    #[test]
    fn a_long_value_is_cut_between_two_characters() {
        let part = Part::new("a", [("What", "ä".repeat(5_000))]);
        assert_eq!(part.rows[0].1.chars().count(), MAX_VALUE + 1);
        assert_eq!(part.shorter(3).rows[0].1, "äää…");
    }

    #[test]
    fn parts_follow_each_other_with_a_rule_between_them() {
        let part = |name: &str| Part::new(name, [("Code", "1".to_owned())]);
        let text = text(Some("Two:"), &[part("a"), part("b")]);
        assert_eq!(text, format!("Two:\n{RULE}a\n\nCode:\n  1\n{RULE}b\n\nCode:\n  1\n"));
        assert_eq!(html(None, &[part("a"), part("b")]).matches("<hr>").count(), 1);
    }
}
