//! A component that an argument names, as a tenant names one: a file, a file that must have a digest, or the digest of a manifest in
//! an OCI image layout.

use std::borrow::Cow;

use super::Exit;
use crate::config::{ComponentDigest, ComponentSource};
use crate::layout::{Layout, LayoutError};
use crate::plugin::{BUILT_IN, Pack};

/// The bytes of a component; those of the built-in pack where none is named.
pub(super) fn read(source: Option<&ComponentSource>) -> Result<Cow<'static, [u8]>, Exit> {
    match source {
        None => Ok(Cow::Borrowed(BUILT_IN)),
        Some(ComponentSource::File(file, pinned)) => {
            let bytes = Pack::read(file).map_err(|error| Exit::Usage(error.to_string()))?;
            match pinned.map(|pinned| (pinned, ComponentDigest::of(&bytes))) {
                Some((pinned, found)) if pinned != found => {
                    Err(Exit::Usage(format!("{} has {found}, and {pinned} is wanted", file.display())))
                }
                _ => Ok(Cow::Owned(bytes)),
            }
        }
        Some(ComponentSource::Layout(folder, digest)) => {
            let bytes = Layout::open(folder).and_then(|layout| layout.component(digest)).map_err(trouble)?;
            Ok(Cow::Owned(bytes))
        }
        Some(ComponentSource::Unpinned(folder, tag)) => {
            let layout = Layout::open(folder).map_err(trouble)?;
            Err(trouble(layout.unpinned(tag.as_ref())))
        }
        Some(ComponentSource::Digest(_)) => {
            Err(Exit::Usage("a digest alone is looked for in the folder of a configuration; name the file here".to_owned()))
        }
    }
}

/// In the words of the layout, with what to do.
pub(super) fn trouble(error: LayoutError) -> Exit {
    let told = format!("{error}\n  {}", error.remedy());
    match error {
        LayoutError::Write(..) => Exit::Failed(told),
        _ => Exit::Usage(told),
    }
}
