import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Definition, listens } from "./definition.ts";
import { domains, federationAddress, type Layout, xmppAddresses } from "./layout.ts";

type ProsodyName = "prosody" | "prosody2";

// Stanza limits and the answer to a second connection are Prosody's defaults unless a test sets them. Three
// settings deliberately differ: no mod_limits (tests are faster than people), an SQL archive, and s2s only where a
// test federates.
function config(layout: Layout, name: ProsodyName): string {
	const { ports, options } = layout;
	const { domain, muc, upload, component, secret, http } = xmppAddresses(ports, name);
	const own = name === "prosody" ? options.prosody : {};
	// Prosody lists the components below its domain by itself, after these.
	const items = own.muc === false ? [] : [muc, upload, component];
	const certificate = name === "prosody" ? "xmpp" : "xmpp2";
	const optional = [
		own.conflict && `component_conflict_resolve = "${own.conflict}"`,
		own.componentStanzaLimit && `component_stanza_size_limit = ${own.componentStanzaLimit}`,
		own.c2sStanzaLimit && `c2s_stanza_size_limit = ${own.c2sStanzaLimit}`,
		own.extra,
	];
	return `run_as_root = true
data_path = "/tb/${name}/data"
pidfile = "/tb/${name}/prosody.pid"
admins = { "admin@${domain}" }
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { ${ports[`${name}C2s`]} }
c2s_direct_tls_ports = { ${ports[`${name}C2sDirect`]} }
${federation(federationAddress(layout, name))}
s2s_direct_tls_ports = { }
component_interfaces = { "127.0.0.1" }
component_ports = { ${ports[`${name}Component`]} }
http_interfaces = { "127.0.0.1" }
http_ports = { ${ports[`${name}Http`]} }
https_ports = { }
http_default_host = "${domain}" -- answer by IP
http_external_url = "${http}/"
http_cors_override = { bosh = { enabled = true }, websocket = { enabled = true } }
consider_bosh_secure = true
consider_websocket_secure = true
ssl = { key = "/srv/certs/${certificate}.key", certificate = "/srv/certs/${certificate}.crt", cafile = "/srv/certs/ca.crt" }
authentication = "internal_hashed"
default_iteration_count = 4096 -- the least Prosody takes: logins are quicker
storage = { archive = "sql" }
default_storage = "internal"
sql = { driver = "SQLite3", database = "/tb/${name}/data/prosody.sqlite" }
archive_expires_after = "never"
modules_enabled = {
  "disco", "roster", "saslauth", "tls", "blocklist", "bookmarks", "carbons", "pep", "private", "smacks",
  "csi_simple", "vcard4", "vcard_legacy", "ping", "time", "uptime", "version", "mam", "register", "posix",
  "admin_adhoc", "admin_shell", "bosh", "websocket", "privilege", "delegation",
}
allow_registration = false
log = { { levels = { min = "info" }, to = "file", filename = "/tb/${name}/prosody.log" } }
${optional.filter(Boolean).join("\n")}

VirtualHost "${domain}"
  privileged_entities = {
    ["${component}"] = {
      roster = "both"; message = "outgoing"; presence = "roster";
      iq = { ["http://jabber.org/protocol/pubsub"] = "both"; ["urn:xmpp:mam:2"] = "both"; };
    };
  }
  disco_items = { ${items.map((item) => `{ "${item}" }`).join(", ")} }
${own.muc === false ? "" : mucService(muc)}
Component "${upload}" "http_file_share"
  http_file_share_size_limit = 50*1024*1024
  http_file_share_daily_quota = 10*1024*1024*1024
  http_file_share_access = { "${own.uploadAccess ?? component}" }
  http_host = "${domain}"
  http_external_url = "${http}/"

Component "${component}"
  component_secret = "${secret}"
  modules_enabled = { "privilege" }
`;
}

const mucService = (domain: string): string => `
Component "${domain}" "muc"
  modules_enabled = { "muc_mam", "muc_moderation" }
  muc_log_by_default = true
  muc_log_presences = false
  restrict_room_creation = false
  muc_room_default_persistent = true
  muc_room_locking = false
  muc_tombstones = true
`;

/**
 * Returns the TLS settings of connections between servers: both sides show certificates of the testbed's authority.
 */
const federation = (address: string | undefined): string =>
	address === undefined
		? `s2s_ports = { }
modules_disabled = { "s2s", "limits" }`
		: `s2s_ports = { 5269 }
s2s_interfaces = { "${address}" }
s2s_secure_auth = true
unbound = { hoststxt = "/etc/hosts" }
modules_disabled = { "limits" }`;

export const prosodyServer = (name: ProsodyName): Definition => ({
	files: (layout) => ({ "prosody.cfg.lua": config(layout, name), "data/.keep": "", "certs/.keep": "" }),
	command: () => ["prosody", "--config", `/tb/${name}/prosody.cfg.lua`, "-F"],
	ready: async ({ ports }) => (await listens(ports[`${name}Component`])) && listens(ports[`${name}C2s`]),
	logs: ["prosody.log"],
});

/**
 * Writes the account's file as Prosody stores it, because prosodyctl takes a second. Prosody reads accounts at
 * login, and replaces a plain password by its hash then.
 */
export function registerProsodyUser(
	folder: string,
	server: ProsodyName,
	name: string,
	password: string,
): void {
	const encode = (text: string) =>
		text.replace(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
	const accounts = resolve(folder, server, "data", encode(domains[server]), "accounts");
	mkdirSync(accounts, { recursive: true });
	writeFileSync(
		resolve(accounts, `${encode(name)}.dat`),
		`return { ["password"] = ${JSON.stringify(password)}; };\n`,
	);
}
