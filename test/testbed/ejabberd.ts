import { answers, type Definition, listens } from "./definition.ts";
import { type Layout, xmppAddresses } from "./layout.ts";

// The stanza limits are those of ejabberd's example configuration: 256 KiB for clients, none for components.
function config({ ports, options: { ejabberd: own } }: Layout): string {
	const { domain, muc, upload, component, secret, http } = xmppAddresses(ports, "ejabberd");
	const c2s = `module: ejabberd_c2s, ip: 127.0.0.1, max_stanza_size: ${own.c2sStanzaLimit ?? 262144}`;
	return `loglevel: warning
auth_use_cache: true
hosts: [ ${domain} ]
certfiles: [ /srv/certs/ej.pem ]
ca_file: /srv/certs/ca.crt
listen:
  - { port: ${ports.ejabberdC2s}, starttls_required: true, ${c2s} }
  - { port: ${ports.ejabberdC2sDirect}, tls: true, ${c2s} }
  - port: ${ports.ejabberdComponent}
    ip: 127.0.0.1
    module: ejabberd_service
    access: ${own.componentAccess ?? "all"}
    max_stanza_size: ${own.componentStanzaLimit ?? "infinity"}
    hosts:
      ${component}: { password: ${secret} }
  - port: ${ports.ejabberdHttp}
    ip: 127.0.0.1
    module: ejabberd_http
    request_handlers:
      /api: mod_http_api
      /bosh: mod_bosh
      /ws: ejabberd_http_ws
      /upload: mod_http_upload
auth_method: internal
auth_password_format: scram
s2s_use_starttls: optional
outgoing_s2s_families: [ipv4]
acl:
  admin: { user: [ "admin@${domain}" ] }
  loopback: { ip: [ 127.0.0.0/8 ] }
  bridge: { server: [ ${component} ] }
api_permissions:
  "loopback http":
    from: mod_http_api
    who: { access: { allow: [ { acl: loopback } ] } }
    what: "*"
default_db: sql
sql_type: sqlite
sql_database: /tb/ejabberd/db/ejabberd.sqlite
update_sql_schema: true
acme: { auto: false }
modules:
  mod_adhoc: {}
  mod_admin_extra: {}
  mod_privacy: {} # mod_blocking needs it
  mod_blocking: {}
  mod_bosh: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_client_state: {}
  mod_delegation: {}
  mod_disco: {}
  mod_http_api: {}
  mod_http_upload:
    host: ${upload}
    docroot: /tb/ejabberd/upload
    put_url: ${http}/upload
    max_size: 52428800
    access: [ { allow: all } ]
  mod_last: {}
  mod_mam: { assume_mam_usage: true, default: always }
  mod_muc:
    host: ${muc}
    access: [ { allow: all } ]
    access_create: [ { allow: all } ]
    access_persistent: [ { allow: all } ]
    access_mam: [ { allow: all } ]
    default_room_options: { mam: true, persistent: true }
    min_message_interval: 0
    min_presence_interval: 0
  mod_muc_admin: {}
  mod_muc_occupantid: {}
  mod_offline: {}
  mod_ping: {}
  mod_private: {}
  # No mod_privilege unless a test adds it: it drops what a component asks a JID without a resource (processone/ejabberd#4472).
  mod_pubsub: { plugins: [ flat, pep ] }
  mod_roster: { versioning: true }
  mod_stream_mgmt: { resend_on_timeout: if_offline }
  mod_vcard: { search: false }
  mod_vcard_xupdate: {}
  mod_version: {}
${own.modules ?? ""}
`;
}

const libraries = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
const environment = {
	ERL_LIBS: libraries,
	EJABBERD_CONFIG_PATH: "/tb/ejabberd/ejabberd.yml",
	EJABBERD_LOG_PATH: "/tb/ejabberd/log/ejabberd.log",
	ERL_CRASH_DUMP: "/tb/ejabberd/log/crash.dump",
};

export const ejabberd: Definition = {
	files: (layout) => ({
		"ejabberd.yml": config(layout),
		"db/.keep": "",
		"log/.keep": "",
		"upload/.keep": "",
	}),
	// Erlang runs without distribution (no epmd, no cookie): one process, administered over its HTTP API.
	command: () => [
		...["env", ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
		...["erl", "-noinput", "+K", "true", "+P", "250000"],
		...["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"],
		...["-mnesia", "dir", '"/tb/ejabberd/db"', "-s", "ejabberd"],
	],
	ready: async ({ ports }) =>
		(await answers(`http://127.0.0.1:${ports.ejabberdHttp}/api/status`, { method: "POST", body: "{}" })) &&
		listens(ports.ejabberdComponent),
	logs: ["log/ejabberd.log"],
};

export async function registerEjabberdUser(http: string, name: string, password: string): Promise<void> {
	const body = JSON.stringify({ user: name, host: "ej.test", password });
	const response = await fetch(`${http}/api/register`, { method: "POST", body });
	if (!response.ok) throw new Error(`ejabberd refused to register ${name}: ${await response.text()}`);
}
