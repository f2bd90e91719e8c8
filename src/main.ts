#!/usr/bin/env node

import "./node-version.ts";
import "./heap.ts";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { backup, restore, type Stores, socketOf, writeBackup } from "./backup.ts";
import { checkAsJson, checkFile } from "./check.ts";
import { type CommandLine, readCommandLine, usage } from "./command-line.ts";
import { complaint } from "./complaint.ts";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import { createBridge } from "./core/bridge.ts";
import { createGuard, itemInHand } from "./core/guard.ts";
import type { Log } from "./core/log.ts";
import type { Mapping } from "./core/mapping.ts";
import { createPermissions } from "./core/permissions.ts";
import * as phrases from "./core/phrases.ts";
import { createSealer } from "./core/sealer.ts";
import { table } from "./core/table.ts";
import { giveBackWhenQuiet, keepHeapSmall } from "./heap.ts";
import { control } from "./http/control.ts";
import { health } from "./http/health.ts";
import { createMetrics } from "./http/metrics.ts";
import { logger } from "./log.ts";
import { createMedia } from "./media/index.ts";
import { makeMirrors } from "./mirrors.ts";
import { keepsOf, mirrorsOf } from "./mqtt/index.ts";
import { createNetworks, placesOfFiles } from "./networks.ts";
import { holdsStore, mustBeHere } from "./places.ts";
import { register } from "./register.ts";
import { checkRunning } from "./running-check.ts";
import { makeStore } from "./store/check.ts";
import type { Watched } from "./store/item-in-hand.ts";
import { createNedbMapping } from "./store/nedb.ts";
import { createQuarantine } from "./store/quarantine.ts";
import { createReadings } from "./store/readings.ts";
import { createSqliteJournal } from "./store/sqlite.ts";
import { createTaken } from "./store/taken.ts";

/**
 * In ms: how long a stop waits for in-flight sends, and its longest duration; between them the connections are closed in
 * order. Remaining rows go out at the next start.
 */
const [drainMs, stopMs] = [6_000, 10_000];
/** Interval in ms at which the journal deletes old entries. */
const pruneMs = 600_000;

function storesOf(config: Config, log: Log, onFailure: (error: Error) => void, watched?: Watched): Stores {
	const store = (file: string) => join(config.store.directory, file);
	return {
		mapping: createNedbMapping({ file: store("mapping.db"), log, onFailure }),
		journal: createSqliteJournal({ file: store("journal.db"), onFailure, ...(watched && { watched }) }),
	};
}

async function run(config: Config, file: string): Promise<boolean> {
	const log = logger(config.log.level);
	const store = resolve(config.store.directory);
	log.info({ version: version(), node: process.version, config: resolve(file), store }, "starting");
	const fatal = (error: unknown, message: string) => {
		log.error({ err: error }, message);
		process.exit(1);
	};
	const quarantine = createQuarantine(config.store.directory, log);
	const guard = createGuard(log, quarantine);
	const taken = createTaken(config.store.directory, log);
	// Node also raises this for an unhandled rejection.
	process.on("uncaughtException", (err) => {
		const item = itemInHand();
		if (item) quarantine.died(item, err);
		log.error({ err, item: item?.what }, "stopped by a fault in the bridge; please report it");
		process.exit(1);
	});
	const onFailure = (error: Error) =>
		fatal(error, "the store has failed; stopping, since memory and disk would differ");

	const { mapping, journal } = storesOf(config, log, onFailure, quarantine.watched);
	const files = createMedia(
		{ ...config.media, known: placesOfFiles(config), ...(config.public && { public: config.public }) },
		{ mapping, log },
	);
	const readings = createReadings(config.store.directory, log);
	const figures = createMetrics(version());
	const { meter } = figures;
	const on = (name: string) => ({
		mapping,
		log: log.child({ net: name }),
		membersMirrored: config.rooms.membersMirrored,
		readReceipts: config.rooms.readReceipts,
		...(config.rooms.idleAfter !== undefined && { idleAfter: config.rooms.idleAfter }),
		version: version(),
		limits: config.limits,
		guard,
		taken,
		readings,
		meter,
		...(config.store.secretsKey !== undefined && { sealer: createSealer(config.store.secretsKey) }),
		...files,
	});
	const networks = createNetworks(config, on);

	const rules = {
		level: createPermissions(config.permissions),
		limits: config.limits,
		direct: config.gateway.direct,
		rooms: config.gateway.rooms,
		create: config.gateway.create,
		...config.rooms,
		blocked: Object.keys(config.permissions).filter((glob) => config.permissions[glob] === "block"),
	};
	const { redacted, commands } = files;
	const bridge = createBridge({
		networks,
		mapping,
		journal,
		rules,
		log,
		guard,
		redacted,
		commands,
		meter,
		version: version(),
	});
	figures.watch({ networks, journal, inDoubt: bridge.inDoubt, setAside: quarantine.size, guard });
	const listener = await health(config.health.listen, { networks, journal, metrics: figures }, log);
	let controlSocket: Awaited<ReturnType<typeof control>> | undefined;
	let stopping = false;
	const stop = async (signal: string) => {
		if (stopping) {
			log.warn({ signal }, "stopped at once by a second signal; the remaining rows go out at the next start");
			process.exit(1);
		}
		stopping = true;
		const since = performance.now();
		log.info({ signal }, "stopping");
		setTimeout(() => {
			log.warn({}, "not every network stopped in time; the remaining rows go out at the next start");
			process.exit(0);
		}, stopMs).unref();
		await controlSocket?.close();
		await bridge.stop(drainMs);
		await journal.close();
		await mapping.close();
		await files.stop();
		await listener.close();
		quarantine.close();
		taken.close();
		readings.close();
		log.info({ signal, ms: Math.round(performance.now() - since) }, "stopped");
		process.exit(0);
	};
	// Set before the start, which may wait for a server for hours: process 1 of a container has no default signal handlers.
	for (const signal of ["SIGTERM", "SIGINT"] as const)
		process.on(
			signal,
			() => void stop(signal).catch((error: unknown) => fatal(error, "did not stop cleanly")),
		);

	try {
		// The journal opens first: its lock is the kernel's and also excludes a bridge in another container.
		await journal.open();
		await mapping.open();
		quarantine.open();
		taken.open();
		if (config.mqtt) readings.open();
		keepHeapSmall();
		await sameAsBefore(config, mapping);
		const prune = () => void guard.run("timer of the journal", () => journal.prune(Date.now()));
		// Prune at the start as well, for a bridge that restarts more often than the interval.
		prune();
		setInterval(prune, pruneMs).unref();
		const requests = {
			check: () => checkRunning(config, networks),
			backup: (folder: string) => writeBackup({ journal, mapping }, { config, file: resolve(file) }, folder),
		};
		controlSocket = await control(socketOf(config), requests, log).catch((error: unknown) => {
			// The bridge runs without the socket, whose path may exceed 107 bytes.
			log.warn({ err: error }, "the control socket failed: `backup` works only while the bridge is stopped");
			return undefined;
		});
		await files.start(bridge);
		await bridge.start();
	} catch (error) {
		if (stopping) return true;
		throw error;
	}
	log.info({ networks: networks.map((one) => one.name) }, "running");
	giveBackWhenQuiet();
	const [here, there] = ["matrix", "mqtt"].map((name) => networks.find((one) => one.name === name));
	if (here && there && config.mqtt)
		makeMirrors(mirrorsOf(config.mqtt), { here, there, keeps: keepsOf(config.mqtt), bridge, log }).catch(
			(error: unknown) => fatal(error, "mirrors failed"),
		);
	return true;
}

