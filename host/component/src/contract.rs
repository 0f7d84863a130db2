//! The contract, as this host speaks it, and what of a component does not fit a host.

use crate::interface::{Interface, Interfaces};
use crate::package::Package;
use crate::surroundings::{LINKED_IN_WORDS, MESSAGING, check_called, is_linked};

/// The contract's package, as its interfaces are named in a component.
pub const CONTRACT: &str = "wasmill:plugin/";
/// The contract's version that this host speaks.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// What of a component does not fit a host, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It was built for another version.
    #[error(
        "it uses `{interface}`, and this host speaks version {CONTRACT_VERSION} of the contract: \
         build it against wasmill:plugin@{CONTRACT_VERSION}"
    )]
    Version {
        /// With the version.
        interface: String,
    },
    /// The contract has no such interface.
    #[error(
        "it uses `{interface}`, which version {CONTRACT_VERSION} of the contract does not have: \
         build it against that version, or host it where a later one is spoken"
    )]
    Interface {
        /// With the version.
        interface: String,
    },
    /// The contract has no such function or type in this interface.
    #[error(
        "it uses `{item}` of `{interface}`, which version {CONTRACT_VERSION} of the contract does \
         not have: build it against that version, or host it where a later one is spoken"
    )]
    Item {
        /// With the version.
        interface: String,
        /// The function or type.
        item: String,
    },
    /// The contract has another one of this name.
    #[error(
        "its `{item}` of `{interface}` is `{used}`, and the contract's is `{contract}`: build it \
         against the released wasmill:plugin@{CONTRACT_VERSION}"
    )]
    Type {
        /// With the version.
        interface: String,
        /// The function or type.
        item: String,
        /// As the component has it.
        used: String,
        /// As the contract has it.
        contract: String,
    },
    /// No host has this for it.
    #[error(
        "it imports `{interface}`, and this host links {LINKED_IN_WORDS}@{CONTRACT_VERSION}: build \
         it against these"
    )]
    Unlinked {
        /// With the version.
        interface: String,
    },
    /// Nothing would ever call it.
    #[error(
        "it exports nothing that a host calls: a plugin exports at least one of `handler`, `gate` \
         and `query` of {CONTRACT}*@{CONTRACT_VERSION}, or {MESSAGING}"
    )]
    Uncalled,
}

/// Whether interfaces, by these names, are those of the contract that this host speaks. Others are
/// not judged.
///
/// # Errors
/// The first [`Misfit`].
pub fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Misfit> {
    for name in names {
        contracted(name)?;
    }
    Ok(())
}

/// Whether hosts of this version take a component: what it uses of the contract is as they speak it,
/// whatever else it imports is linked, and there is something to call.
///
/// # Errors
/// The first [`Misfit`].
pub fn check_plugin(interfaces: &Interfaces) -> Result<(), Misfit> {
    check(interfaces)?;
    check_called(interfaces.exports.keys().map(String::as_str))
}

/// Compares what a component uses of the contract with what this host speaks, and what else it imports
/// with what this host links.
///
/// # Errors
/// The first [`Misfit`].
pub fn check(interfaces: &Interfaces) -> Result<(), Misfit> {
    for (name, used) in interfaces.imports.iter().chain(&interfaces.exports) {
        if let Some(contract) = contracted(name)? {
            compare(name, used, contract)?;
        }
    }
    let others = interfaces.imports.iter();
    let mut others = others.filter(|(name, _)| !name.starts_with(CONTRACT));
    // Types alone are linked whoever declares them.
    match others.find(|(name, used)| !used.functions.is_empty() && !is_linked(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Misfit::Unlinked {
            interface: name.clone(),
        }),
    }
}

/// The contract's interface of this name; none if it is not the contract's to judge.
fn contracted(name: &str) -> Result<Option<&'static Interface>, Misfit> {
    let own = name
        .strip_prefix(CONTRACT)
        .and_then(|it| it.split_once('@'));
    let Some((item, version)) = own else {
        return Ok(None);
    };
    let interface = name.to_owned();
    if version != CONTRACT_VERSION {
        return Err(Misfit::Version { interface });
    }
    match Package::current().interfaces.get(item) {
        None => Err(Misfit::Interface { interface }),
        found => Ok(found),
    }
}

fn compare(interface: &str, used: &Interface, contract: &Interface) -> Result<(), Misfit> {
    let types = used.types.iter().map(|used| (used, &contract.types));
    let functions = used
        .functions
        .iter()
        .map(|used| (used, &contract.functions));
    for ((item, used), all) in functions.chain(types) {
        let (interface, item) = (interface.to_owned(), item.clone());
        match all.get(&item) {
            None => return Err(Misfit::Item { interface, item }),
            Some(contract) if contract != used => {
                return Err(Misfit::Type {
                    interface,
                    item,
                    used: used.clone(),
                    contract: contract.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}
