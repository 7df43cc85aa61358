//! The offline phase: linear layers on the client's masks under encryption, then garbling of the non-linear layers.
//!
//! The order is software-pipelined: while the client turns the reply of one linear layer into oblivious-transfer choices,
//! the server already evaluates the next linear layer; it garbles the first layer's circuits after that.

use super::{Lowering, Payload, Setup, stored};
use crate::he;
use crate::packing::ConvPlan;
use crate::program::{Message, Party, Phase, StepId, StepKind};
use crate::wire;
use crate::work::Work;
use pisim_netgen::{LayerId, Op};

const PHASE: Phase = Phase::Offline;

impl Lowering<'_> {
    pub(super) fn offline(&mut self, setup: Setup) {
        let linear: Vec<(LayerId, ConvPlan)> =
            self.layer_ids().zip(self.plans).filter_map(|(id, plan)| Some((id, plan.clone()?))).collect();
        let ready = self.ready_after();
        let nonlinear: Vec<(LayerId, usize)> = self
            .layer_ids()
            .filter(|id| self.circuits.get(id.0).is_some_and(Option::is_some))
            .map(|id| (id, self.inputs(id).iter().filter_map(|input| ready.get(input.0)).max().copied().unwrap_or(0)))
            .collect();
        let delivered: Vec<StepId> = linear.iter().map(|(id, plan)| self.encrypt(*id, plan, setup)).collect();
        for index in 0..=linear.len() {
            let evaluated = linear
                .get(index)
                .zip(delivered.get(index))
                .map(|((id, plan), delivered)| (*id, plan, self.evaluate_linear(*id, plan, *delivered)));
            if let Some((id, plan)) = index.checked_sub(1).and_then(|previous| linear.get(previous)) {
                self.decrypt(*id, plan);
            }
            let ready: Vec<LayerId> =
                nonlinear.iter().filter(|(_, after)| *after == index).map(|(id, _)| *id).collect();
            let columns: Vec<StepId> = ready.iter().map(|id| self.receive_labels(*id, setup)).collect();
            if let Some((id, plan, step)) = evaluated {
                self.reply(id, plan, step);
            }
            for (id, columns) in ready.into_iter().zip(columns) {
                self.garble(id, columns, setup);
            }
        }
        let output = self.output_layer();
        self.client_share(output);
    }

    /// For every layer, how many linear layers must be done before the client knows its share of it.
    fn ready_after(&self) -> Vec<usize> {
        let (mut ready, mut linear) = (Vec::<usize>::new(), 0);
        for layer in self.layer_ids() {
            ready.push(match self.op(layer) {
                Op::Input | Op::Relu | Op::Rescale => 0,
                Op::Conv(_) | Op::Linear { .. } => {
                    linear += 1;
                    linear
                }
                _ => self.inputs(layer).iter().filter_map(|input| ready.get(input.0)).max().copied().unwrap_or(0),
            });
        }
        ready
    }

    /// The steps after which the client has its share of `layer`: none for masks, which come from its seed.
    fn client_share(&mut self, layer: LayerId) -> Vec<StepId> {
        match self.op(layer) {
            Op::Input | Op::Relu | Op::Rescale => Vec::new(),
            Op::Conv(_) | Op::Linear { .. } => self.decrypted.get(&layer).copied().into_iter().collect(),
            Op::ChannelBias { .. } if layer != self.output_layer() => self.client_shares_of_inputs(layer),
            _ => {
                if let Some(step) = self.client_shares.get(layer.0).copied().flatten() {
                    return vec![step];
                }
                let deps = self.client_shares_of_inputs(layer);
                let mut work = self.local_work(layer);
                if matches!(self.op(layer), Op::ChannelBias { .. }) {
                    work = Work::default();
                }
                work.stored_client_bytes = self.kept_answer_bytes(layer);
                let step = self.push(layer, StepKind::LocalLinear, Party::Client, PHASE, deps, work);
                if let Some(share) = self.client_shares.get_mut(layer.0) {
                    *share = Some(step);
                }
                vec![step]
            }
        }
    }

    fn client_shares_of_inputs(&mut self, layer: LayerId) -> Vec<StepId> {
        let inputs = self.inputs(layer);
        inputs.into_iter().flat_map(|input| self.client_share(input)).collect()
    }

    fn encrypt(&mut self, layer: LayerId, plan: &ConvPlan, setup: Setup) -> StepId {
        let mut deps = self.client_shares_of_inputs(layer);
        deps.push(setup.public_key);
        let encrypt = self.push(layer, StepKind::Encrypt, Party::Client, PHASE, deps, he::encrypt_work(plan));
        self.send(layer, Message::Ciphertexts, Party::Client, PHASE, [encrypt], wire::ciphertexts_bytes(plan).into())
    }

    fn evaluate_linear(&mut self, layer: LayerId, plan: &ConvPlan, delivered: StepId) -> StepId {
        let work = he::linear_work(plan) + stored(Party::Server, wire::SEED_BYTES);
        self.push(layer, StepKind::HeLinear, Party::Server, PHASE, [delivered], work)
    }

    fn reply(&mut self, layer: LayerId, plan: &ConvPlan, evaluated: StepId) {
        let bytes = plan.reply_bytes();
        let reply = self.send(layer, Message::ReplyCiphertexts, Party::Server, PHASE, [evaluated], bytes.into());
        self.replies.insert(layer, reply);
    }

    fn decrypt(&mut self, layer: LayerId, plan: &ConvPlan) {
        let deps = self.replies.get(&layer).copied();
        let work = Work { stored_client_bytes: self.kept_answer_bytes(layer), ..he::decrypt_work(plan) };
        let step = self.push(layer, StepKind::Decrypt, Party::Client, PHASE, deps, work);
        self.decrypted.insert(layer, step);
    }

    /// The evaluator's side of the oblivious transfers: one label for every bit of its share.
    fn receive_labels(&mut self, layer: LayerId, setup: Setup) -> StepId {
        let evaluator = self.protocol.garbler.peer();
        let transfers = self.elements(layer) * u64::from(self.protocol.format.ring_bits);
        let mut deps = self.client_shares_of_inputs(layer);
        deps.push(setup.evaluator_ready);
        let work =
            Work { extended_ots: transfers, stored_client_bytes: transfers * wire::LABEL_BYTES, ..Work::default() };
        let receive = self.push(layer, StepKind::OtReceive, evaluator, PHASE, deps, work);
        let bytes = wire::ot_columns_bytes(transfers);
        self.send(layer, Message::OtColumns, evaluator, PHASE, [receive], bytes.into())
    }

    /// The garbler's side: the transfers' zero labels become the evaluator's input labels of the circuits.
    fn garble(&mut self, layer: LayerId, columns: StepId, setup: Setup) {
        let Some(Some(circuit)) = self.circuits.get(layer.0).cloned() else { return };
        let garbler = self.protocol.garbler;
        let instances = self.elements(layer);
        let transfers = instances * circuit.inputs.evaluator as u64;
        let work = Work { extended_ots: transfers, ..Work::default() };
        let deps = [columns, setup.garbler_ready];
        let labels = self.push(layer, StepKind::OtSend, garbler, PHASE, deps, work);
        let ands = instances * circuit.and_gates();
        let offline_labels = instances * circuit.inputs.garbler_offline as u64;
        let work = Work {
            and_gates: ands,
            xor_gates: instances * circuit.xor_gates(),
            hash_calls: 4 * ands,
            labels: instances * circuit.inputs.garbler_online as u64 + offline_labels,
            ..Work::default()
        } + stored(garbler, wire::SEED_BYTES);
        let garble = self.push(layer, StepKind::Garble, garbler, PHASE, [labels], work);
        let bytes = wire::garbled_tables_bytes(instances, circuit.and_gates(), circuit.outputs.len() as u64);
        let sent = self.send(layer, Message::GarbledTables, garbler, PHASE, [garble], Payload { bytes, stored: bytes });
        self.tables.insert(layer, sent);
    }
}
