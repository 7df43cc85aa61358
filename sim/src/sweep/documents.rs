//! The files of a point (network, protocol, platform), and what they are with changed keys. `simulate --set` and sweeps both
//! go through here.

use pisim_hw_models::{Platform, PlatformTemplate, TemplateMemo};
use pisim_netgen::{NetworkSpec, load_network};
use pisim_protocol::Protocol;
use pisim_settings::{Change, ConfigError, Document, DocumentKey, KeyPath, Source, Table, Value, parse};

/// A network or protocol file whose keys can be changed.
#[derive(Debug, Clone)]
pub struct TextDocument {
    source: Source,
    document: Table,
}

impl TextDocument {
    fn new(source: Source) -> Result<Self, ConfigError> {
        let document = parse(&source)?;
        Ok(Self { source, document })
    }

    /// The file with changed keys; as it is without any.
    fn with(&self, changes: &[(&KeyPath, &Value)]) -> Result<Source, ConfigError> {
        if changes.is_empty() {
            return Ok(self.source.clone());
        }
        let mut document = self.document.clone();
        for (key, value) in changes {
            let set = key.set(&mut document, (*value).clone());
            set.map_err(|error| ConfigError::at_key(&self.source, key.as_str(), error.to_string()))?;
        }
        Ok(Source::new(&self.source.name, document.to_string()))
    }

    /// The error of the changed text, at the line of the file itself.
    fn locate(&self, error: &ConfigError) -> ConfigError {
        error.in_source(&self.source)
    }
}

/// A network whose file's keys can be changed.
#[derive(Debug, Clone)]
pub struct NetworkDocument(TextDocument);

impl NetworkDocument {
    /// The file.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// A built-in network, or the `.toml` file at that path.
    ///
    /// # Errors
    /// There is none, or it is no network.
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        let unknown = |error: pisim_netgen::NetworkError| ConfigError::new("", error.to_string());
        let source =
            if name.ends_with(".toml") { Source::read(name)? } else { NetworkSpec::source(name).map_err(unknown)? };
        let document = Self(TextDocument::new(source)?);
        document.with(&[])?;
        Ok(document)
    }

    /// The network with changed keys.
    ///
    /// # Errors
    /// As [`load_network`].
    pub fn with(&self, changes: &[(&KeyPath, &Value)]) -> Result<NetworkSpec, ConfigError> {
        load_network(&self.0.with(changes)?).map_err(|error| self.0.locate(&error))
    }
}

/// A protocol whose file's keys can be changed.
#[derive(Debug, Clone)]
pub struct ProtocolDocument(TextDocument);

impl ProtocolDocument {
    /// The file.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// A built-in protocol, or the `.toml` file at that path.
    ///
    /// # Errors
    /// There is none, or it is no protocol.
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        let document = Self(TextDocument::new(Protocol::source(name)?)?);
        document.with(&[])?;
        Ok(document)
    }

    /// The protocol with changed keys.
    ///
    /// # Errors
    /// As [`Protocol::parse`].
    pub fn with(&self, changes: &[(&KeyPath, &Value)]) -> Result<Protocol, ConfigError> {
        Protocol::parse(&self.0.with(changes)?).map_err(|error| self.0.locate(&error))
    }
}

/// The changes of one file, in their order.
pub(super) fn of<'a>(
    document: Document,
    changes: impl Iterator<Item = (&'a DocumentKey, &'a Value)>,
) -> Vec<(&'a KeyPath, &'a Value)> {
    changes.filter(|(key, _)| key.document == document).map(|(key, value)| (&key.path, value)).collect()
}

/// A network, a protocol and a platform with changed keys.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The network's description.
    pub network: NetworkSpec,
    /// The protocol.
    pub protocol: Protocol,
    /// The platform. An FPGA design may be of any size: [`pisim_hw_models::PartyHardware::misfits`] says whether it can be built.
    pub platform: Platform,
}

/// Loads a network, a protocol and a platform by name or path, and changes keys of their files.
///
/// # Errors
/// There is no such file or key, or a value is impossible.
pub fn configure(network: &str, protocol: &str, hardware: &str, changes: &[Change]) -> Result<Configured, ConfigError> {
    let changes = || changes.iter().map(|change| (&change.key, &change.value));
    let template = PlatformTemplate::new(&Platform::source(hardware)?)?;
    Ok(Configured {
        network: NetworkDocument::load(network)?.with(&of(Document::Network, changes()))?,
        protocol: ProtocolDocument::load(protocol)?.with(&of(Document::Protocol, changes()))?,
        platform: template.with(&of(Document::Hardware, changes()), &mut TemplateMemo::default())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(changes: &[&str]) -> Result<Configured, String> {
        let changes: Vec<Change> = changes.iter().map(|change| change.parse().unwrap()).collect();
        configure("minionn", "ring-gc", "haac-hbm2", &changes).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_of_all_three_files_can_be_changed() {
        let plain = configured(&[]).unwrap();
        assert_eq!(plain.platform, Platform::builtin("haac-hbm2").unwrap());
        assert_eq!(plain.protocol, Protocol::load("ring-gc").unwrap());
        let changed = configured(&[
            "network.input=64",
            "protocol.nonlinear.garbler=client",
            "hardware.server.gc_engine.engines=4",
            "mapping.overlap=false",
        ]);
        let changed = changed.unwrap();
        assert_eq!(changed.network.input_size, 64);
        assert_ne!(changed.protocol.garbler, plain.protocol.garbler);
        assert_eq!(changed.platform.server.gc_engine.unwrap().engines, 4);
        assert!(!changed.platform.mapping.overlap);
    }

    #[test]
    fn a_fault_names_file_and_key() {
        let error = |change: &str| configured(&[change]).unwrap_err();
        assert!(error("network.inputs=64").contains("did you mean `input`?"), "{}", error("network.inputs=64"));
        let bits = error("protocol.shares.bits=100");
        assert!(bits.starts_with("configs/protocols/ring-gc.toml:") && bits.contains("100 is not possible"), "{bits}");
        assert!(error("hardware.link.upp=1").contains("unknown key"), "{}", error("hardware.link.upp=1"));
    }
}
