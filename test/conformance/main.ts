/** Runs the XMPP Interop Testing suite against the bridge's MUC service: `script/conformance JAR [CASES]`. */
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { forward } from "./forward.ts";
import { casesOf, impossibleBySpec } from "./results.ts";
import { type Expected, judge, printed } from "./verdict.ts";

/** The specifications whose cases test a MUC service. */
const specs = ["XEP-0045", "XEP-0048", "XEP-0410", "XEP-0421", "XEP-0433", "XEP-0486"];

/** The suite logs in at this port, and has no option for another one. */
const clientPort = 5222;

/** Far above what the suite does: it tests correctness, and is one person who makes 300 rooms in a minute. */
const unlimited = { per_minute: 100_000, burst: 100_000 };
const limits = Object.fromEntries(
	[
		"sender",
		"domain",
		"new_chats",
		"new_chats_of_domain",
		"created_rooms",
		"requests",
		"requests_of_domain",
		"joins",
		"joins_of_domain",
		"new_ghosts",
		"new_ghosts_of_domain",
	].map((name) => [name, { ...unlimited }]),
);

const start = (): Promise<Bridged> =>
	startBridged({
		xmpp: "prosody",
		prosody: {
			// The suite takes the first MUC service that the server lists.
			muc: false,
			// The suite makes its accounts itself.
			extra: "allow_registration = true\nc2s_require_encryption = false",
		},
		config: () => ({ gateway: { create: ["*"], rooms: "any" }, limits }),
	});

/** Runs the suite to its end. Resolves with the text that it printed. */
async function run(jar: string, cases: string | undefined, domain: string, host: string, folder: string) {
	const options = {
		service: domain,
		host,
		securityMode: "disabled",
		enabledConnections: "tcp",
		dnsResolver: "javax",
		replyTimeout: "5000",
		failOnImpossibleTest: "false",
		enabledSpecifications: specs.join(","),
		...(cases && { enabledTests: cases }),
		debugger: "org.igniterealtime.smack.inttest.util.ModifiedStandardSinttestDebuggerMetaFactory",
		testRunResultProcessors: ["StdOut", "JUnitXml"]
			.map((name) => `org.igniterealtime.smack.inttest.util.${name}TestRunResultProcessor`)
			.join(","),
	};
	const set = Object.entries(options).map(([name, value]) => `-Dsinttest.${name}=${value}`);
	const command = ["--pdeathsig", "KILL", "java", ...set, `-DlogDir=${folder}`, "-jar", jar];
	const suite = spawn("setpriv", command, { stdio: ["ignore", "pipe", "pipe"] });
	const log = createWriteStream(join(folder, "printed.log"));
	let text = "";
	for (const stream of [suite.stdout, suite.stderr])
		stream.setEncoding("utf8").on("data", (chunk: string) => {
			text += chunk;
			log.write(chunk);
		});
	const { promise, resolve: ended, reject } = Promise.withResolvers<void>();
	suite.once("error", reject).once("close", () => log.end(ended));
	await promise;
	return text;
}

/** Resolves with the exit code. */
async function main([file = "", cases]: readonly string[]): Promise<number> {
	const jar = resolve(file);
	if (!existsSync(jar)) throw new Error(`there is no file ${jar}`);
	const expected = parse(readFileSync(new URL("expected.yaml", import.meta.url), "utf8")) as Expected[];
	const folder = mkdtempSync(join(tmpdir(), "trivium-conformance-"));
	const bridged = await start();
	try {
		// Each testbed has an address of its own, so several can run at once.
		const own = bridged.bed.ports.prosodyC2s;
		const host = `127.79.${own >> 8}.${own & 255}`;
		const close = await forward(host, clientPort, own);
		const text = await run(jar, cases, bridged.xmpp.domain, host, folder);
		close();
		const report = join(folder, "test-results.xml");
		if (!existsSync(report)) throw new Error(`the suite ended without a report:\n${text.slice(-3_000)}`);
		const verdict = judge(casesOf(readFileSync(report, "utf8")), impossibleBySpec(text), expected, {
			isPart: cases !== undefined,
		});
		for (const line of [...printed(verdict), "", ...verdict.differences]) console.log(line);
		return verdict.differences.length > 0 ? 1 : 0;
	} finally {
		const lines = bridged.log.items.map((line) => JSON.stringify(line));
		writeFileSync(join(folder, "bridge.log"), `${lines.join("\n")}\n`);
		await bridged.down();
		console.log(`conformance: the stanzas of each case and the bridge's log are in ${folder}`);
	}
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
	console.error(`conformance: ${error.message}`);
	return 1;
});
