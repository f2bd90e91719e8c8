import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/** The folders that each folder of src may import besides itself. */
const mayImport: Record<string, readonly string[]> = {
	core: [],
	// The appservice uses the common HTTP listener.
	matrix: ["core", "media", "http", "files"],
	xmpp: ["core", "media"],
	mqtt: ["core", "media"],
	media: ["core", "http", "files"],
	http: ["core", "files"],
	store: ["core", "files"],
	files: [],
};

/** Each library and the only files that may import it. */
const wrappedBy: Record<string, readonly string[]> = {
	"matrix-appservice-bridge": ["src/matrix/appservice.ts"],
	"matrix-appservice": ["src/matrix/appservice.ts"],
	// One file for the stream, one for the elements.
	"@xmpp/component": ["src/xmpp/stream/connection.ts", "src/xmpp/stream/xml.ts"],
	saxes: ["src/xmpp/stream/parser.ts"],
	htmlparser2: ["src/matrix/html.ts"],
	mqtt: ["src/mqtt/client.ts"],
	re2js: ["src/mqtt/pattern.ts"],
	"@resvg/resvg-wasm": ["src/mqtt/chart/png-worker.ts"],
	"nedb-promises": ["src/store/nedb-file.ts"],
	// One file for the config, one for the registration.
	yaml: ["src/yaml.ts", "src/matrix/registration.ts"],
	pino: ["src/log.ts"],
	ajv: ["src/config/validate.ts"],
	"prom-client": ["src/http/metrics.ts"],
	"unhomoglyph/data.json": ["src/core/confusable.ts"],
};

/** Tables, without code, that core may use. */
const tables = ["unhomoglyph/data.json"];

const pure = /\/(from-\w+|to-\w+|html|jid|mxid|topics|downgrade|phrases|parameters|codec)\.ts$/;
const impure = /^node:(fs|net|http|https|tls|dns|timers|worker_threads|child_process)/;

const files = globSync("src/**/*.ts").filter((file) => !file.endsWith(".d.ts"));
const importsOf = (file: string) =>
	[
		...readFileSync(file, "utf8").matchAll(
			/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm,
		),
	].map((match) => (match[1] ?? match[2]) as string);

for (const file of files) {
	const folder = file.split("/")[1] as string;
	for (const target of importsOf(file)) {
		if (target.startsWith(".")) {
			const other = normalize(join(dirname(file), target)).split("/")[1] as string;
			if (!(folder in mayImport) || other === folder) continue;
			test(`${file} may import ${target}`, () => expect(mayImport[folder]).toContain(other));
		} else if (!target.startsWith("node:")) {
			test(`${file} may use ${target}`, () => {
				expect(builtinModules, "spell it node:…").not.toContain(target);
				if (!tables.includes(target)) expect(folder, "core uses no library").not.toBe("core");
				const owners = wrappedBy[target];
				if (owners) expect(owners).toContain(file);
			});
		}
		if (pure.test(file)) test(`${file} is pure: no ${target}`, () => expect(target).not.toMatch(impure));
	}
}

/** Returns the circles in a graph: the strongly connected sets of more than one node, by Tarjan's algorithm. */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
	const seen = new Map<string, number>();
	const open: string[] = [];
	const circles: string[][] = [];
	/** Returns the lowest number of an open node that `node` reaches. */
	function visit(node: string): number {
		const number = seen.size;
		let lowest = number;
		seen.set(node, number);
		open.push(node);
		for (const next of graph.get(node) ?? []) {
			const known = seen.get(next);
			if (known === undefined) lowest = Math.min(lowest, visit(next));
			else if (open.includes(next)) lowest = Math.min(lowest, known);
		}
		if (lowest === number) {
			const circle = open.splice(open.indexOf(node));
			if (circle.length > 1) circles.push(circle.sort());
		}
		return lowest;
	}
	for (const node of graph.keys()) if (!seen.has(node)) visit(node);
	return circles;
}

test("no files of src import each other in a circle, type-only imports included", () => {
	const imports = (file: string) =>
		importsOf(file)
			.filter((one) => one.startsWith("."))
			.map((one) => normalize(join(dirname(file), one)));
	expect(circlesOf(new Map(files.map((file) => [file, imports(file)])))).toEqual([]);
});

