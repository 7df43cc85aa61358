//! The online phase: the server's shares go through the linear layers, garbled circuits through the non-linear ones.

use super::Lowering;
use crate::program::{Message, Party, Phase, StepId, StepKind};
use crate::work::Work;
use pisim_netgen::{LayerId, Op};

const PHASE: Phase = Phase::Online;

impl Lowering<'_> {
    pub(super) fn online(&mut self) {
        // The step after which the server has its share of each layer.
        let mut shares: Vec<StepId> = Vec::with_capacity(self.network.network.layers.len());
        for layer in self.layer_ids() {
            let deps: Vec<StepId> =
                self.inputs(layer).iter().filter_map(|input| shares.get(input.0).copied()).collect();
            let share = match self.op(layer) {
                Op::Input => self.mask_input(layer),
                Op::Conv(_) | Op::Linear { .. } => self.ring_linear(layer, deps),
                op if op.rescales() => self.activation(layer, deps),
                _ => {
                    let work = self.local_work(layer);
                    self.push(layer, StepKind::LocalLinear, Party::Server, PHASE, deps, work)
                }
            };
            shares.push(share);
        }
        let output = self.output_layer();
        let bytes = self.elements(output) * self.element_bytes();
        let share = shares.last().copied();
        let sent = self.send(output, Message::OutputShare, Party::Server, PHASE, share, bytes.into());
        let work = Work { ring_adds: self.elements(output), ..Work::default() };
        self.push(output, StepKind::Reconstruct, Party::Client, PHASE, [sent], work);
    }

    fn mask_input(&mut self, layer: LayerId) -> StepId {
        let elements = self.elements(layer);
        let work = Work { ring_adds: elements, ..Work::default() };
        let mask = self.push(layer, StepKind::MaskInput, Party::Client, PHASE, [], work);
        let bytes = elements * self.element_bytes();
        self.send(layer, Message::MaskedValues, Party::Client, PHASE, [mask], bytes.into())
    }

    /// The server's share through the weights, plus its offline mask and the bias, at the pixels that are computed.
    fn ring_linear(&mut self, layer: LayerId, deps: Vec<StepId>) -> StepId {
        let work = self.plans.get(layer.0).and_then(Option::as_ref).map_or(Work::default(), |plan| {
            let shape = plan.shape();
            let outputs = shape.out_channels as u64 * self.computed_pixels(layer, shape);
            Work { ring_macs: outputs * shape.taps() as u64, ring_adds: 2 * outputs, ..Work::default() }
        });
        self.push(layer, StepKind::RingLinear, Party::Server, PHASE, deps, work)
    }

    fn activation(&mut self, layer: LayerId, deps: Vec<StepId>) -> StepId {
        match self.protocol.garbler {
            Party::Server => self.client_evaluates(layer, deps),
            Party::Client => self.server_evaluates(layer, deps),
        }
    }

    /// The server sends the labels of its share; the client returns the activation under both parties' masks.
    fn client_evaluates(&mut self, layer: LayerId, deps: Vec<StepId>) -> StepId {
        let labels = self.labels(layer, deps);
        let instances = self.elements(layer);
        let masking = Work { ring_adds: instances, ..Work::default() };
        let evaluate = self.evaluate(layer, labels, masking);
        let bytes = instances * self.element_bytes();
        let masked = self.send(layer, Message::MaskedValues, Party::Client, PHASE, [evaluate], bytes.into());
        self.push(layer, StepKind::Unmask, Party::Server, PHASE, [masked], masking)
    }

    /// The server shows its share under its offline choices and the client answers with labels, or it has the labels transferred
    /// now; then the server evaluates: the activation under the client's mask is its share.
    fn server_evaluates(&mut self, layer: LayerId, deps: Vec<StepId>) -> StepId {
        if self.transfers_online() {
            let labels = Work { labels: self.online_labels(layer), ..Work::default() };
            let encode = self.push(layer, StepKind::EncodeLabels, Party::Client, PHASE, [], labels);
            let columns = self.columns(layer, PHASE, deps, Work::default());
            let opened = self.payload(layer, PHASE, [columns, encode]);
            return self.evaluate(layer, opened, Work::default());
        }
        let (numbers, bytes) = self.server_numbers(layer);
        let masking = Work { ring_adds: numbers, ..Work::default() };
        let choices = self.push(layer, StepKind::MaskChoices, Party::Server, PHASE, deps, masking);
        let payload = (numbers * bytes).into();
        let shown = self.send(layer, Message::MaskedChoices, Party::Server, PHASE, [choices], payload);
        let labels = self.labels(layer, vec![shown]);
        self.evaluate(layer, labels, Work::default())
    }

    /// The garbler's labels of the server's share.
    fn labels(&mut self, layer: LayerId, deps: Vec<StepId>) -> StepId {
        let garbler = self.protocol.garbler;
        let labels = self.online_labels(layer);
        let work = Work { labels, ..Work::default() };
        let encode = self.push(layer, StepKind::EncodeLabels, garbler, PHASE, deps, work);
        self.send(layer, Message::OnlineLabels, garbler, PHASE, [encode], self.online_labels_bytes(layer).into())
    }

    fn evaluate(&mut self, layer: LayerId, labels: StepId, masking: Work) -> StepId {
        let Some(Some(circuit)) = self.circuits.get(layer.0).cloned() else { return labels };
        let work = self.evaluate_work(layer, &circuit) + masking;
        let deps = self.tables.get(&layer).copied().into_iter().chain([labels]);
        self.push(layer, StepKind::Evaluate, self.protocol.garbler.peer(), PHASE, deps, work)
    }
}
