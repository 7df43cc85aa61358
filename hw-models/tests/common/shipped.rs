//! Texts of shipped platforms.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

use pisim_hw_models::Platform;

/// A shipped platform's text with the costs of named processors written out.
pub fn text_of(name: &str) -> String {
    let (mut table, mut text) = (String::new(), String::new());
    for line in Platform::builtin_text(name).unwrap().lines() {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            table = header.to_owned();
        }
        if let Some(cost) = line.strip_prefix("cost = \"") {
            let cpu = cost.split('"').next().unwrap();
            let file = format!("{}/../configs/hardware/cpu/{cpu}.toml", env!("CARGO_MANIFEST_DIR"));
            text += &format!("[{table}.cost]\n{}", std::fs::read_to_string(file).unwrap());
        } else {
            text += &format!("{line}\n");
        }
    }
    text
}