/** Checks that the store was made with these domains, which all stored addresses and aliases hold. @throws ConfigError */
async function sameAsBefore({ matrix, xmpp }: Config, mapping: Mapping): Promise<void> {
	const now = `${matrix.domain} ${matrix.bot} ${xmpp.component}`;
	const before = await mapping.once("domains", () => now);
	if (before === now) return;
	const [domain, bot, component] = before.split(" ");
	throw new ConfigError(
		`This store was made for matrix.domain ${domain}, matrix.bot ${bot} and xmpp.component ${component}. ` +
			"Set them back. A bridge with other domains needs a store.directory of its own, and begins anew there.",
	);
}

/** Returns the config. @throws ConfigError also if the command was started in the wrong folder. */
function placed(file: string): Config {
	const config = loadConfig(file);
	mustBeHere(config, file);
	return config;
}

/** Copies the stores of a bridge that is stopped, or has the running bridge do it. */
function backUp(folder: string, file: string): Promise<boolean> {
	const config = placed(file);
	return backup(config, file, folder, async () => {
		const { directory } = config.store;
		if (!holdsStore(directory)) throw new ConfigError(phrases.noStore(resolve(directory)));
		const log = logger("error");
		const stores = storesOf(config, log, (error) => log.error({ err: error }, "the store has failed"));
		await stores.journal.open();
		await stores.mapping.open();
		return {
			...stores,
			close: async () => {
				await stores.journal.close();
				await stores.mapping.close();
			},
		};
	});
}

/** Each command resolves with false after a failure that it printed. */
const commands = table<(line: CommandLine) => Promise<boolean>>({
	async run({ file }) {
		const config = placed(file);
		await makeStore(config.store.directory);
		return run(config, file);
	},
	check: async ({ file, json }) => (json ? checkAsJson(file) : checkFile(file)),
	register: async ({ file }) => register(placed(file), file),
	backup: ({ folder, file }) => backUp(folder, file),
	restore: ({ folder, file }) => restore(folder, file),
	async version() {
		console.log(version());
		return true;
	},
	async help() {
		console.log(usage);
		return true;
	},
});

/** Runs the command line. Resolves with the exit code: 1 after a failure, 2 for an unknown command line, else undefined. */
async function main(): Promise<number | undefined> {
	const line = readCommandLine(process.argv.slice(2));
	if (typeof line === "string") {
		console.error(`${line}\n\n${usage}`);
		return 2;
	}
	return (await commands[line.command]?.(line)) ? undefined : 1;
}

const version = (): string =>
	JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

// Of a reader such as head that has read enough. The log of a bridge that runs goes another way.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	// 128 and SIGPIPE, as shells report it.
	if (error.code === "EPIPE") process.exit(141);
	throw error;
});

main().then(
	(code) => {
		if (code !== undefined) process.exitCode = code;
	},
	(error: unknown) => {
		console.error(complaint(error));
		process.exit(1);
	},
);
