//! Adds a core module to the end of a component, which then runs each time the component is started.
//!
//! A component is a row of sections, and one that follows may use what those before it define: so any component that a host
//! takes becomes one that does something else in its start.

use anyhow::{Context, Result, ensure};

/// What every component begins with.
const PREAMBLE: usize = 8;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// The component with this module, which imports nothing, instantiated at its end.
///
/// # Errors
/// When it is no component.
pub fn spliced(component: &[u8], module: &[u8]) -> Result<Vec<u8>> {
    let index = core_modules(component)?;
    let mut spliced = component.to_vec();
    section(&mut spliced, CORE_MODULE, module);
    // One instance, made of a module, with no arguments.
    section(&mut spliced, CORE_INSTANCE, &[&[1, 0][..], &leb(index), &[0]].concat());
    Ok(spliced)
}

/// How many core modules the component defines itself.
fn core_modules(component: &[u8]) -> Result<usize> {
    let mut rest = component.get(PREAMBLE..).context("the component is cut off")?;
    let mut count = 0;
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = read_leb(after)?;
        count += usize::from(*id == CORE_MODULE);
        rest = after.get(length..).context("the component is cut off")?;
    }
    Ok(count)
}

fn section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    component.extend(leb(content.len()));
    component.extend_from_slice(content);
}

/// A number as the format writes it: seven bits a byte, the lowest first.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

fn read_leb(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate() {
        ensure!(place < 5, "a length is too long");
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((number, bytes.get(place + 1..).unwrap_or_default()));
        }
    }
    anyhow::bail!("the component is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in [0, 1, 127, 128, 300, 3_000_000] {
            let bytes = [leb(number), vec![7]].concat();
            assert_eq!(read_leb(&bytes).ok(), Some((number, &[7][..])));
        }
    }
}
