//! Garbling a layer and transferring the labels of the evaluator's share, in the two ways that the protocols have.
//!
//! *SoftSpoken*: the transfers come first, and what they leave with the sender are the zero labels of the evaluator's inputs.
//! They are always made offline. *ALSZ*: the garbler draws all labels, and then both labels of every wire are transferred:
//! offline if the client evaluates, which has its share by then; online if the server does.
//!
//! In the packed layout a garbler keeps one seed for a layer and the labels of its offline inputs are never sent; in Delphi's
//! every instance is a record with all its labels, and the garbler keeps all zero labels with Δ and its mask.

use super::{Lowering, Payload, Setup, stored};
use crate::circuit::Circuit;
use crate::program::{Message, Party, Phase, StepId, StepKind};
use crate::shares::{Transfer, WireFormat};
use crate::wire::{self, delphi};
use crate::work::Work;
use pisim_netgen::LayerId;

impl Lowering<'_> {
    /// Whether the labels of the evaluator's share are transferred online.
    pub(super) fn transfers_online(&self) -> bool {
        (self.protocol.transfer, self.protocol.garbler) == (Transfer::Alsz, Party::Client)
    }

    /// Transfers of a layer: one for every bit that the evaluator feeds into its circuits, of its shares and of a secret slope.
    fn transfers(&self, layer: LayerId) -> u64 {
        self.elements(layer) * self.circuit_inputs(layer).evaluator as u64
    }

    /// Bytes of one label where it is kept.
    fn kept_label_bytes(&self) -> u64 {
        match self.protocol.wire {
            WireFormat::Packed => wire::LABEL_BYTES,
            WireFormat::Delphi => delphi::LABEL_BYTES,
        }
    }

    /// The offline columns of a layer, if its transfers are made then. A client has its share by now; a server transfers
    /// labels of random bits, from a seed, and corrects them online.
    pub(super) fn receive_labels(&mut self, layer: LayerId, setup: Setup) -> Option<StepId> {
        if self.transfers_online() {
            return None;
        }
        let evaluator = self.protocol.garbler.peer();
        let (mut deps, seed) = match evaluator {
            Party::Client => (self.client_shares_of_inputs(layer), 0),
            Party::Server => (Vec::new(), wire::SEED_BYTES),
        };
        deps.push(setup.evaluator_ready);
        // Labels of chosen transfers are known, and kept, when they are opened.
        let kept = match self.protocol.transfer {
            Transfer::SoftSpoken => stored(evaluator, self.transfers(layer) * wire::LABEL_BYTES + seed),
            Transfer::Alsz => Work::default(),
        };
        Some(self.columns(layer, Phase::Offline, deps, kept))
    }

    /// The evaluator's side of a layer's transfers, and their columns to the garbler.
    pub(super) fn columns(&mut self, layer: LayerId, phase: Phase, deps: Vec<StepId>, kept: Work) -> StepId {
        let (evaluator, transfers) = (self.protocol.garbler.peer(), self.transfers(layer));
        let work = Work { extended_ots: transfers, ..Work::default() } + kept;
        let receive = self.push(layer, StepKind::OtReceive, evaluator, phase, deps, work);
        let bytes = match self.protocol.transfer {
            Transfer::SoftSpoken => wire::ot_columns_bytes(transfers),
            Transfer::Alsz => wire::alsz_columns_bytes(transfers),
        };
        self.send(layer, Message::OtColumns, evaluator, phase, [receive], bytes.into())
    }

    /// The garbler's side of chosen transfers once it has the columns, and the evaluator's opening of what it chose: the last
    /// step. The sender hashes once for each of both labels, the receiver once.
    pub(super) fn payload(&mut self, layer: LayerId, phase: Phase, deps: [StepId; 2]) -> StepId {
        let (garbler, transfers) = (self.protocol.garbler, self.transfers(layer));
        let work = Work { extended_ots: transfers, hash_calls: 2 * transfers, ..Work::default() };
        let send = self.push(layer, StepKind::OtSend, garbler, phase, deps, work);
        let bytes = wire::alsz_payload_bytes(transfers);
        let sent = self.send(layer, Message::OtPayload, garbler, phase, [send], bytes.into());
        let kept = match phase {
            Phase::Online => Work::default(),
            Phase::Setup | Phase::Offline => stored(garbler.peer(), transfers * self.kept_label_bytes()),
        };
        let work = Work { hash_calls: transfers, ..Work::default() } + kept;
        self.push(layer, StepKind::OtOpen, garbler.peer(), phase, [sent], work)
    }

    /// The garbler's side of a layer: its transfers and its circuits, in the order that the transfers ask for.
    pub(super) fn garble_layer(&mut self, layer: LayerId, columns: Option<StepId>, setup: Setup) {
        let Some(Some(circuit)) = self.circuits.get(layer.0).cloned() else { return };
        let garbler = self.protocol.garbler;
        let (transfer, ready) = (self.protocol.transfer, setup.garbler_ready);
        let mut deps = match (transfer, columns) {
            (Transfer::SoftSpoken, Some(columns)) => {
                let work = Work { extended_ots: self.transfers(layer), ..Work::default() };
                vec![self.push(layer, StepKind::OtSend, garbler, Phase::Offline, [columns, ready], work)]
            }
            // Δ is chosen with the base transfers.
            _ => vec![ready],
        };
        if garbler == Party::Client {
            deps.extend(self.client_shares_of_inputs(layer));
        }
        let garble = self.tables_of(layer, &circuit, deps);
        if let (Transfer::Alsz, Some(columns)) = (transfer, columns) {
            self.payload(layer, Phase::Offline, [columns, garble]);
        }
    }

    /// Garbles a layer's circuits and sends them; returns the garbling.
    fn tables_of(&mut self, layer: LayerId, circuit: &Circuit, deps: Vec<StepId>) -> StepId {
        let (garbler, instances) = (self.protocol.garbler, self.elements(layer));
        let work = self.garble_work(layer, circuit);
        let garble = self.push(layer, StepKind::Garble, garbler, Phase::Offline, deps, work);
        let bytes = match self.protocol.wire {
            WireFormat::Packed => {
                wire::garbled_tables_bytes(instances, circuit.and_gates(), circuit.outputs.len() as u64)
            }
            WireFormat::Delphi => instances * delphi::tables_bytes(circuit),
        };
        let payload = Payload { bytes, stored: bytes };
        let sent = self.send(layer, Message::GarbledTables, garbler, Phase::Offline, [garble], payload);
        self.tables.insert(layer, sent);
        garble
    }

    /// The work of garbling a layer: half gates hash four times per AND gate. In Delphi's layout all labels are drawn, those of
    /// the constants too, and both labels of every output are hashed.
    fn garble_work(&self, layer: LayerId, circuit: &Circuit) -> Work {
        let instances = self.elements(layer);
        let (ands, outputs) = (instances * circuit.and_gates(), instances * circuit.outputs.len() as u64);
        let gates = Work {
            and_gates: ands,
            xor_gates: instances * circuit.xor_gates(),
            hash_calls: 4 * ands,
            ..Work::default()
        };
        let (labels, hash_calls, kept) = match self.protocol.wire {
            WireFormat::Packed => {
                let offline = instances * circuit.inputs.garbler_offline as u64;
                (self.online_labels(layer) + offline, 0, wire::SEED_BYTES)
            }
            WireFormat::Delphi => (
                instances * (circuit.inputs.total() as u64 + delphi::CONSTANTS),
                delphi::BLOCKS_PER_OUTPUT * outputs,
                instances * delphi::encoder_bytes(circuit),
            ),
        };
        gates + Work { labels, hash_calls, ..Work::default() } + stored(self.protocol.garbler, kept)
    }

    /// The work of evaluating a layer's circuits: two hashes per AND gate. In the packed layout the labels of the garbler's
    /// offline inputs are expanded; in Delphi's every output's label is hashed and compared.
    pub(super) fn evaluate_work(&self, layer: LayerId, circuit: &Circuit) -> Work {
        let instances = self.elements(layer);
        let (ands, outputs) = (instances * circuit.and_gates(), instances * circuit.outputs.len() as u64);
        let (expanded, hashed) = match self.protocol.wire {
            WireFormat::Packed => (instances * circuit.inputs.garbler_offline as u64, 0),
            WireFormat::Delphi => (0, outputs),
        };
        Work {
            and_gates: ands,
            xor_gates: instances * circuit.xor_gates(),
            hash_calls: 2 * ands + hashed,
            labels: expanded + outputs,
            ..Work::default()
        }
    }

    /// Bytes of the message of a layer's online labels.
    pub(super) fn online_labels_bytes(&self, layer: LayerId) -> u64 {
        match self.protocol.wire {
            WireFormat::Packed => self.online_labels(layer) * wire::LABEL_BYTES,
            WireFormat::Delphi => {
                self.elements(layer) * delphi::online_labels_bytes(self.circuit_inputs(layer).garbler_online as u64)
            }
        }
    }
}
