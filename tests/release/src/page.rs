//! The contract as a page of Markdown: every interface, function and type with its words, and the way from each name to what it
//! means. A table for what has members, the line of the contract for a function.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_parser::{Docs, Function, FunctionKind, InterfaceId, Resolve, Stability, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem};

/// The page of the contract in this folder.
///
/// # Errors
/// When it cannot be read, and when it has something that the page has no words for: nothing is left out unseen.
pub fn render(folder: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    let world = &resolve.worlds[resolve.select_world(&[package], Some("plugin"))?];
    let (resolve, package) = (&resolve, &resolve.packages[package]);
    let mut page = format!("# The contract `{}`\n\n", package.name);
    page.push_str("<!-- Made from wit/*.wit: tests/release/page -->\n\n");
    page.push_str(&text(&package.docs));
    page.push_str(&text(&world.docs));
    let sides = [("What a platform lends", &world.imports), ("What a plugin does", &world.exports)];
    for (title, items) in sides {
        write!(page, "## {title}\n\n| interface | why |\n|---|---|\n")?;
        for item in items.values() {
            let WorldItem::Interface { id, docs, .. } = item else { bail!("the page has no words for what is no interface") };
            let own = name(resolve, *id)?;
            writeln!(page, "| {} | {} |", link(own, own), cell(docs))?;
        }
        page.push('\n');
    }
    for item in world.imports.values().chain(world.exports.values()) {
        if let WorldItem::Interface { id, .. } = item {
            interface(resolve, *id, &mut page)?;
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    Ok(page)
}

fn interface(resolve: &Resolve, id: InterfaceId, page: &mut String) -> Result<()> {
    let (interface, own) = (&resolve.interfaces[id], name(resolve, id)?);
    write!(page, "## <a id=\"{own}\"></a>`{own}`\n\n{}\n\n{}", since(&interface.stability)?, text(&interface.docs))?;
    for function in interface.functions.values() {
        write!(page, "### <a id=\"{own}.{0}\"></a>`{own}.{0}`\n\n", function.name)?;
        write!(page, "{}\n\n{}", signature(resolve, function)?, text(&function.docs))?;
    }
    for (name, id) in &interface.types {
        let ty = &resolve.types[*id];
        match ty.kind {
            // Taken over from another interface, where it is told.
            TypeDefKind::Type(Type::Id(_)) => {}
            _ => described(resolve, own, name, ty, page)?,
        }
    }
    Ok(())
}

/// A function as one line, its names leading to what they mean.
fn signature(resolve: &Resolve, function: &Function) -> Result<String> {
    let kind = match function.kind {
        FunctionKind::Freestanding => "func",
        FunctionKind::AsyncFreestanding => "async func",
        ref other => bail!("the page has no words for {other:?}"),
    };
    let params = function.params.iter().map(|param| Ok(format!("{}: {}", param.name, ty(resolve, &param.ty)?)));
    let params = params.collect::<Result<Vec<_>>>()?.join(", ");
    let result = function.result.as_ref().map(|result| Ok::<_, anyhow::Error>(format!(" → {}", ty(resolve, result)?))).transpose()?;
    Ok(format!("{kind}({params}){} · {}", result.unwrap_or_default(), since(&function.stability)?))
}

fn described(resolve: &Resolve, own: &str, name: &str, def: &TypeDef, page: &mut String) -> Result<()> {
    let kind = if let TypeDefKind::Type(_) = def.kind { "type" } else { def.kind.as_str() };
    let since = since(&def.stability)?;
    write!(page, "### <a id=\"{own}.{name}\"></a>{kind} `{own}.{name}`\n\n{since}\n\n{}", text(&def.docs))?;
    let (of, none) = (|it: &Type| ty(resolve, it), String::new);
    let members: Vec<(&str, String, &Docs)> = match &def.kind {
        TypeDefKind::Record(it) => it.fields.iter().map(|it| Ok((&*it.name, of(&it.ty)?, &it.docs))).collect::<Result<_>>()?,
        TypeDefKind::Variant(it) => {
            let case = |ty: &Option<Type>| ty.as_ref().map_or_else(|| Ok(none()), of);
            it.cases.iter().map(|it| Ok((&*it.name, case(&it.ty)?, &it.docs))).collect::<Result<_>>()?
        }
        TypeDefKind::Enum(it) => it.cases.iter().map(|it| (&*it.name, none(), &it.docs)).collect(),
        TypeDefKind::Flags(it) => it.flags.iter().map(|it| (&*it.name, none(), &it.docs)).collect(),
        TypeDefKind::Type(it) => return Ok(write!(page, "{}\n\n", of(it)?)?),
        other => bail!("the page has no words for {}", other.as_str()),
    };
    let typed = members.iter().any(|(_, ty, _)| !ty.is_empty());
    page.push_str(if typed { "| name | type | what |\n|---|---|---|\n" } else { "| name | what |\n|---|---|\n" });
    for (name, ty, docs) in members {
        let ty = if typed { format!(" {ty} |") } else { String::new() };
        writeln!(page, "| `{name}` |{ty} {} |", cell(docs))?;
    }
    page.push('\n');
    Ok(())
}

/// A type in the words of the contract.
fn ty(resolve: &Resolve, it: &Type) -> Result<String> {
    Ok(match it {
        Type::Id(id) => defined(resolve, *id)?,
        Type::Bool | Type::String | Type::Char => format!("{it:?}").to_lowercase(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::S8 | Type::S16 | Type::S32 | Type::S64 | Type::F32 | Type::F64 => {
            format!("{it:?}").to_lowercase()
        }
        other => bail!("the page has no words for {other:?}"),
    })
}

fn defined(resolve: &Resolve, id: TypeId) -> Result<String> {
    let def = &resolve.types[id];
    let of = |it: &Type| ty(resolve, it);
    if let Some(own) = &def.name {
        let TypeOwner::Interface(home) = resolve.types[source(resolve, id)].owner else { bail!("{own} is in no interface") };
        return Ok(link(own, &format!("{}.{own}", name(resolve, home)?)));
    }
    Ok(match &def.kind {
        TypeDefKind::List(it) => format!("list‹{}›", of(it)?),
        TypeDefKind::Option(it) => format!("option‹{}›", of(it)?),
        TypeDefKind::Tuple(it) => format!("tuple‹{}›", it.types.iter().map(of).collect::<Result<Vec<_>>>()?.join(", ")),
        TypeDefKind::Result(it) => {
            let part = |it: &Option<Type>| it.as_ref().map_or_else(|| Ok("_".to_owned()), of);
            format!("result‹{}, {}›", part(&it.ok)?, part(&it.err)?)
        }
        other => bail!("the page has no words for {}", other.as_str()),
    })
}

/// Where a type that is taken over was made.
fn source(resolve: &Resolve, id: TypeId) -> TypeId {
    match resolve.types[id].kind {
        TypeDefKind::Type(Type::Id(other)) => source(resolve, other),
        _ => id,
    }
}

fn name(resolve: &Resolve, id: InterfaceId) -> Result<&str> {
    resolve.interfaces[id].name.as_deref().context("the page has no words for an interface without a name")
}

fn link(name: &str, to: &str) -> String {
    format!("[{name}](#{to})")
}

fn since(stability: &Stability) -> Result<String> {
    Ok(match stability {
        Stability::Stable { since, deprecated: None } => format!("since {since}"),
        Stability::Stable { since, deprecated: Some(deprecated) } => format!("since {since}, deprecated since {deprecated}"),
        other => bail!("what is released says since when, and not {other:?}"),
    })
}

fn text(docs: &Docs) -> String {
    docs.contents.as_ref().map(|contents| format!("{}\n\n", contents.trim())).unwrap_or_default()
}

/// One line for a table: lines of the source are put after each other.
fn cell(docs: &Docs) -> String {
    let contents = docs.contents.as_deref().unwrap_or_default();
    contents.trim().replace('|', "\\|").replace('\n', " ")
}
