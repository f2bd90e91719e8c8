import { existsSync, readFileSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { feedProblems, mirrorProblems, type RawMirror, readMirrors } from "./config/mirrors.ts";
import { listenPattern, type Problem, validate } from "./config/validate.ts";
import type { Support } from "./core/capabilities.ts";
import type { Limits } from "./core/limits.ts";
import type { Permissions } from "./core/permissions.ts";
import { keyBytes } from "./core/sealer.ts";
import { day } from "./core/time.ts";
import { elsewhere } from "./files/elsewhere.ts";
import { dataFolderOf, withFileSync } from "./files/file-error.ts";
import { configElsewhere } from "./files/phrases.ts";
import type { MatrixOptions } from "./matrix/index.ts";
import type { MediaOptions } from "./media/index.ts";
import type { Feed } from "./mqtt/feed.ts";
import type { MqttOptions } from "./mqtt/index.ts";
import type { ComponentOptions } from "./xmpp/stream/component.ts";
import { type Path, parse } from "./yaml.ts";

export type Listen = Readonly<{ host: string; port: number }>;
export type Config = Readonly<{
	matrix: MatrixOptions;
	xmpp: ComponentOptions & Readonly<{ contact: readonly string[] }>;
	mqtt?: MqttOptions;
	/** `idleAfter`: in ms. */
	rooms: Readonly<{
		membersMirrored: number;
		readReceipts: number;
		idleAfter?: number;
		reactions?: Support;
	}>;
	gateway: Readonly<{
		direct: "known" | "any";
		rooms: "local" | "any" | readonly string[];
		create: readonly string[];
	}>;
	public?: Readonly<{ listen: Listen; url: string }>;
	media: Omit<MediaOptions, "public">;
	health: Readonly<{ listen: Listen }>;
	store: Readonly<{ directory: string; secretsKey?: string }>;
	permissions: Permissions;
	limits: Limits;
	log: Readonly<{ level: LogLevel }>;
}>;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Names all mistakes in the config, one line each: file, line, path, expected value, cure. No line quotes a value. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
}

/** The document after validation: the schema's shape, defaults filled in. */
type Rate = { per_minute: number; burst: number };
type Broker = {
	url: string;
	password?: string;
	password_file?: string;
	ca?: string;
	cert?: string;
	key?: string;
	server_name?: string;
	alpn?: string[];
	status_topic?: string;
	discovery: string | false;
	max_packet_size: number;
	client_id?: string;
	protocol: "5" | "3.1.1";
};
type LimitName =
	| "sender"
	| "domain"
	| "new_chats"
	| "new_chats_of_domain"
	| "created_rooms"
	| "requests"
	| "requests_of_domain"
	| "joins"
	| "joins_of_domain"
	| "new_ghosts"
	| "new_ghosts_of_domain";
type Raw = {
	matrix: Omit<MatrixOptions, "appservice"> & {
		appservice: { listen: string; url: string; registration: string };
	};
	xmpp: { component: string; service: string; secret?: string; secret_file?: string; contact: string[] };
	mqtt?: { brokers: Record<string, Broker>; mirrors: RawMirror[]; feeds?: Feed[] };
	rooms: { members_mirrored: number; read_receipts: number; idle_days: number; reactions?: Support };
	gateway: { direct: "known" | "any"; rooms: "local" | "any" | string[]; create: string[] };
	public?: { listen: string; url: string };
	media: { largest: number; private_hosts: string[] };
	health: { listen: string };
	store: { directory: string; secrets_key_file?: string };
	permissions: Permissions;
	limits: Record<LimitName, Rate>;
	log: { level: LogLevel };
};

/**
 * Reads the config file. Relative paths in it are relative to the working directory, as `--config` itself is.
 * @throws ConfigError
 */
export function loadConfig(file: string, env: NodeJS.ProcessEnv = process.env): Config {
	const text = readConfig(file);
	const source = parse(text);
	const fail = (lines: readonly string[]) => new ConfigError(lines.join("\n"));
	const line = (at: { line: number; column: number }, path: Path, message: string) =>
		`${file}:${at.line}:${at.column}: ${path.length > 0 ? `${path.join(".")}: ` : ""}${message}`;
	const report = (problems: readonly Problem[]) => {
		const placed = problems.map((problem) => ({
			problem,
			at:
				problem.key === undefined ? source.place(problem.path) : source.placeOfKey(problem.path, problem.key),
		}));
		placed.sort((a, b) => a.at.line - b.at.line);
		return fail(placed.map(({ problem, at }) => line(at, problem.path, problem.message)));
	};
	// One syntax error causes further ones below it, so only the first is reported.
	const [first] = source.errors.toSorted((a, b) => a.line - b.line);
	if (first)
		throw fail([line(first, [], `${first.message}. Mend the YAML there: its indentation, quotes, brackets`)]);
	if (typeof source.data !== "object" || source.data === null)
		throw fail([line({ line: 1, column: 1 }, [], "expected sections; start from config/example.yaml")]);

	const problems: Problem[] = clearSecrets(file, source.data);
	const data = substitute(source.data, [], env, problems) as object;
	problems.push(...validate(data));
	if (problems.length > 0) throw report(problems);
	const raw = data as Raw;
	const config = build(raw, problems);
	problems.push(...conflicts(raw));
	if (problems.length > 0) throw report(problems);
	return freeze(config);
}

