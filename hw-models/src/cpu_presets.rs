//! Processors whose costs are built in, one file each, so that platforms share them.

use crate::raw::RawCpuCosts;
use include_dir::{Dir, include_dir};
use pisim_settings::{ConfigError, Source, parse};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../configs/hardware/cpu");

/// The names of the built-in processors, in alphabetic order.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FILES.files().filter_map(|file| file.path().file_stem()?.to_str()).collect();
    names.sort_unstable();
    names
}

/// The file of a built-in processor and its table; none of that name is `None`.
pub(crate) fn load(name: &str) -> Option<Result<(Source, RawCpuCosts), ConfigError>> {
    let text = FILES.get_file(format!("{name}.toml"))?.contents_utf8()?;
    let source = Source::new(format!("configs/hardware/cpu/{name}.toml"), text);
    Some(parse(&source).map(|costs| (source, costs)))
}
