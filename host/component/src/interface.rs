//! Interfaces as text: what is compared, and shown to people.

use std::collections::BTreeMap;

use serde::Serialize;
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{
    Function, Handle, IndexMap, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, World, WorldItem, WorldKey,
};

/// What a component imports and exports, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interfaces {
    /// What it imports.
    pub imports: BTreeMap<String, Interface>,
    /// What it exports.
    pub exports: BTreeMap<String, Interface>,
}

/// The functions and types of an interface, as WIT writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// By their names: `func(name: string) -> result<bool, error>`.
    pub functions: BTreeMap<String, String>,
    /// By their names: `record { topic: string, key: option<string> }`. Those of other interfaces
    /// that are used here are not among them.
    pub types: BTreeMap<String, String>,
}

impl Interface {
    /// What an interface says.
    pub(crate) fn of(resolve: &Resolve, id: InterfaceId) -> Self {
        let interface = &resolve.interfaces[id];
        let functions = interface.functions.iter();
        let is_own =
            |id: &TypeId| !matches!(resolve.types[*id].kind, TypeDefKind::Type(Type::Id(_)));
        let types = interface.types.iter().filter(|(_, id)| is_own(id));
        Self {
            functions: functions
                .map(|(name, function)| (name.clone(), signature(resolve, function)))
                .collect(),
            types: types
                .map(|(name, id)| (name.clone(), definition(resolve, &resolve.types[*id])))
                .collect(),
        }
    }
}

impl Interfaces {
    /// Those of a component.
    ///
    /// # Errors
    /// What cannot be read of it.
    pub fn of(component: &[u8]) -> Result<Self, String> {
        let decoded = decode(component).map_err(|error| format!("{error:#}"))?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            return Err("it is a package of interfaces without code".to_owned());
        };
        let World {
            imports, exports, ..
        } = &resolve.worlds[world];
        Ok(Self {
            imports: named_interfaces(&resolve, imports),
            exports: named_interfaces(&resolve, exports),
        })
    }
}

fn named_interfaces(
    resolve: &Resolve,
    items: &IndexMap<WorldKey, WorldItem>,
) -> BTreeMap<String, Interface> {
    let mut found = BTreeMap::new();
    for (key, item) in items {
        let name = resolve.name_world_key(key);
        match item {
            WorldItem::Interface { id, .. } => {
                found.insert(name, Interface::of(resolve, *id));
            }
            WorldItem::Function(function) => {
                let signature = signature(resolve, function);
                let functions = BTreeMap::from([(name.clone(), signature)]);
                let types = BTreeMap::new();
                found.insert(name, Interface { functions, types });
            }
            WorldItem::Type { .. } => {}
        }
    }
    found
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let param = |it: &wit_parser::Param| format!("{}: {}", it.name, name(resolve, &it.ty));
    let params: Vec<_> = function.params.iter().map(param).collect();
    let result = function
        .result
        .as_ref()
        .map(|ty| format!(" -> {}", name(resolve, ty)));
    format!("func({}){}", params.join(", "), result.unwrap_or_default())
}

/// What a named type is.
fn definition(resolve: &Resolve, ty: &TypeDef) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match &ty.kind {
        TypeDefKind::Record(record) => {
            let field = |it: &wit_parser::Field| format!("{}: {}", it.name, name(resolve, &it.ty));
            format!(
                "record {{ {} }}",
                list(record.fields.iter().map(field).collect())
            )
        }
        TypeDefKind::Variant(variant) => {
            let case = |it: &wit_parser::Case| match &it.ty {
                Some(ty) => format!("{}({})", it.name, name(resolve, ty)),
                None => it.name.clone(),
            };
            format!(
                "variant {{ {} }}",
                list(variant.cases.iter().map(case).collect())
            )
        }
        TypeDefKind::Enum(it) => {
            format!(
                "enum {{ {} }}",
                list(it.cases.iter().map(|it| it.name.clone()).collect())
            )
        }
        TypeDefKind::Flags(it) => {
            format!(
                "flags {{ {} }}",
                list(it.flags.iter().map(|it| it.name.clone()).collect())
            )
        }
        TypeDefKind::Resource => "resource".to_owned(),
        other => format!("type {}", structure(resolve, other)),
    }
}

/// How a type is named where it is used.
fn name(resolve: &Resolve, ty: &Type) -> String {
    let primitive = match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(id) => return named(resolve, *id),
    };
    primitive.to_owned()
}

fn named(resolve: &Resolve, id: TypeId) -> String {
    let ty = &resolve.types[id];
    match (&ty.name, &ty.owner) {
        (Some(name), TypeOwner::Interface(_) | TypeOwner::World(_)) => name.clone(),
        _ => structure(resolve, &ty.kind),
    }
}

fn structure(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let of = |ty: &Type| name(resolve, ty);
    let maybe = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), of);
    match kind {
        TypeDefKind::Type(ty) => of(ty),
        TypeDefKind::Option(ty) => format!("option<{}>", of(ty)),
        TypeDefKind::List(ty) => format!("list<{}>", of(ty)),
        TypeDefKind::FixedLengthList(ty, count) => format!("list<{}, {count}>", of(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", of(key), of(value)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(of).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", of(ok)),
            (ok, err) => format!("result<{}, {}>", maybe(ok), maybe(err)),
        },
        TypeDefKind::Handle(Handle::Own(id)) => named(resolve, *id),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", named(resolve, *id)),
        TypeDefKind::Future(ty) => format!("future<{}>", maybe(ty)),
        TypeDefKind::Stream(ty) => format!("stream<{}>", maybe(ty)),
        // Types of these kinds always have a name.
        named => named.as_str().to_owned(),
    }
}
