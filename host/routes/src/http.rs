//! `[[ingress]]` and `[[query]]`: the HTTP routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_model::limits::BODY_BYTES_MAX;
use wasmill_model::routes::{Ingress, IngressKey, QueryRoute};

use crate::names;
use crate::path::{self, Hole, Paths};
use crate::table::{Field, Table};
use crate::topics::Topics;
use crate::units;

/// Body bound of a route that states none.
const BODY_BYTES_DEFAULT: usize = 1 << 20;
/// Most topics that a route waits for.
const WAIT_FOR_MAX: usize = 16;
/// Methods that take messages in.
const METHODS: [(&str, &str); 4] = [
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
];

/// The GET routes, and what their paths match.
pub(crate) struct Queries {
    routes: Vec<Arc<QueryRoute>>,
    paths: Paths,
}

impl Queries {
    pub(crate) fn into_routes(self) -> Vec<Arc<QueryRoute>> {
        self.routes
    }
}

/// Reads `[[query]]`.
pub(crate) fn queries(root: &mut Table<'_>) -> Queries {
    let mut queries = Queries {
        routes: Vec::new(),
        paths: Paths::default(),
    };
    for table in tables(root, "query") {
        let route = query(table, &mut queries.paths);
        queries.routes.extend(route.map(Arc::new));
    }
    queries
}

/// Reads `[[ingress]]`.
pub(crate) fn ingress(
    root: &mut Table<'_>,
    topics: &Topics,
    queries: &Queries,
) -> Vec<Arc<Ingress>> {
    let mut paths: BTreeMap<&'static str, Paths> = BTreeMap::new();
    let tables = tables(root, "ingress").into_iter();
    tables
        .filter_map(|table| ingress_route(table, topics, queries, &mut paths))
        .collect()
}

fn tables<'a>(root: &mut Table<'a>, key: &'static str) -> Vec<Table<'a>> {
    let items = root
        .get(key)
        .and_then(|field| field.items())
        .unwrap_or_default();
    items.iter().filter_map(Field::table).collect()
}

fn query(mut table: Table<'_>, paths: &mut Paths) -> Option<QueryRoute> {
    let path = checked_path(&mut table, Some(paths));
    let plugin = table
        .require("plugin", "name the plugin whose query answers")
        .and_then(|field| field.parsed(|text| names::plugin_name(text).map(Name::from)));
    let key = table
        .require("key", "write a template such as `{order_id}`")
        .and_then(|field| key_template(&field, path.as_ref().map(|(_, names)| names.as_slice())));
    let broadcast = table.get("broadcast").and_then(|field| field.boolean());
    table.finish();
    Some(QueryRoute {
        path: path?.0,
        plugin: plugin?,
        key: key?,
        broadcast: broadcast.unwrap_or_default(),
    })
}

/// The path and its parameters.
fn checked_path(table: &mut Table<'_>, paths: Option<&mut Paths>) -> Option<(String, Vec<String>)> {
    let field = table.require("path", "write a path such as `/orders/{order_id}`")?;
    let line = field.report.line(field.offset());
    field.parsed(|text| {
        let parameters = path::parameters(text)?
            .into_iter()
            .map(str::to_owned)
            .collect();
        if let Some(paths) = paths {
            paths.add(text, line)?;
        }
        Ok((text.to_owned(), parameters))
    })
}

fn key_template(field: &Field<'_>, parameters: Option<&[String]>) -> Option<String> {
    field.parsed(|text| {
        if text.is_empty() {
            return Err("is empty, but a query asks about a key".to_owned());
        }
        for hole in path::holes(text)? {
            if let (Hole::Path(name), Some(parameters)) = (hole, parameters) {
                path::known_parameter(name, parameters)?;
            }
        }
        Ok(text.to_owned())
    })
}

