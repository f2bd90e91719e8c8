import { createHmac } from "node:crypto";
import { answers, type Definition } from "./definition.ts";
import { domains, federationAddress, type HomeserverName, type Layout, sharedSecret } from "./layout.ts";

const limits = [
	..."message registration admin_redaction joins_per_room room_creation media_create".split(" "),
	..."joins.local joins.remote invites.per_room invites.per_user invites.per_issuer".split(" "),
	..."login.address login.account login.failed_attempts presence.per_user".split(" "),
];

/** Settings without rate limits, because tests are faster than people. */
function rateLimits(): string {
	const groups = Map.groupBy(limits, (limit) => limit.split(".")[0]);
	const high = "{ per_second: 100000, burst_count: 100000 }";
	return [...groups]
		.map(([group, members]) => {
			const parts = members.map((member) => member.split(".")[1]);
			return `rc_${group}: ${parts[0] ? `{ ${parts.map((part) => `${part}: ${high}`).join(", ")} }` : high}`;
		})
		.join("\n");
}

/**
 * Returns the listener and the options for federation. Other homeservers ask for /.well-known at port 443 of the
 * server name, by TLS.
 */
function federation(address: string | undefined, certificate: string) {
	if (address === undefined) return { listener: "", options: "federation_domain_whitelist: []" };
	return {
		listener: `
  - port: 443
    bind_addresses: ["${address}"]
    type: http
    tls: true
    resources: [ { names: [client, federation], compress: false } ]`,
		options: `serve_server_wellknown: true
tls_certificate_path: /srv/certs/${certificate}.crt
tls_private_key_path: /srv/certs/${certificate}.key
federation_custom_ca_list: [ /srv/certs/ca.crt ]
federation_domain_whitelist: ${JSON.stringify([domains.synapse, domains.synapse2])}
ip_range_blacklist: []
federation_ip_range_blacklist: []`,
	};
}

const registrationsOf = ({ options }: Layout, name: HomeserverName) =>
	name === "synapse" ? options.registrations : (options.registrations2 ?? []);

function homeserver(layout: Layout, name: HomeserverName): string {
	const port = layout.ports[name];
	const registrations = registrationsOf(layout, name).map((_, i) => `/tb/${name}/registration-${i}.yaml`);
	const remote = federation(federationAddress(layout, name), name === "synapse" ? "hs" : "hs2");
	return `server_name: "${domains[name]}"
public_baseurl: "http://127.0.0.1:${port}/"
pid_file: /tb/${name}/homeserver.pid
log_config: /tb/${name}/log.yaml
media_store_path: /tb/${name}/media
signing_key_path: /tb/${name}/signing.key
report_stats: false
listeners:
  - port: ${port}
    bind_addresses: ["127.0.0.1"]
    type: http
    tls: false
    resources: [ { names: [client, federation, media], compress: false } ]${remote.listener}
database:
  name: sqlite3
  args: { database: /tb/${name}/homeserver.db }
registration_shared_secret: "${sharedSecret}"
macaroon_secret_key: "testbed-macaroon"
form_secret: "testbed-form"
enable_registration: false
bcrypt_rounds: 4
trusted_key_servers: []
suppress_key_server_warning: true
${remote.options}
presence: { enabled: true }
enable_authenticated_media: true
url_preview_enabled: false
# Without a rule nobody may list a room in the public directory.
room_list_publication_rules: [ { action: allow } ]
app_service_config_files: ${JSON.stringify(registrations)}
max_upload_size: 50M
${rateLimits()}
# The halves Synapse needs for encryption in application services; a registration asks for the other halves.
experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
  msc3983_appservice_otk_claims: true
  msc3984_appservice_key_query: true
`;
}

const logging = (name: HomeserverName): string => `version: 1
formatters: { p: { format: '%(asctime)s %(name)s %(lineno)d %(levelname)s %(request)s %(message)s' } }
handlers:
  f: { class: logging.FileHandler, formatter: p, filename: /tb/${name}/homeserver.log }
root: { level: WARNING, handlers: [f] }
disable_existing_loggers: false
`;

const keys = {
	synapse: "c2VjcmV0IGtleSBvZiB0aGUgdGVzdGJlZCBvbmx5ISE",
	synapse2: "c2VjcmV0IGtleSBvZiB0aGUgc2Vjb25kIHNlcnZlciE",
};

export const synapseServer = (name: HomeserverName): Definition => ({
	files: (layout) => ({
		"homeserver.yaml": homeserver(layout, name),
		"log.yaml": logging(name),
		"signing.key": `ed25519 testbed ${keys[name]}\n`,
		...Object.fromEntries(registrationsOf(layout, name).map((yaml, i) => [`registration-${i}.yaml`, yaml])),
	}),
	command: () => ["python3", "-m", "synapse.app.homeserver", "-c", `/tb/${name}/homeserver.yaml`],
	ready: ({ ports }) => answers(`http://127.0.0.1:${ports[name]}/_matrix/client/versions`),
	logs: ["homeserver.log"],
});

export type MatrixAccount = { userId: string; accessToken: string; deviceId: string; password: string };

/** Creates an account with the shared registration secret (an HMAC over the server's nonce). */
export async function registerMatrixUser(base: string, name: string, admin = false): Promise<MatrixAccount> {
	const url = `${base}/_synapse/admin/v1/register`;
	const { nonce } = (await (await fetch(url)).json()) as { nonce: string };
	const password = `pw-${name}`;
	const parts = [nonce, name, password, admin ? "admin" : "notadmin"];
	const mac = createHmac("sha1", sharedSecret).update(parts.join("\0")).digest("hex");
	const body = JSON.stringify({ nonce, username: name, password, admin, mac });
	const response = await fetch(url, { method: "POST", body });
	const answer = (await response.json()) as { user_id: string; access_token: string; device_id: string };
	if (!response.ok) throw new Error(`Synapse refused to register ${name}: ${JSON.stringify(answer)}`);
	return { userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id, password };
}
