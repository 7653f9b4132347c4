//! The table of operations, made by `cargo xtask generate aws`: read once, when the first request comes.
//!
//! Lines of tab-separated columns. `S` begins a service: name, signing names, endpoint prefix, name of a global endpoint,
//! protocols (x rest-xml, r rest-json, j json, q query, e ec2, c rpc-v2-cbor), target prefix, version. `O` is an operation
//! of it: name, `METHOD path`, literals of the query, required query keys, required headers, other query keys, actions.
//! Several are separated by commas; the forms of actions and resources are in `plan.rs`.

use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use flate2::read::GzDecoder;
use foldhash::HashMap;
use smallvec::SmallVec;

use super::plan::Plan;
use super::route::Routes;

static COMPRESSED: &[u8] = include_bytes!("table/operations.gz");

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut text = String::new();
    GzDecoder::new(COMPRESSED)
        .read_to_string(&mut text)
        .expect("the committed table is what `cargo xtask generate aws` wrote; a test reads it");
    Table::new(Box::leak(text.into_boxed_str()))
});

/// Where the table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The version of botocore, such as `1.44.5`.
    pub botocore: &'static str,
    /// When that was released, as `YYYY-MM-DD`.
    pub released: &'static str,
    /// How many services it has.
    pub services: usize,
    /// How many operations, all versions of the services' APIs counted.
    pub operations: usize,
}

/// Which version of which package the table of operations was made from.
#[must_use]
pub fn origin() -> Origin {
    TABLE.origin
}

/// Every action that the table names, as often as it does.
pub fn possible_actions() -> impl Iterator<Item = &'static str> {
    let columns = TABLE.operations.iter().flat_map(|of| of.actions.split(';'));
    let names = columns.map(|column| column.split(['?', '+', ' ']).next().unwrap_or_default());
    // Those that the request makes up are not in it.
    names.filter(|name| !name.is_empty() && !name.contains('@'))
}

pub(super) fn table() -> &'static Table {
    &TABLE
}

pub(super) struct Table {
    origin: Origin,
    pub(super) services: Vec<Service>,
    pub(super) operations: Vec<Operation>,
    /// By signing name.
    pub(super) signing: HashMap<&'static str, Signing>,
    /// Services by endpoint prefix.
    pub(super) endpoints: HashMap<&'static str, Ids>,
    /// Services by target prefix.
    pub(super) targets: HashMap<&'static str, Ids>,
}

pub(super) type Ids = SmallVec<[u32; 2]>;

pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) signing: &'static str,
    pub(super) endpoint_prefix: &'static str,
    pub(super) global_endpoint: &'static str,
    protocols: &'static str,
    pub(super) target_prefix: &'static str,
    pub(super) version: &'static str,
}

/// What one signing name stands for.
#[derive(Default)]
pub(super) struct Signing {
    /// Operations by name, of the protocols that have it in the request.
    pub(super) named: HashMap<&'static str, Ids>,
    /// Operations by path.
    pub(super) routes: Routes,
    /// The prefix of its actions.
    pub(super) prefix: &'static str,
    pub(super) has_form: bool,
}

pub(super) struct Operation {
    pub(super) service: u32,
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) literals: &'static str,
    pub(super) required: &'static str,
    pub(super) headers: &'static str,
    pub(super) optional: &'static str,
    pub(super) actions: &'static str,
    /// Letters of the path that are no labels.
    pub(super) literal: usize,
    /// Labels of the path; one of several segments counts twice.
    pub(super) labels: usize,
    plan: OnceLock<Plan>,
}

impl Operation {
    /// What `actions` says.
    pub(super) fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| Plan::new(self.actions))
    }
}

impl Service {
    pub(super) fn is_rest(&self) -> bool {
        self.protocols.contains(['x', 'r'])
    }

    pub(super) fn is_xml(&self) -> bool {
        self.protocols.contains('x')
    }

    pub(super) fn has_form(&self) -> bool {
        self.protocols.contains(['q', 'e'])
    }

    pub(super) fn has_json(&self) -> bool {
        self.protocols.contains('j')
    }

    pub(super) fn has_cbor(&self) -> bool {
        self.protocols.contains('c')
    }
}

impl Table {
    fn new(text: &'static str) -> Self {
        let mut lines = text.lines();
        let mut table = Self {
            origin: origin_of(lines.next().unwrap_or_default()),
            services: Vec::new(),
            operations: Vec::new(),
            signing: HashMap::default(),
            endpoints: HashMap::default(),
            targets: HashMap::default(),
        };
        let mut signing: SmallVec<[&'static str; 4]> = SmallVec::new();
        for line in lines {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            if next() == "S" {
                let name = next();
                signing = next().split(',').collect();
                let service = Service {
                    name,
                    signing: signing[0],
                    endpoint_prefix: next(),
                    global_endpoint: next(),
                    protocols: next(),
                    target_prefix: next(),
                    version: next(),
                };
                table.add_service(service);
            } else {
                let name = next();
                let (method, path) = next().split_once(' ').unwrap_or_default();
                let operation = Operation {
                    service: id(table.services.len() - 1),
                    name,
                    method,
                    path,
                    literals: next(),
                    required: next(),
                    headers: next(),
                    optional: next(),
                    actions: next(),
                    literal: 0,
                    labels: 0,
                    plan: OnceLock::new(),
                };
                table.add_operation(operation, &signing);
            }
        }
        table
    }

    fn add_service(&mut self, service: Service) {
        let number = id(self.services.len());
        for prefix in [service.endpoint_prefix, service.global_endpoint] {
            if !prefix.is_empty() {
                self.endpoints.entry(prefix).or_default().push(number);
            }
        }
        if !service.target_prefix.is_empty() {
            let of_target = self.targets.entry(service.target_prefix).or_default();
            of_target.push(number);
        }
        self.services.push(service);
    }

    fn add_operation(&mut self, mut operation: Operation, signing: &[&'static str]) {
        for part in operation.path.split('/') {
            if part.starts_with('{') {
                operation.labels += if part.ends_with("+}") { 2 } else { 1 };
            } else {
                operation.literal += part.len();
            }
        }
        let number = id(self.operations.len());
        let service = &self.services[operation.service as usize];
        for name in signing {
            let signing = self.signing.entry(name).or_default();
            signing.has_form |= service.has_form();
            if signing.prefix.is_empty() {
                let action = operation.actions.split_once(':');
                signing.prefix = action.map_or("", |(prefix, _)| prefix);
            }
            if service.is_rest() {
                signing.routes.add(operation.path, number);
            } else {
                signing
                    .named
                    .entry(operation.name)
                    .or_default()
                    .push(number);
            }
        }
        self.operations.push(operation);
    }

    pub(super) fn service_of(&self, operation: &Operation) -> &Service {
        &self.services[operation.service as usize]
    }

    pub(super) fn operation(&self, number: u32) -> &Operation {
        &self.operations[number as usize]
    }
}

fn id(index: usize) -> u32 {
    u32::try_from(index).expect("the table has thousands of lines, not billions")
}

fn origin_of(header: &'static str) -> Origin {
    let mut columns = header.split('\t').skip(1);
    let mut next = || columns.next().unwrap_or_default();
    let botocore = next().trim_start_matches("botocore ");
    Origin {
        botocore,
        released: next(),
        services: next().parse().unwrap_or_default(),
        operations: next().parse().unwrap_or_default(),
    }
}
