import { PermanentError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Ghost, Mapping, Portal } from "../core/mapping.ts";
import { storeFull } from "../core/phrases.ts";
import { createGhostShares } from "./ghost-shares.ts";
import { ghostKey, pairKey, placeKey } from "./keys.ts";
import { createDocuments, type Doc } from "./nedb-file.ts";

/** Limits in documents: nedb holds all in memory (0.8 GB at 250,000) and blocks the event loop while it compacts. */
const defaults = {
	warnAt: 100_000,
	refuseAt: 250_000,
	compactAfter: 50_000,
	/** Ghosts of one MUC, and of one domain. */
	ofRoom: 12_500,
	ofDomain: 50_000,
};

export type MappingOptions = Readonly<{
	file: string;
	log: Log;
	/** Called once when a write failed; every later call rejects, so the process must stop. */
	onFailure(error: Error): void;
	limits?: Partial<typeof defaults>;
}>;

/** The schema version of the documents in this file. */
const version = 1;

// An _id is the kind, a space, and the rest; the space sorts before "!".
const every = (kind: string) => ({ _id: { $gte: `${kind} `, $lt: `${kind}!` } });
const schemaId = "schema";

const portalOf = (doc: Doc) => doc.portal as Portal;
const sorted = (docs: readonly Doc[]) => docs.map(portalOf).sort((a, b) => (a.id < b.id ? -1 : 1));

/** Opens the mapping in one nedb file. */
export function createNedbMapping({ limits, ...options }: MappingOptions): Mapping {
	const { log, file } = options;
	const { warnAt, refuseAt, compactAfter, ofRoom, ofDomain } = { ...defaults, ...limits };
	const docs = createDocuments({
		...options,
		compactAfter,
		indexes: [{ field: "rooms" }, { field: "pair" }, { field: "at", unique: true }, { field: "face" }],
	});
	/** Counts all documents but the one that holds the version. */
	const count = () => docs.size() - 1;
	const shares = createGhostShares({ room: ofRoom, domain: ofDomain });
	let warned = false;

	function checkSize(isNew: boolean): void {
		if (!isNew) return;
		if (count() >= refuseAt) {
			log.error({ file, documents: count() }, "the mapping is full, new people are refused: use PostgreSQL");
			throw new PermanentError("busy", storeFull);
		}
		if (count() + 1 >= warnAt && !warned) {
			warned = true;
			log.warn({ file, documents: count(), refuseAt }, "the mapping grows large: plan to use PostgreSQL");
		}
	}

	async function checkVersion(): Promise<void> {
		if (!docs.has(schemaId)) return docs.put({ _id: schemaId, version });
		const found = (await docs.get({ _id: schemaId }))?.version;
		if (found === version) return;
		await docs.close();
		throw new Error(
			`The mapping ${file} is of schema ${found}, this release knows ${version}: run the release that wrote it.`,
		);
	}

	const setting = async (key: string) =>
		(await docs.get({ _id: `setting ${key}` }))?.value as string | undefined;
	const ghostBy = async (query: object) => (await docs.get(query))?.ghost as Ghost | undefined;

	return {
		async open() {
			await docs.open();
			await checkVersion();
			for (const { ghost } of docs.all()) if (ghost) shares.add((ghost as Ghost).person);
		},
		close: docs.close,
		portals: async () => sorted(await docs.find(every("portal"))),
		portal: async (id) => (await docs.get({ _id: `portal ${id}` }))?.portal as Portal | undefined,
		portalsOf: async (network, room) => sorted(await docs.find({ rooms: placeKey(network, room) })),
		portalBetween: async (one, other) => sorted(await docs.find({ pair: pairKey(one, other) }))[0],
		savePortal(portal) {
			const rooms = portal.links.flatMap(({ network, room }) => (room ? [placeKey(network, room)] : []));
			const pair = portal.between && { pair: pairKey(...portal.between) };
			return docs.put({ _id: `portal ${portal.id}`, rooms, ...pair, portal });
		},
		removePortal: (id) => docs.remove(`portal ${id}`),
		ghost: (person, of, on) => ghostBy({ _id: `ghost ${ghostKey(person, of, on)}` }),
		ghostAt: (on, address) => ghostBy({ at: placeKey(on, address) }),
		takes: async (person) => count() < refuseAt && shares.takes(person),
		async saveGhost(ghost) {
			const _id = `ghost ${ghostKey(ghost.person.id, ghost.person.network, ghost.on)}`;
			const isNew = !docs.has(_id);
			checkSize(isNew);
			if (isNew && !shares.takes(ghost.person)) throw new PermanentError("busy", storeFull);
			const face = ghost.picture && { face: ghost.picture.hash };
			await docs.put({ _id, at: placeKey(ghost.on, ghost.address), ...face, ghost });
			if (isNew) shares.add(ghost.person);
		},
		picture: async (hash) => (await ghostBy({ face: hash }))?.picture?.url,
		setting,
		saveSetting: (key, value) => docs.put({ _id: `setting ${key}`, value }),
		async once(key, make) {
			if (!docs.has(`setting ${key}`)) await docs.add({ _id: `setting ${key}`, value: make() });
			const value = (await setting(key)) ?? "";
			// A concurrent call may have stored it a moment ago: wait until it is on disk, too.
			await docs.settled();
			return value;
		},
		backup: docs.backup,
		count: async () => count(),
	};
}