/** The folders of src/xmpp that hold conversations, and those that all conversations share. */
const [conversations, shared] = [/^src\/xmpp\/(direct|joined)\//, /^src\/xmpp\/(stream|message|muc|iq)\//];

test("a conversation of src/xmpp imports no other kind, and the folders they share import none", () => {
	for (const file of files.filter((one) => conversations.test(one) || shared.test(one)))
		for (const target of importsOf(file).filter((one) => one.startsWith("."))) {
			const other = normalize(join(dirname(file), target));
			if (dirname(other) !== dirname(file)) expect(other, file).not.toMatch(conversations);
		}
});

test("the router of src/xmpp knows no kind of conversation", () => {
	const known = importsOf("src/xmpp/routing.ts").map((one) => normalize(join("src/xmpp", one)));
	for (const one of known) expect(one).not.toMatch(conversations);
});

test("src/xmpp names the status codes of a MUC in one file", () => {
	for (const file of files.filter((one) => one.startsWith("src/xmpp/") && !one.endsWith("/status-codes.ts")))
		expect(readFileSync(file, "utf8"), file).not.toMatch(/"(1[01]\d|17\d|201|210|3[023]\d)"/);
});

/** Matches names of networks and of their servers, and terms of one network. */
const ofOneNetwork =
	/matrix|xmpp|mqtt|\bmucs?\b|\bjids?\b|\bmxids?\b|homeserver|\bbrokers?\b|\bstanza|synapse|prosody|ejabberd|mosquitto/i;

test("core names no network, its sentences and comments included", () => {
	const named = files
		.filter((one) => one.startsWith("src/core/"))
		.flatMap((file) =>
			readFileSync(file, "utf8")
				.split("\n")
				.flatMap((line, at) => (ofOneNetwork.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
		);
	expect(named).toEqual([]);
});

test("a network calls no network by its name but itself", () => {
	for (const file of files)
		for (const [, name] of readFileSync(file, "utf8").matchAll(/"(\w+)" as NetworkName/g))
			if (file.split("/").length > 2) expect(name, file).toBe(file.split("/")[1]);
});

test("each network has its own sentences in a phrases.ts", () => {
	for (const network of ["matrix", "xmpp", "mqtt"]) expect(files).toContain(`src/${network}/phrases.ts`);
});

test("pure files read no clock", () => {
	for (const file of files.filter((one) => pure.test(one)))
		expect(readFileSync(file, "utf8"), file).not.toMatch(/Date\.now|new Date\(\)|Math\.random/);
});

test("no file of src has 500 lines or more", () => {
	for (const file of files) expect(readFileSync(file, "utf8").split("\n").length, file).toBeLessThan(500);
});

describe("the features of an XMPP message", () => {
	const entry = "src/xmpp/message/index.ts";
	const features = files
		.filter((file) => file.startsWith("src/xmpp/message/"))
		.flatMap((file) =>
			[...readFileSync(file, "utf8").matchAll(/^export const (\w+): MessageFeature\b/gm)].map(
				([, name]) => name,
			),
		);

	test("are run only by readMessage and writeMessage, which give each a budget", () => {
		expect(features.length).toBeGreaterThan(10);
		const importing = new RegExp(
			`^import [^;]*\\b(${features.join("|")})\\b[^;]* from "[^"]*message/[^"]*"`,
			"gm",
		);
		for (const file of files.filter((one) => one.startsWith("src/xmpp/") && one !== entry))
			for (const [line] of readFileSync(file, "utf8").matchAll(importing))
				expect(line, `${file} uses readMessage or writeMessage`).toMatch(/message\/(index|feature)\.ts"$/);
	});
	test("are not exported by their table", () => {
		const exported = [...readFileSync(entry, "utf8").matchAll(/^export \w+ (\w+)/gm)].map(([, name]) => name);
		expect(exported.sort()).toEqual(["readMessage", "vars", "writeMessage"]);
		const source = readFileSync(entry, "utf8");
		expect(source.match(/feature\.(read|write)\?\./g)).toHaveLength(3);
		expect(source.match(/withinBudget\(/g)).toHaveLength(2);
	});
});

describe("the budget of a translator", () => {
	/** Each translator file with its entry function. */
	const budgeted: readonly [file: string, entry: string][] = [
		["src/matrix/from-matrix.ts", "fromMatrix"],
		["src/matrix/to-matrix.ts", "toMatrix"],
		["src/xmpp/message/index.ts", "readMessage"],
		["src/xmpp/message/index.ts", "writeMessage"],
	];
	test.each(budgeted)("%s translates within a budget: %s", (file, entry) => {
		const text = readFileSync(file, "utf8");
		const from = text.search(new RegExp(`^export (const|function) ${entry}\\b`, "m"));
		const body = text.slice(from, text.indexOf("\n}\n", from) + 1 || undefined);
		expect(body).toMatch(/\bwithinBudget\(/);
	});

	/** Files with shared loops over foreign text or trees: they count their steps, so that no translator has to. */
	const counted = [
		"src/core/rich.ts",
		"src/matrix/html.ts",
		"src/matrix/message/spellings.ts",
		"src/xmpp/message/feature.ts",
		"src/xmpp/message/fallback.ts",
		"src/xmpp/message/files.ts",
		"src/xmpp/message/nicks.ts",
		...files.filter((file) => file.startsWith("src/xmpp/message/formatting/")),
	];
	test.each(counted)("%s counts its steps", (file) => {
		expect(readFileSync(file, "utf8")).toMatch(/\bspend\(/);
	});

	test("parseHtml is called only by the translator from Matrix and for the pills of commands, which have budgets", () => {
		const callers = files.filter((file) => /\bparseHtml\(/.test(readFileSync(file, "utf8")));
		expect(callers.sort()).toEqual([
			...["src/matrix/html.ts", "src/matrix/message/mentions.ts", "src/matrix/typed-id.ts"],
		]);
	});
});

test("every table with text keys is made without a prototype", () => {
	// Default arguments are not matched.
	const literal = /(?:const|let) \w+: (?:Readonly<)?Record<string,[^=\n]*= ?\{/g;
	for (const file of files)
		expect(readFileSync(file, "utf8").match(literal), `${file}: use table()`).toBeNull();
});
