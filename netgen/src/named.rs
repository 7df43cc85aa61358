//! The file of a network that is known by its name.

use crate::{NetworkError, NetworkSpec, shipped_networks};
use pisim_settings::Source;

impl NetworkSpec {
    /// The TOML text of a built-in network: a shipped file, or one that names the family.
    ///
    /// # Errors
    /// As [`NetworkSpec::named`].
    pub fn source(name: &str) -> Result<Source, NetworkError> {
        let lower = name.to_lowercase();
        if let Some(shipped) = shipped_networks().into_iter().find(|shipped| shipped.name == lower) {
            return Ok(shipped.source);
        }
        Ok(Source::new(format!("{lower}.toml"), Self::named(&lower)?.to_toml()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{NetworkSpec, load_network};

    #[test]
    fn the_file_of_a_name_is_the_network_of_that_name() {
        for name in ["resnet18", "HRN-5x5x3x", "minionn", "wrn-22-8", "hrn-tiny", "resnet18-tinyimagenet"] {
            let read = load_network(&NetworkSpec::source(name).unwrap()).unwrap();
            assert_eq!(read, NetworkSpec::named(name).unwrap(), "{name}");
        }
        assert!(NetworkSpec::source("resnet81").unwrap_err().to_string().contains("resnet18"));
    }
}
