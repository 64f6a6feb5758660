// Answers questions about resources with the npm package fhirpath, for ask.py.
// node answer.mjs FOLDER: one JSON object a line from stdin, {"resource", "questions": [...]}; a question is
// [keys, base, expression, inner]: keys lead into the resource to where the expression starts, base is the type
// of what stands there (null: the resource itself), inner of the keys lead to the innermost resource.
// One line each to stdout: a list of {"values": [...]} or {"error": "..."}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const fhirpath = require("fhirpath");
const model = require("fhirpath/fhir-context/r4");

const TARGET = /(?:^|\/)([A-Z][A-Za-z]+)(?:\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[^/]+)?|\?.*)$/;
let resource;

// what resolve() finds: contained resources, else something of the type that the reference names
function resolve(nodes) {
  return nodes.flatMap((node) => {
    const reference = typeof node.data === "string" ? node.data : node.data?.reference;
    if (!reference) return [];
    const found = reference.startsWith("#")
      ? (resource.contained ?? []).filter((each) => "#" + each.id === reference)
      : [TARGET.exec(reference)?.[1]].filter(Boolean).map((resourceType) => ({ resourceType }));
    return found.map((each) => node.constructor.makeResNode(node.ctx, each, null, null, null, null));
  });
}

const options = {
  resolveInternalTypes: true,
  preciseMath: true,
  traceFn: () => {},
  userInvocationTable: {
    resolve: { fn: resolve, arity: { 0: [] }, internalStructures: true },
    hasExtension: {
      fn: (collection, url) =>
        collection.some((node) => ((node?.data ?? node)?.extension ?? []).some((each) => each.url === url)),
      arity: { 1: ["String"] },
    },
  },
};
const compiled = new Map();

function follow(keys) {
  return keys.reduce((found, key) => found[key], resource);
}

function answer(keys, base, expression, inner) {
  const key = base + "\n" + expression;
  try {
    if (!compiled.has(key)) {
      compiled.set(key, fhirpath.compile(base ? { base, expression } : expression, model, options));
    }
    const at = follow(keys);
    const values = compiled.get(key)(at, {
      resource: follow(keys.slice(0, inner)),
      rootResource: resource,
      context: at,
    });
    return { values: JSON.parse(JSON.stringify(values)) };
  } catch (error) {
    return { error: String(error.message ?? error).slice(0, 200) };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const row = JSON.parse(line);
  resource = row.resource;
  process.stdout.write(JSON.stringify(row.questions.map((question) => answer(...question))) + "\n");
}
