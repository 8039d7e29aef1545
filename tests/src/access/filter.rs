//! SCIM filters: one comparison, `attribute operator "value"`. Nothing can be joined with `and` or `or`.

/// The seven operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Co,
    Sw,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The attribute, in lower case, without the name of an extension before it.
    pub attribute: String,
    operator: Operator,
    value: String,
}

/// What became of the text of a filter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A comparison.
    Filter(Filter),
    /// A text that was encoded twice: no error, it just fits nobody.
    Nobody,
    /// Not understood.
    Wrong,
}

impl Filter {
    /// Reads a filter whose percent-encoding is already undone once.
    pub(crate) fn parse(text: &str) -> Parsed {
        if !text.contains(' ') && text.contains("%20") {
            return Parsed::Nobody;
        }
        let words = text.trim().split_once(' ').and_then(|(attribute, rest)| Some((attribute, rest.trim_start().split_once(' ')?)));
        let Some((attribute, (operator, value))) = words else { return Parsed::Wrong };
        let parsed = operator_of(operator).zip(value_of(value.trim()));
        let attribute = attribute.to_lowercase();
        let attribute =
            attribute.rsplit_once(":1.0.").or_else(|| attribute.rsplit_once(":1.0:")).map_or(attribute.as_str(), |(_, name)| name);
        match parsed {
            Some((operator, value)) => Parsed::Filter(Self { attribute: attribute.to_owned(), operator, value }),
            None => Parsed::Wrong,
        }
    }

    /// Whether a value passes.
    pub(crate) fn passes(&self, value: &str, case_sensitive: bool) -> bool {
        if case_sensitive { self.compare(value, &self.value) } else { self.compare(&value.to_lowercase(), &self.value.to_lowercase()) }
    }

    fn compare(&self, value: &str, wanted: &str) -> bool {
        match self.operator {
            Operator::Eq => value == wanted,
            Operator::Co => value.contains(wanted),
            Operator::Sw => value.starts_with(wanted),
            Operator::Gt => value > wanted,
            Operator::Ge => value >= wanted,
            Operator::Lt => value < wanted,
            Operator::Le => value <= wanted,
        }
    }
}

fn operator_of(text: &str) -> Option<Operator> {
    Some(match text.to_lowercase().as_str() {
        "eq" => Operator::Eq,
        "co" => Operator::Co,
        "sw" => Operator::Sw,
        "gt" => Operator::Gt,
        "ge" => Operator::Ge,
        "lt" => Operator::Lt,
        "le" => Operator::Le,
        _ => return None,
    })
}

/// A quoted text with `\"` and `\\` inside, or a bare word such as `true`. Anything after it is an error.
fn value_of(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        return (!text.is_empty() && !text.contains([' ', '"'])).then(|| text.to_owned());
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(value),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str, value: &str) -> bool {
        match Filter::parse(filter) {
            Parsed::Filter(filter) => filter.passes(value, false),
            other => panic!("{filter}: {other:?}"),
        }
    }

    #[test]
    fn seven_operators() {
        assert!(passes("displayName eq \"Store 12 Hourly\"", "store 12 hourly"));
        assert!(passes("userName co \"dia\"", "adiaz") && passes("userName SW \"ad\"", "adiaz"));
        assert!(passes("userName gt \"a\"", "b") && !passes("userName lt \"a\"", "b"));
        assert!(passes("userName ge \"a\"", "a") && passes("userName le \"a\"", "a"));
        assert!(passes(r#"displayName eq "The \"Best\" \\ Store""#, r#"The "Best" \ Store"#));
        assert!(passes("active eq true", "true"));
    }

    #[test]
    fn what_is_refused_and_what_matches_nobody() {
        for wrong in
            ["", "userName", "userName eq", "userName ne \"a\"", "userName eq \"a\" and active eq true", "userName eq \"a", "a eq b c"]
        {
            assert_eq!(Filter::parse(wrong), Parsed::Wrong, "{wrong}");
        }
        assert_eq!(Filter::parse("userName%20eq%20%22a%22"), Parsed::Nobody);
    }
}
