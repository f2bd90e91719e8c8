import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { RoomAddress, Seen } from "../../src/core/hosting.ts";
import type { RoomId } from "../../src/core/ids.ts";
import { createMatrix } from "../../src/matrix/index.ts";
import { matrixNetwork } from "../../src/matrix/mxid.ts";
import { writeRegistration } from "../../src/matrix/registration.ts";
import { ghostsOnMatrix as ghostsOf } from "../../src/networks.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, quiet, until } from "../fakes.ts";
import { lineOf } from "../matrix/hosting/world.ts";
import { startTestbed } from "../testbed/index.ts";

export const domain = "hs.test";

export type HostingWorld = Awaited<ReturnType<typeof hostingWorld>>;

/** Starts real homeservers, and a bridge between the first one and a fictional network that shows rooms in full. */
export async function hostingWorld(servers: readonly ("synapse" | "synapse2")[] = ["synapse"]) {
	const reflected: Seen[] = [];
	const invitations: string[] = [];
	const xmpp = fakeNetwork("xmpp", {
		reflect: (_view, timeline) => void reflected.push(...timeline),
		inviteToView: async (facts, person, by, reason) =>
			void invitations.push(`${by.name} invites ${person.name} to ${facts.name}: ${reason}`),
	});
	let text = "";
	const bed = await startTestbed({
		servers: [...servers],
		registrations: ({ appservice }) => {
			const url = `http://127.0.0.1:${appservice}`;
			text = writeRegistration({ url, domain, bot: "trivium", networks: ghostsOf });
			return [text];
		},
	});
	const registration = join(bed.folder, "registration.yaml");
	writeFileSync(registration, text);
	const port = bed.ports.appservice;
	const appservice = { listen: { host: "127.0.0.1", port }, url: `http://127.0.0.1:${port}`, registration };
	const [mapping, journal] = [createMemoryMapping(), createMemoryJournal()];
	const romeo = { ...xmpp.person("romeo"), name: "Romeo" };

	function boot() {
		const options = { homeserver: bed.matrix.url, domain, bot: "trivium", prefix: "!bridge", appservice };
		const side = createMatrix(options, { mapping, log: quiet, ghostsOf });
		const core = bridgeOf([side, xmpp], rulesFor({ "*": "use" }, { rooms: "any" }), { mapping, journal });
		return { side, core };
	}
	let { side, core } = boot();
	await core.start();
	const linesIn = (room: string) => reflected.filter((one) => one.room === room).map(lineOf);

	return {
		bed,
		xmpp,
		reflected,
		invitations,
		romeo,
		juliet: { ...xmpp.person("juliet"), name: "Juliet" },
		bridge: () => core,
		hosting: () => side.hosting,
		/** Stops the bridge, does `meanwhile`, and starts it again. */
		async restart(meanwhile: () => Promise<unknown>): Promise<void> {
			await core.stop(1_000);
			await meanwhile();
			({ side, core } = boot());
			await core.start();
		},
		/** Opens the view of a room, and lets a person in. */
		async enter(room: string, person = romeo, nameIsFree = true) {
			await core.views.open(matrixNetwork, room as RoomId, viewOf(room), person);
			return side.hosting.enter(room as RoomId, person, { nameIsFree });
		},
		linesIn,
		/** Waits until the view of a room was shown these lines, and no others. */
		shows: (room: string, ...lines: unknown[]) =>
			until(
				() => linesIn(room).length >= lines.length,
				() => JSON.stringify(linesIn(room)),
				20_000,
			).then(() => expect(linesIn(room)).toEqual(lines)),
		/** Waits until the view of a room was shown a line with this text; resolves with the last one. */
		said: (room: string, text: string) =>
			until(
				() => linesIn(room).some((line) => line.includes(text)),
				() => JSON.stringify(linesIn(room)),
				20_000,
			).then(() => reflected.findLast((one) => one.room === room && lineOf(one).includes(text)) as Seen),
		async stop(): Promise<void> {
			await core.stop(1_000);
			await bed.down();
		},
	};
}

export const viewOf = (room: string) => `view of ${room}` as RoomId;
export const byId = (room: string): RoomAddress => ({ kind: "id", id: room.slice(1) });