fn ingress_route(
    mut table: Table<'_>,
    topics: &Topics,
    queries: &Queries,
    paths: &mut BTreeMap<&'static str, Paths>,
) -> Option<Arc<Ingress>> {
    let method = table
        .require("method", "write `POST`, `PUT`, `PATCH` or `DELETE`")
        .and_then(|field| field.choice(&METHODS));
    let path = checked_path(
        &mut table,
        method.map(|method| paths.entry(method).or_default()),
    );
    let topic = table
        .require("topic", "name the topic that the messages go to")
        .and_then(|field| topics.declared(&field).map(Name::from));
    let gate = table.get("gate");
    let key = table.get("key");
    let dedup_id = table.get("dedup_id");
    if let (Some(_), Some(key)) = (&gate, &key) {
        key.refuse("has no meaning beside `gate`, which makes the key; remove one of the two");
    }
    if let (Some(_), Some(id)) = (&gate, &dedup_id) {
        id.refuse("has no meaning beside `gate`, which makes the id; remove one of the two");
    }
    let keyed = gate.is_some() || key.is_some();
    let parameters = path.as_ref().map(|(_, names)| names.as_slice());
    let gate = gate.and_then(|field| field.parsed(|text| names::plugin_name(text).map(Name::from)));
    let key = key.and_then(|field| ingress_key(&field, parameters));
    let dedup_id = dedup_id.and_then(|field| ingress_key(&field, parameters));
    let wait_for = wait_for(table.get("wait_for").as_ref(), topics);
    let query = table.get("query");
    if let Some(query) = &query {
        check_query(query, keyed, !wait_for.is_empty(), queries);
    }
    let query = query.and_then(|field| field.text().map(str::to_owned));
    let dedup_window = units::dedup_window(&mut table, "dedup_window");
    let body_bytes_max = table
        .get("body_bytes_max")
        .and_then(|field| units::bytes(&field, BODY_BYTES_MAX));
    let answer = table.get("answer").and_then(|field| answer(&field));
    table.finish();
    Some(Arc::new(Ingress {
        method: method?.to_owned(),
        path: path?.0,
        topic: topic?,
        gate,
        key,
        dedup_id,
        dedup_window,
        wait_for,
        query,
        body_bytes_max: body_bytes_max.unwrap_or(BODY_BYTES_DEFAULT),
        answer: answer.unwrap_or(202),
    }))
}

fn ingress_key(field: &Field<'_>, parameters: Option<&[String]>) -> Option<IngressKey> {
    field.parsed(|text| {
        if let Some(name) = text.strip_prefix("path:") {
            if let Some(parameters) = parameters {
                path::known_parameter(name, parameters)?;
            }
            return Ok(IngressKey::Path(name.to_owned()));
        }
        match text.strip_prefix("header:") {
            Some(name) => names::http_header(name).map(IngressKey::Header),
            None => match names::pointer(text) {
                Ok(pointer) => Ok(IngressKey::Pointer(pointer.to_owned())),
                Err(what) => Err(format!("{what}; or write `path:NAME` or `header:NAME`")),
            },
        }
    })
}

fn wait_for(field: Option<&Field<'_>>, topics: &Topics) -> Vec<Name> {
    let Some(items) = field.and_then(Field::items) else {
        return Vec::new();
    };
    if let (Some(field), true) = (field, items.len() > WAIT_FOR_MAX) {
        field.refuse(format!(
            "has {} topics, more than the {WAIT_FOR_MAX} allowed",
            items.len()
        ));
    }
    items
        .iter()
        .filter_map(|item| topics.declared(item).map(Name::from))
        .collect()
}

/// Checks that the template leads to a GET route, and is of use.
fn check_query(field: &Field<'_>, keyed: bool, waits: bool, queries: &Queries) {
    let Some(template) = field.text() else { return };
    let holes = match path::holes(template) {
        Ok(holes) => holes,
        Err(what) => return field.refuse(what),
    };
    if holes.iter().any(|hole| *hole != Hole::Path("key")) {
        return field.refuse(format!(
            "is `{template}`, but only `{{key}}`, the message's key, can be put in"
        ));
    }
    // No literal segment of a route looks like this, so that only a parameter matches it.
    if !queries.paths.matches(&template.replace("{key}", "%00")) {
        field.refuse(format!(
            "is `{template}`, which no [[query]] answers; add one or correct it"
        ));
    }
    if !waits {
        field.refuse("answers requests that wait, so `wait_for` must name the topics to wait for");
    }
    if !keyed && !holes.is_empty() {
        field.refuse("uses `{key}`, but the message has none; add `gate` or `key`");
    }
}

fn answer(field: &Field<'_>) -> Option<u16> {
    let status = field
        .integer(200, 599)
        .and_then(|status| u16::try_from(status).ok())?;
    if matches!(status, 200 | 202) {
        return Some(status);
    }
    field.refuse(format!("is {status}, but must be 202 or 200"));
    None
}
