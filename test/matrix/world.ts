import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../src/core/log.ts";
import type { Permissions } from "../../src/core/permissions.ts";
import { createMatrix } from "../../src/matrix/index.ts";
import { writeRegistration } from "../../src/matrix/registration.ts";
import { ghostsOnMatrix as ghostsOf } from "../../src/networks.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";
import { fakeHomeserver } from "./fake-homeserver.ts";

export const domain = "hs.test";

export type MatrixWorld = Awaited<ReturnType<typeof matrixWorld>>;

/** A fake homeserver with alice on it, and a started bridge between it and a fake network `xmpp` with the room verona. */
export async function matrixWorld({
	xmpp = fakeNetwork("xmpp"),
	permissions = { "*": "use" },
	bridges = [],
	log = quiet,
	readReceipts,
}: {
	xmpp?: Fake;
	permissions?: Permissions;
	/** Globs over the ghosts of other bridges. */
	bridges?: readonly string[];
	/** The log of the Matrix side. */
	log?: Log;
	readReceipts?: number;
} = {}) {
	const folder = mkdtempSync(join(tmpdir(), "trivium-"));
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	const registration = join(folder, "registration.yaml");
	const text = writeRegistration({ url, domain, bot: "trivium", networks: ghostsOf });
	const token = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] as string;
	writeFileSync(registration, text);
	const hs = await fakeHomeserver({ domain, token: token("as_token"), hsToken: token("hs_token") });
	hs.serves(url);
	const alice = hs.person("alice", "Alice");
	xmpp.rooms.set("verona", []);
	const mapping = createMemoryMapping();
	const appservice = { listen: { host: "127.0.0.1", port }, url, registration };
	const side = createMatrix(
		{ homeserver: hs.url, domain, bot: "trivium", prefix: "!bridge", bridges, appservice },
		{
			...{ mapping, ghostsOf, log },
			...(readReceipts !== undefined && { readReceipts }),
		},
	);
	const core = bridgeOf([side, xmpp], rulesFor(permissions, { membersMirrored: 50 }), { mapping });
	await core.start();
	return {
		hs,
		xmpp,
		side,
		core,
		alice,
		async stop(): Promise<void> {
			await core.stop(1_000);
			await hs.close();
			rmSync(folder, { recursive: true });
		},
	};
}
