//! The files of a point (network, protocol, platform), and what they are with changed keys. `simulate --set` and sweeps both
//! go through here.

use pisim_hw_models::{Platform, PlatformTemplate, TemplateMemo};
use pisim_netgen::onnx::{self, ReadOptions};
use pisim_netgen::{Network, NetworkSpec, load_network};
use pisim_protocol::Protocol;
use pisim_settings::{Change, ConfigError, Document, DocumentKey, KeyPath, Source, Table, Value, parse};
use std::path::Path;

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

/// A network whose file's keys can be changed, or one of an ONNX file, which has no keys.
#[derive(Debug, Clone)]
pub struct NetworkDocument(NetworkFile);

#[derive(Debug, Clone)]
enum NetworkFile {
    Text(TextDocument),
    Onnx { network: Box<Network>, source: Source },
}

impl NetworkDocument {
    /// The file. Of an ONNX file, what results depend on: the network without its weights.
    pub fn source(&self) -> &Source {
        match &self.0 {
            NetworkFile::Text(document) => &document.source,
            NetworkFile::Onnx { source, .. } => source,
        }
    }

    /// A built-in network, or the `.toml` or `.onnx` file at that path.
    ///
    /// # Errors
    /// There is none, or it is no network.
    pub fn load(name: &str) -> Result<Self, ConfigError> {
        if Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("onnx")) {
            let model = onnx::load(Path::new(name), ReadOptions::default());
            let network = model.map_err(|error| ConfigError::new(name, error.to_string()))?.network;
            let source = Source::new(name, format!("{network:?}"));
            return Ok(Self(NetworkFile::Onnx { network: Box::new(network), source }));
        }
        let unknown = |error: pisim_netgen::NetworkError| ConfigError::new("", error.to_string());
        let source =
            if name.ends_with(".toml") { Source::read(name)? } else { NetworkSpec::source(name).map_err(unknown)? };
        let document = Self(NetworkFile::Text(TextDocument::new(source)?));
        document.with(&[])?;
        Ok(document)
    }

    /// The network with changed keys.
    ///
    /// # Errors
    /// As [`load_network`]; keys of an ONNX file.
    pub fn with(&self, changes: &[(&KeyPath, &Value)]) -> Result<Network, ConfigError> {
        match (&self.0, changes.first()) {
            (NetworkFile::Text(document), _) => {
                let spec = Self::spec_of(document, changes)?;
                spec.build().map_err(|error| ConfigError::new(&document.source.name, error.to_string()))
            }
            (NetworkFile::Onnx { network, .. }, None) => Ok((**network).clone()),
            (NetworkFile::Onnx { source, .. }, Some((key, _))) => {
                let message = format!("key `network.{key}`: unknown key; an ONNX file has none");
                Err(ConfigError::new(&source.name, message).into_form())
            }
        }
    }

    fn spec_of(document: &TextDocument, changes: &[(&KeyPath, &Value)]) -> Result<NetworkSpec, ConfigError> {
        load_network(&document.with(changes)?).map_err(|error| document.locate(&error))
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

/// The network of a name or path, with the changes that are about it.
///
/// # Errors
/// There is no such file or key, or a value is impossible.
pub fn changed_network(name: &str, changes: &[Change]) -> Result<NetworkSpec, ConfigError> {
    let document = NetworkDocument::load(name)?;
    let changes = of(Document::Network, changes.iter().map(|change| (&change.key, &change.value)));
    match &document.0 {
        NetworkFile::Text(text) => NetworkDocument::spec_of(text, &changes),
        // It has no keys to change; what is asked for is refused at its key.
        NetworkFile::Onnx { network, .. } => {
            document.with(&changes).map(|_| NetworkSpec::of_family(&network.name, "onnx"))
        }
    }
}

/// The protocol of a name or path, with the changes that are about it.
///
/// # Errors
/// There is no such file or key, or a value is impossible.
pub fn changed_protocol(name: &str, changes: &[Change]) -> Result<Protocol, ConfigError> {
    let changes = changes.iter().map(|change| (&change.key, &change.value));
    ProtocolDocument::load(name)?.with(&of(Document::Protocol, changes))
}

/// The platform of a name or path, with the changes that are about it. An FPGA design may be of any size:
/// [`pisim_hw_models::PartyHardware::misfits`] says whether it can be built.
///
/// # Errors
/// There is no such file or key, or a value is impossible.
pub fn changed_platform(name: &str, changes: &[Change]) -> Result<Platform, ConfigError> {
    let changes = changes.iter().map(|change| (&change.key, &change.value));
    let template = PlatformTemplate::new(&Platform::source(name)?)?;
    template.with(&of(Document::Hardware, changes), &mut TemplateMemo::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(changes: &[&str]) -> Result<(NetworkSpec, Protocol, Platform), String> {
        let changes: Vec<Change> = changes.iter().map(|change| change.parse().unwrap()).collect();
        let all = || {
            let network = changed_network("minionn", &changes)?;
            Ok((network, changed_protocol("ring-gc", &changes)?, changed_platform("haac-hbm2", &changes)?))
        };
        all().map_err(|error: ConfigError| error.to_string())
    }

    #[test]
    fn an_onnx_file_is_a_network_without_keys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/digits/cnn.onnx");
        let document = NetworkDocument::load(path).unwrap();
        assert!(document.with(&[]).unwrap().layers.len() > 3);
        let (key, value) = ("input".parse().unwrap(), Value::Integer(64));
        let error = document.with(&[(&key, &value)]).unwrap_err();
        assert!(error.is_form() && error.to_string().contains("key `network.input`"), "{error}");
    }

    #[test]
    fn keys_of_all_three_files_can_be_changed() {
        let (_, plain, platform) = configured(&[]).unwrap();
        assert_eq!(platform, Platform::builtin("haac-hbm2").unwrap());
        assert_eq!(plain, Protocol::load("ring-gc").unwrap());
        let changed = configured(&[
            "network.input=64",
            "protocol.nonlinear.garbler=client",
            "hardware.server.gc_engine.engines=4",
            "mapping.overlap=false",
        ]);
        let (network, protocol, platform) = changed.unwrap();
        assert_eq!(network.input_size, 64);
        assert_ne!(protocol.garbler, plain.garbler);
        assert_eq!(platform.server.gc_engine.unwrap().engines, 4);
        assert!(!platform.mapping.overlap);
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
