import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Config } from "./config.ts";
import { withFile } from "./files/file-error.ts";
import * as phrases from "./matrix/phrases.ts";
import {
	aboutRegistration,
	differences,
	type Registration,
	readRegistration,
	undeclared,
	writeRegistration,
} from "./matrix/registration.ts";
import { ghostsOnMatrix } from "./networks.ts";

/**
 * Writes the appservice registration, or updates an existing one and keeps its tokens, and prints the lines to add to
 * the servers' configurations. Resolves with false when the existing file is invalid.
 */
export async function register(
	config: Config,
	_file: string,
	print: (line: string) => void = console.log,
): Promise<boolean> {
	const { domain, bot, appservice } = config.matrix;
	const file = appservice.registration;
	const options = { domain, bot, url: appservice.url, networks: ghostsOnMatrix };
	const fresh = writeRegistration(options);
	const about = aboutRegistration(file, "write");
	const there = await withFile(about, () =>
		readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") return undefined;
			throw error;
		}),
	);
	if (there === undefined) {
		await withFile({ ...about, need: "make" }, async () => {
			await mkdir(dirname(file), { recursive: true });
			// wx: of two runs at once the second one fails, instead of replacing tokens that the homeserver may have.
			await writeFile(file, fresh, { mode: 0o600, flag: "wx" });
		});
		print(phrases.registrationWritten(file));
	} else {
		let old: Registration;
		try {
			old = readRegistration(there);
		} catch (error) {
			print(phrases.registrationBroken(file, (error as Error).message));
			return false;
		}
		const missing = undeclared(old, options.networks).map((one) => phrases.undeclared(one));
		const differing = [...differences(old, options), ...missing];
		if (differing.length === 0) print(phrases.registrationKept(file));
		else {
			await withFile(about, () => writeFile(file, withNames(fresh, old), { mode: 0o600 }));
			print(phrases.registrationUpdated(file, differing.join("; ")));
		}
	}
	print(instructions(config));
	return true;
}

/** Returns the new text with the id and the tokens of the old registration, which the homeserver knows. */
function withNames(text: string, old: Registration): string {
	const { as_token, hs_token, id } = readRegistration(text);
	return text
		.replace(as_token, () => old.as_token)
		.replace(hs_token, () => old.hs_token)
		.replace(`id: ${id}`, () => `id: ${JSON.stringify(old.id)}`);
}

/** Returns the lines to add to each server, for an admin who edits its configuration. */
export function instructions({ matrix, xmpp }: Config): string {
	const file = resolve(matrix.appservice.registration);
	const { hostname, port } = new URL(xmpp.service);
	// Both servers listen for components on loopback unless told otherwise.
	const here = /^(127\.|\[::1\]$|localhost$)/.test(hostname);
	const above = [
		port && port !== "5347" && `component_ports = { ${port} }`,
		!here && 'component_interfaces = { "*" } -- unencrypted: let nobody but the bridge reach it',
	].filter((line) => line !== false && line !== "");
	return `
Matrix: the homeserver has to read the registration. It holds secrets, so give a copy to the homeserver's user only:

    install -o matrix-synapse -m 600 ${file} /etc/matrix-synapse/trivium.yaml

Add to homeserver.yaml of Synapse, and restart it:

    app_service_config_files:
      - /etc/matrix-synapse/trivium.yaml

XMPP: one of these two. The secret is that of xmpp.secret.

${above.length === 0 ? "" : `Add to prosody.cfg.lua of Prosody, above the first VirtualHost:\n\n${above.map((line) => `    ${line}\n`).join("")}\n`}Add to the end of prosody.cfg.lua of Prosody, and restart it (a reload takes no new component in):

    Component "${xmpp.component}"
        component_secret = "THE SECRET"
        component_conflict_resolve = "kick_old" -- a dead connection of ours does not keep us out

Or add to “listen” in ejabberd.yml of ejabberd, and have it reload its configuration:

    listen:
      - port: ${port || 5347}
        ip: "${here ? "127.0.0.1" : "0.0.0.0"}"${here ? "" : " # unencrypted: let nobody but the bridge reach it"}
        module: ejabberd_service
        max_stanza_size: 524288
        hosts:
          ${xmpp.component}:
            password: "THE SECRET"

Then “check” tells whether everything works.`;
}
