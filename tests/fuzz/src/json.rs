//! Changes an input as JSON: what most readers take. Bytes changed blindly are no JSON any more, and show the parser alone.

use rand::rngs::SmallRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// Texts that readers stumble over: empty, long, of several bytes a letter, times, numbers, base64 of `{}`.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "é",
    "2026-11-2é",
    "日本語テキスト",
    "😀",
    "a\u{0}b",
    "2026-11-22T08:00:00",
    "2026-11-22T08:00:00Z",
    "2026-02-30T25:61:61+99:99",
    "e30=",
    "e30",
    "-1",
    "18446744073709551616",
];

/// The input with its JSON changed in one to three places; what stands before an empty line stays. None if it holds no JSON.
pub fn change(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let start = input.windows(2).position(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    let (head, body) = input.split_at_checked(start)?;
    let mut document: Value = serde_json::from_slice(body).ok()?;
    let mut rng = SmallRng::seed_from_u64(seed.into());
    for _ in 0..rng.random_range(1..=3) {
        let known = document.clone();
        step(&mut document, &known, &mut rng);
    }
    Some([head, document.to_string().as_bytes()].concat())
}

/// Goes down to a random place, and changes what is there.
fn step(value: &mut Value, whole: &Value, rng: &mut SmallRng) {
    if rng.random_bool(0.8) {
        let below = match value {
            Value::Array(items) => items.iter_mut().choose(rng),
            Value::Object(fields) => fields.values_mut().choose(rng),
            _ => None,
        };
        if let Some(below) = below {
            return step(below, whole, rng);
        }
    }
    match (value, rng.random_range(0..4)) {
        (Value::Object(fields), 0 | 1) => {
            let Some(name) = fields.keys().choose(rng).cloned() else { return };
            let Some(taken) = fields.remove(&name) else { return };
            if rng.random() {
                fields.insert(names(whole).choose(rng).cloned().unwrap_or(name), taken);
            }
        }
        (Value::Array(items), 0 | 1) => match items.iter().choose(rng).cloned() {
            Some(item) if rng.random() => items.push(item),
            Some(_) => drop(items.swap_remove(rng.random_range(0..items.len()))),
            None => items.push(Value::Null),
        },
        (Value::String(text), 0 | 1) => {
            let letters = text.chars().count();
            *text = match rng.random() {
                true => text.chars().take(rng.random_range(0..=letters)).collect(),
                false => text.chars().chain(TEXTS.choose(rng).copied().unwrap_or_default().chars()).collect(),
            };
        }
        (value, _) => *value = another(rng, whole),
    }
}

fn another(rng: &mut SmallRng, whole: &Value) -> Value {
    match rng.random_range(0..8) {
        0 => Value::Null,
        1 => rng.random::<bool>().into(),
        2 => rng.random::<i64>().into(),
        3 => f64::from_bits(rng.random()).into(),
        4 => Value::Array(vec![whole.clone()]),
        5 => Value::Object([("data".to_owned(), Value::Object(Default::default()))].into_iter().collect()),
        _ => TEXTS.choose(rng).copied().unwrap_or_default().into(),
    }
}

/// Every name in it.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(name, value)| [vec![name.clone()], names(value)].concat()).collect(),
        Value::Array(items) => items.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}