function readConfig(file: string): string {
	const there = elsewhere(file, file, existsSync);
	const missing = there
		? configElsewhere(there.path, there.base)
		: "Copy config/example.yaml there and fill it in, or name another file with --config";
	const about = { what: "The config", path: file, need: "read", own: true, missing } as const;
	try {
		return withFileSync({ ...about, ...dataFolderOf(file) }, () => readFileSync(file, "utf8"));
	} catch (error) {
		throw new ConfigError((error as Error).message, { cause: error });
	}
}

/** Returns a problem for each secret that stands in a world-readable config file. */
function clearSecrets(file: string, data: object): Problem[] {
	if ((statSync(file).mode & 0o004) === 0) return [];
	const clear: Path[] = [];
	const walk = (value: unknown, path: Path) => {
		if (typeof value === "object" && value !== null)
			for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
		else if (typeof value === "string" && !value.includes("${")) {
			const key = path.at(-1);
			if (key === "secret" || key === "password" || (key === "url" && password(value) !== undefined))
				clear.push(path);
		}
	};
	walk(data, []);
	return clear.map((path) => ({
		path,
		message: `a secret in a file that everybody here may read. Run: chmod 600 ${file}`,
	}));
}

/** Replaces each ${NAME} in a text by that environment variable. */
function substitute(value: unknown, path: Path, env: NodeJS.ProcessEnv, problems: Problem[]): unknown {
	if (Array.isArray(value))
		return value.map((inner, index) => substitute(inner, [...path, index], env, problems));
	if (typeof value === "object" && value !== null)
		return Object.fromEntries(
			Object.entries(value).map(([key, inner]) => [key, substitute(inner, [...path, key], env, problems)]),
		);
	if (typeof value !== "string") return value;
	return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
		const found = env[name];
		if (found === undefined)
			problems.push({
				path,
				message: `the environment has no variable ${name}. Set it, or write the value here`,
			});
		return found ?? "unset";
	});
}

function build(raw: Raw, problems: Problem[]): Config {
	const { matrix, xmpp, mqtt, limits } = raw;
	const rate = ({ per_minute, burst }: Rate) => ({ perMinute: per_minute, burst });
	return {
		matrix: { ...matrix, appservice: { ...matrix.appservice, listen: listen(matrix.appservice.listen) } },
		xmpp: {
			component: xmpp.component,
			service: xmpp.service,
			secret: secret(xmpp, "secret", ["xmpp"], problems) ?? "",
			contact: xmpp.contact,
		},
		...(mqtt && { mqtt: { ...mqttOptions(mqtt, raw, problems), rate: rate(limits.domain) } }),
		rooms: {
			membersMirrored: raw.rooms.members_mirrored,
			readReceipts: raw.rooms.read_receipts,
			...(raw.rooms.idle_days > 0 && { idleAfter: raw.rooms.idle_days * day }),
			...(raw.rooms.reactions && { reactions: raw.rooms.reactions }),
		},
		gateway: raw.gateway,
		...(raw.public && { public: { listen: listen(raw.public.listen), url: raw.public.url } }),
		media: { largest: raw.media.largest * 1_048_576, privateHosts: raw.media.private_hosts },
		health: { listen: listen(raw.health.listen) },
		store: { directory: raw.store.directory, ...secretsKey(raw.store, problems) },
		permissions: raw.permissions,
		limits: {
			sender: rate(limits.sender),
			domain: rate(limits.domain),
			newChats: rate(limits.new_chats),
			newChatsOfDomain: rate(limits.new_chats_of_domain),
			createdRooms: rate(limits.created_rooms),
			requests: rate(limits.requests),
			requestsOfDomain: rate(limits.requests_of_domain),
			joins: rate(limits.joins),
			joinsOfDomain: rate(limits.joins_of_domain),
			newGhosts: rate(limits.new_ghosts),
			newGhostsOfDomain: rate(limits.new_ghosts_of_domain),
		},
		log: raw.log,
	};
}

