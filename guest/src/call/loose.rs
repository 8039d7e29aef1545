//! JSON read without trust in its shape: a field of an unexpected type never fails the document around it.
//!
//! A page of answers holds hundreds of workers, and one odd field of one of them may cost that worker only. So the
//! types here take anything, skip what they do not know without keeping it, and leave the judging to the reader.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One value: a scalar as text, an object as `T`, or something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Loose<T> {
    /// Missing or null.
    #[default]
    Nothing,
    /// A string, a number or a truth value, as text. Identifiers come as numbers or strings.
    Text(String),
    /// An object.
    Object(T),
    /// A list, whose content is skipped, and whether it was empty.
    List(bool),
}

/// A value of which only the text matters.
pub type Word = Loose<IgnoredAny>;

impl<T> Loose<T> {
    /// The text, trimmed, if there is any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The text, owned.
    pub fn to_text(&self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// The object, if it is one.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object itself, if it is one.
    pub fn into_object(self) -> Option<T> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The text as a whole number.
    pub fn number<N: std::str::FromStr>(&self) -> Option<N> {
        self.text().and_then(|text| text.parse().ok())
    }

    /// Yes or no in any of the spellings seen; none for anything else.
    pub fn yes(&self) -> Option<bool> {
        let text = self.text()?;
        let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is(["true", "yes", "y", "1"]) {
            Some(true)
        } else if is(["false", "no", "n", "0"]) {
            Some(false)
        } else {
            None
        }
    }
}

/// A list: empty where it is missing or null, and marked where something else stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Something other than a list stood there.
    pub odd: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), odd: false }
    }
}

/// The outermost value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root<T, E> {
    /// A list.
    List(Vec<T>),
    /// An object.
    Object(E),
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut empty = true;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            empty = false;
        }
        Ok(Loose::List(empty))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Loose::Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<T> ListVisitor<T> {
    const fn odd<E>() -> Result<List<T>, E> {
        Ok(List { items: Vec::new(), odd: true })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Self::odd()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Self::odd()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Self::odd()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Self::odd()
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Self::odd()
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok(List { items: collect(seq)?, odd: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Self::odd()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct RootVisitor<T, E>(PhantomData<(T, E)>);

impl<'de, T: Deserialize<'de>, E: Deserialize<'de>> Visitor<'de> for RootVisitor<T, E> {
    type Value = Root<T, E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        collect(seq).map(Root::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        E::deserialize(MapAccessDeserializer::new(map)).map(Root::Object)
    }
}

impl<'de, T: Deserialize<'de>, E: Deserialize<'de>> Deserialize<'de> for Root<T, E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RootVisitor(PhantomData))
    }
}

fn collect<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut seq: A) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = seq.next_element()? {
        items.push(item);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        id: Word,
        inner: Loose<Box<Sample>>,
        list: List<Loose<Sample>>,
    }

    #[test]
    fn an_odd_field_spoils_nothing_around_it() {
        let text = r#"[{"id":7,"inner":[1,{"x":2}],"list":"none"},{"id":"8","inner":{"id":true},"list":[{"id":null},3]},null,9]"#;
        let list: List<Loose<Sample>> = serde_json::from_str(text).unwrap();
        assert_eq!(list.items.len(), 4);
        let first = list.items[0].object().unwrap();
        assert_eq!((first.id.number::<i64>(), first.inner == Loose::List(false), first.list.odd), (Some(7), true, true));
        let second = list.items[1].object().unwrap();
        assert_eq!(second.inner.object().unwrap().id.yes(), Some(true));
        assert_eq!(second.list.items.len(), 2);
        assert_eq!(list.items[2], Loose::Nothing);
    }

    #[test]
    fn yes_and_no_in_any_spelling() {
        for (text, expected) in [("TRUE", Some(true)), ("Yes", Some(true)), ("0", Some(false)), ("n", Some(false)), ("ja", None)] {
            assert_eq!(Word::Text(text.to_owned()).yes(), expected, "{text}");
        }
    }
}
