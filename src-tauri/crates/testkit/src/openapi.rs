//! A REST service that knows nothing of tools and describes itself at `/openapi.json`: a small shelf of notes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};

use crate::web::{Seen, Web};

/// The service.
#[derive(Debug)]
pub struct Notes {
    /// The requests that came.
    pub seen: Seen,
    /// The listener.
    pub web: Web,
    shelf: Arc<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    notes: Mutex<BTreeMap<String, Json>>,
}

impl Notes {
    /// Serves on a free port, with two notes on the shelf.
    pub async fn start() -> Self {
        let shelf = Arc::new(Shelf::default());
        for (id, title, pinned) in [("first", "Buy milk", false), ("a b/ü", "An odd id", true)] {
            shelf.notes.lock().unwrap().insert(id.into(), json!({ "id": id, "title": title, "pinned": pinned }));
        }
        let app = Router::new()
            .route("/openapi.json", get(|| async { answer(StatusCode::OK, &document()) }))
            .route("/health", get(|| async { answer(StatusCode::OK, &json!({ "status": "healthy" })) }))
            .route("/v1/notes", get(listed).post(created))
            .route("/v1/notes/{id}", get(read).put(replaced).delete(removed))
            .route("/v1/motto", get(motto))
            .with_state(Arc::clone(&shelf));
        let seen = Seen::default();
        let web = Web::start(seen.over(app)).await;
        Self { seen, web, shelf }
    }

    /// The note as it is on the shelf.
    pub fn note(&self, id: &str) -> Option<Json> {
        self.shelf.notes.lock().unwrap().get(id).cloned()
    }
}

/// The description: OpenAPI 3.1, with a component reference, path, query and header parameters, and a body.
pub fn document() -> Json {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" }, "description": "Which note." });
    let body = json!({ "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/NewNote" } } } });
    let one = json!({ "200": { "description": "The note.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Note" } } } },
                      "404": { "description": "There is none." } });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Notes", "version": "1.2.0", "description": "A shelf of notes." },
        "servers": [{ "url": "/v1" }],
        "paths": {
            "/notes": {
                "get": {
                    "operationId": "listNotes", "summary": "Lists notes.",
                    "parameters": [
                        { "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1 } },
                        { "name": "pinned", "in": "query", "schema": { "type": "boolean" } },
                        { "name": "X-Shelf", "in": "header", "schema": { "type": "string" } }
                    ],
                    "responses": { "200": { "description": "Notes.", "content": { "application/json": { "schema": {
                        "type": "array", "items": { "$ref": "#/components/schemas/Note" } } } } } }
                },
                "post": { "operationId": "createNote", "summary": "Puts a note on the shelf.", "requestBody": body,
                          "responses": { "201": { "description": "The note." }, "409": { "description": "The id is taken." } } }
            },
            "/notes/{id}": {
                "parameters": [id],
                "get": { "operationId": "readNote", "summary": "Reads a note.", "responses": one },
                "put": { "operationId": "replaceNote", "summary": "Replaces a note.", "requestBody": body, "responses": one },
                "delete": { "operationId": "removeNote", "summary": "Throws a note away.", "responses": { "204": { "description": "Gone." } } }
            },
            "/motto": { "get": { "summary": "Says a motto, as plain text.", "responses": { "200": { "description": "The motto.",
                        "content": { "text/plain": { "schema": { "type": "string" } } } } } } }
        },
        "components": { "schemas": {
            "NewNote": { "type": "object", "required": ["id", "title"], "properties": {
                "id": { "type": "string" }, "title": { "type": "string" }, "pinned": { "type": "boolean", "default": false } } },
            "Note": { "allOf": [{ "$ref": "#/components/schemas/NewNote" }] }
        } }
    })
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn missing(id: &str) -> Response {
    answer(StatusCode::NOT_FOUND, &json!({ "error": format!("there is no note {id}") }))
}

async fn listed(State(shelf): State<Arc<Shelf>>, Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap) -> Response {
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let pinned = query.get("pinned").map(|pinned| pinned == "true");
    let notes: Vec<_> = shelf
        .notes
        .lock()
        .unwrap()
        .values()
        .filter(|note| pinned.is_none_or(|pinned| note["pinned"] == pinned))
        .take(limit)
        .cloned()
        .collect();
    let mut response = answer(StatusCode::OK, &Json::Array(notes));
    if let Some(shelf) = headers.get("x-shelf") {
        response.headers_mut().insert("x-shelf", shelf.clone());
    }
    response
}

async fn created(State(shelf): State<Arc<Shelf>>, body: String) -> Response {
    let Ok(note) = serde_json::from_str::<Json>(&body) else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "error": "the body is no JSON" }));
    };
    let Some(id) = note["id"].as_str().map(str::to_owned) else {
        return answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "error": "a note wants an id" }));
    };
    let mut notes = shelf.notes.lock().unwrap();
    if notes.contains_key(&id) {
        return answer(StatusCode::CONFLICT, &json!({ "error": format!("{id} is taken") }));
    }
    notes.insert(id, note.clone());
    answer(StatusCode::CREATED, &note)
}

async fn read(State(shelf): State<Arc<Shelf>>, Path(id): Path<String>) -> Response {
    match shelf.notes.lock().unwrap().get(&id) {
        Some(note) => answer(StatusCode::OK, note),
        None => missing(&id),
    }
}

async fn replaced(State(shelf): State<Arc<Shelf>>, Path(id): Path<String>, body: String) -> Response {
    let Ok(note) = serde_json::from_str::<Json>(&body) else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "error": "the body is no JSON" }));
    };
    match shelf.notes.lock().unwrap().get_mut(&id) {
        Some(slot) => {
            *slot = note.clone();
            answer(StatusCode::OK, &note)
        }
        None => missing(&id),
    }
}

async fn removed(State(shelf): State<Arc<Shelf>>, Path(id): Path<String>) -> Response {
    match shelf.notes.lock().unwrap().remove(&id) {
        Some(_) => {
            let mut gone = Response::new(Body::empty());
            *gone.status_mut() = StatusCode::NO_CONTENT;
            gone
        }
        None => missing(&id),
    }
}

async fn motto() -> Response {
    let mut response = Response::new(Body::from("Write it down."));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