function mqttOptions(
	mqtt: NonNullable<Raw["mqtt"]>,
	{ matrix: { domain }, permissions }: Raw,
	problems: Problem[],
): MqttOptions {
	const admins = Object.keys(permissions).filter(
		(glob) => permissions[glob] === "admin" && /^@[^*?]+$/.test(glob),
	);
	const brokers = Object.entries(mqtt.brokers).map(([name, broker]) => {
		const path = ["mqtt", "brokers", name];
		const url = new URL(broker.url);
		const username = decodeURIComponent(url.username);
		const given = broker.password ?? broker.password_file;
		if (given !== undefined && password(broker.url) !== undefined)
			problems.push({ path, message: "the password is given twice: in “url” and by itself. Keep one." });
		const pass = secret(broker, "password", path, problems) ?? password(broker.url);
		const pem = (name: "ca" | "cert" | "key") =>
			broker[name] === undefined ? undefined : readText(broker[name], [...path, name], problems);
		const [ca, cert, key] = [pem("ca"), pem("cert"), pem("key")];
		if ((broker.cert === undefined) !== (broker.key === undefined))
			problems.push({ path, message: "“cert” and “key” belong together. Give both, or none." });
		url.username = "";
		url.password = "";
		return [
			name,
			{
				url: url.href,
				...(username !== "" && { username }),
				...(pass !== undefined && { password: pass }),
				...(ca !== undefined && { ca }),
				...(cert !== undefined && { cert }),
				...(key !== undefined && { key }),
				...(broker.server_name !== undefined && { serverName: broker.server_name }),
				...(broker.alpn && { alpn: broker.alpn }),
				...(broker.status_topic !== undefined && { statusTopic: broker.status_topic }),
				...(broker.discovery !== false && { discovery: broker.discovery }),
				maxPacketSize: broker.max_packet_size,
				// The same at every start, so that the broker resumes the session; different for each bridge.
				clientId: broker.client_id ?? `trivium-${domain}`,
				protocol: broker.protocol,
			},
		] as const;
	});
	return {
		brokers: Object.fromEntries(brokers),
		...readMirrors(mqtt.mirrors, domain, admins),
		...(mqtt.feeds && { feeds: mqtt.feeds }),
	};
}

const password = (url: string) =>
	URL.canParse(url) && new URL(url).password !== "" ? decodeURIComponent(new URL(url).password) : undefined;

function listen(text: string): Listen {
	const [, host = "", port] = listenPattern.exec(text) ?? [];
	return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** Returns the value of `key`, or the content of the file that `<key>_file` names. */
function secret<Key extends string>(
	section: Partial<Record<Key | `${Key}_file`, string>>,
	key: Key,
	path: Path,
	problems: Problem[],
): string | undefined {
	const given = section[key];
	const file = section[`${key}_file`];
	if (given !== undefined && file !== undefined)
		problems.push({ path, message: `“${key}” and “${key}_file” exclude each other. Keep one.` });
	return (
		given ?? (file === undefined ? undefined : readText(file, [...path, `${key}_file`], problems).trim())
	);
}

/** Returns the key of the sealed secrets, in base64, if the config names one. */
function secretsKey(
	{ directory, secrets_key_file: file }: Raw["store"],
	problems: Problem[],
): Readonly<{ secretsKey?: string }> {
	if (file === undefined) return {};
	const path = ["store", "secrets_key_file"];
	const key = readText(file, path, problems).trim();
	if (key === "") return {};
	if (Buffer.from(key, "base64").length !== keyBytes)
		problems.push({
			path,
			message: `expected ${keyBytes} bytes in base64. Run: openssl rand -base64 32 > ${file}`,
		});
	else if (!relative(resolve(directory), resolve(file)).startsWith(".."))
		problems.push({
			path,
			message: "the key lies among the stores that it seals. Move it out of store.directory",
		});
	else if ((statSync(file).mode & 0o007) !== 0)
		problems.push({ path, message: `everybody here may read the key. Run: chmod 600 ${file}` });
	return { secretsKey: key };
}

function readText(file: string, path: Path, problems: Problem[]): string {
	try {
		const about = { what: "the file", path: file, need: "read", ...dataFolderOf(file) } as const;
		return withFileSync({ ...about, option: path.join(".") }, () => readFileSync(file, "utf8"));
	} catch (error) {
		problems.push({ path, message: (error as Error).message });
		return "";
	}
}

/** Returns the problems between settings that are valid one by one. */
function conflicts(raw: Raw): Problem[] {
	const found: Problem[] = [];
	if (raw.xmpp.secret === undefined && raw.xmpp.secret_file === undefined)
		found.push({ path: ["xmpp"], message: "“secret” or “secret_file” is missing" });
	if (raw.health.listen === raw.matrix.appservice.listen)
		found.push({ path: ["health", "listen"], message: "the same address as matrix.appservice.listen" });
	for (const [other, address] of [
		["matrix.appservice.listen", raw.matrix.appservice.listen],
		["health.listen", raw.health.listen],
	])
		if (raw.public?.listen === address)
			found.push({ path: ["public", "listen"], message: `the same address as ${other}` });
	if (raw.matrix.domain === raw.xmpp.component)
		found.push({
			path: ["xmpp", "component"],
			message: "the same as matrix.domain. Give the component a name of its own, such as bridge.example.org",
		});
	if (raw.mqtt)
		found.push(
			...mirrorProblems(raw.mqtt.mirrors, { brokers: raw.mqtt.brokers, domain: raw.matrix.domain }),
			...feedProblems(raw.mqtt.feeds ?? [], raw.mqtt.brokers),
		);
	return found;
}

function freeze<T>(value: T): T {
	if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) freeze(inner);
	return Object.freeze(value);
}
