import { execFileSync, spawn } from "node:child_process";
import {
	chownSync,
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { takePorts } from "../testbed/ports.ts";
import { bedFolder, inRoot, rootFolder } from "../testbed/process.ts";

// These tests build and run the Dockerfile without Docker and without an image registry: by the testbed's own
// buildah, on a base image made of the testbed's Debian and this Node. Every file of a run is below
// .testbed/image.PID, which the Debian root shows as /tb, because two concurrent runs would otherwise build on each
// other's images.
const folder = resolve(bedFolder, `image.${process.pid}`);

/**
 * Mounts in the Debian root this checkout, as /mnt, and the files by which npm reaches its registry as it does
 * outside. Buildah remounts its root folder, so the Debian root must be a mount point.
 */
const lend = `
mount --bind "$0" "$0"
mount --bind "$PWD" "$0/mnt"
mount --bind /etc/resolv.conf "$0/etc/resolv.conf"
[ ! -d /etc/ssl/certs ] || mount --bind /etc/ssl/certs "$0/etc/ssl/certs"
exec "$@"`;

const store = ["--root", "/tb/store", "--runroot", "/tb/run", "--storage-driver", "vfs"];
/** The longest time of one step in ms: the longest step fetches the dependencies. */
const patience = 240_000;

/** Returns the command that runs buildah, or another program, in the Debian root. */
function inBuilder(...command: string[]): [string, string[]] {
	const variables = [
		"HOME=/tb",
		"TMPDIR=/tb",
		"BUILDAH_ISOLATION=chroot",
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	];
	const inside = inRoot(folder, ["env", "-i", ...variables, ...command]);
	return ["unshare", ["--mount", "--", "sh", "-euc", lend, rootFolder, ...inside]];
}

const buildah = (...args: string[]) =>
	execFileSync(...inBuilder("buildah", ...store, ...args), {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "pipe"],
		// A test's own timeout cannot end a synchronous call.
		timeout: patience,
	}).trim();

/** Returns options for the host's network and for resource limits that this process may set. */
function limits(): string[] {
	const current = readFileSync("/proc/self/limits", "utf8");
	const hard = (name: string) => new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(current)?.[1] ?? "1024";
	const ulimit = (kind: string, name: string) => {
		const most = hard(name).replace("unlimited", "1048576");
		return ["--ulimit", `${kind}=${most}:${most}`];
	};
	return ["--network", "host", ...ulimit("nofile", "Max open files"), ...ulimit("nproc", "Max processes")];
}

/** Makes the base image in place of node:24-slim: a small Debian with node and npm. */
function baseImage(): string {
	const base = join(folder, "base");
	const packages = [
		"base-files",
		"libc6",
		"libgcc-s1",
		"libstdc++6",
		"dash",
		"coreutils",
		"libselinux1",
		"libpcre2-8-0",
	];
	const files = execFileSync("chroot", [rootFolder, "dpkg", "-L", ...packages], { encoding: "utf8" });
	const wanted = files.split("\n").filter((file) => file.length > 1 && !file.startsWith("/usr/share"));
	mkdirSync(base, { recursive: true });
	const list = join(folder, "files");
	writeFileSync(list, [...new Set(wanted)].map((file) => `.${file}`).join("\n"));
	execFileSync("sh", [
		"-euc",
		'tar -C "$0" --no-recursion -cf - -T "$2" | tar -C "$1" -xf -',
		rootFolder,
		base,
		list,
	]);
	const local = join(base, "usr/local");
	mkdirSync(join(local, "bin"), { recursive: true });
	cpSync(realpathSync(process.execPath), join(local, "bin/node"));
	const npm = execFileSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).trim();
	cpSync(dirname(dirname(realpathSync(npm))), join(local, "lib/npm"), { recursive: true });
	writeFileSync(join(local, "bin/npm"), '#!/bin/sh\nexec node /usr/local/lib/npm/bin/npm-cli.js "$@"\n', {
		mode: 0o755,
	});

	const container = buildah("from", ...limits(), "scratch");
	buildah("add", "--quiet", container, "/tb/base", "/");
	const variables = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root"];
	const authorities = process.env.NODE_EXTRA_CA_CERTS;
	if (authorities) variables.push(`NODE_EXTRA_CA_CERTS=${authorities}`);
	buildah("config", ...variables.flatMap((variable) => ["--env", variable]), container);
	buildah("commit", "--quiet", container, "localhost/node:24-slim");
	buildah("rm", container);
	return "localhost/node:24-slim";
}

/** Removes the folders of runs that were killed. */
function sweep(): void {
	for (const name of readdirSync(bedFolder)) {
		const [, pid] = /^image\.(\d+)$/.exec(name) ?? [];
		if (pid && !existsSync(`/proc/${pid}`))
			rmSync(resolve(bedFolder, name), { recursive: true, force: true });
	}
}

/** Volumes through which npm in the container reaches the registry as npm outside does. */
function lent(): string[] {
	const volumes = existsSync("/etc/ssl/certs") ? ["/etc/ssl/certs:/etc/ssl/certs:ro"] : [];
	const settings = join(homedir(), ".npmrc");
	if (existsSync(settings)) {
		cpSync(settings, join(folder, "npmrc"));
		volumes.push("/tb/npmrc:/root/.npmrc:ro");
	}
	return volumes.flatMap((volume) => ["--volume", volume]);
}

type Image = { User: string; Entrypoint: string[]; Cmd: string[]; Healthcheck: { Test: string[] } };
const build = ["build", "--format", "docker", "--build-arg"];

describe("the image", () => {
	let image: Image;
	let container: string;
	let ports: Awaited<ReturnType<typeof takePorts>>;
	const data = join(folder, "data");
	const run = (...command: string[]) => {
		const args = ["run", "--network", "host", "--volume", "/tb/data:/data", container, "--", ...command];
		return spawn(...inBuilder("buildah", ...store, ...args));
	};
	async function result(...command: string[]): Promise<{ code: number | null; said: string }> {
		const child = run(...command);
		let said = "";
		for (const stream of [child.stdout, child.stderr])
			stream.on("data", (chunk) => {
				said += chunk;
			});
		const { promise, resolve: end } = Promise.withResolvers<number | null>();
		child.once("close", end);
		return { code: await promise, said };
	}
	/** Returns the process ids of bridges in containers, as the host sees them. */
	const bridges = () =>
		readdirSync("/proc").filter((pid) => {
			try {
				const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
				return statSync(`/proc/${pid}`).uid === 1000 && command === "/usr/local/bin/node src/main.ts run ";
			} catch {
				return false; // The process ended meanwhile.
			}
		});

	beforeAll(async () => {
		ports = await takePorts();
		sweep();
		mkdirSync(data, { recursive: true });
		buildah(...build, `BASE=${baseImage()}`, ...limits(), ...lent(), "--tag", "localhost/trivium", "/mnt");
		image = JSON.parse(buildah("inspect", "--type", "image", "localhost/trivium")).Docker.config as Image;
		container = buildah("from", ...limits(), "localhost/trivium");
		// Without this option buildah puts an empty volume over the mounted folder.
		buildah("config", "--volume", "/data-", container);
		const appservice = `127.0.0.1:${ports.ports.appservice}`;
		writeFileSync(
			join(data, "config.yaml"),
			stringify({
				matrix: {
					homeserver: "http://127.0.0.1:1",
					domain: "hs.test",
					appservice: { listen: appservice, url: `http://${appservice}` },
				},
				xmpp: { component: "bridge.xmpp.test", service: "xmpp://127.0.0.1:1", secret: "s3cr3t" },
				health: { listen: `127.0.0.1:${ports.ports.health}` },
				permissions: { "*": "use" },
			}),
			{ mode: 0o600 },
		);
		for (const file of [data, join(data, "config.yaml")]) chownSync(file, 1000, 1000);
	});
	afterAll(() => {
		for (const pid of bridges()) process.kill(Number(pid), "SIGKILL");
		buildah("rm", "--all");
		buildah("rmi", "--all", "--force");
		rmSync(folder, { recursive: true, force: true });
		ports?.release();
	});

	test("runs as user 1000, which can write to /data and to no other folder", async () => {
		expect(image.User).toBe("1000:1000");
		const { said } = await result("sh", "-c", "touch /data/probe; touch /app/probe");
		expect(statSync(join(data, "probe")).uid).toBe(1000);
		expect(said).toContain("'/app/probe': Permission denied");
	});

	test("names what mends a mounted folder with the wrong rights", async () => {
		chownSync(join(data, "config.yaml"), 0, 0);
		const { code, said } = await result(...image.Entrypoint, "check");
		chownSync(join(data, "config.yaml"), 1000, 1000);
		// The base of the test has no names of users.
		expect(said).toMatch(/belongs to root with mode 600, and the process runs as (node|user 1000)/);
		expect(said).toContain("for the folder that is mounted at /data: chown -R 1000:1000 FOLDER");
		expect(code).toBe(1);
	});

	test("registers, runs without its servers, passes its health check and stops on SIGTERM", async () => {
		const program = image.Entrypoint;
		expect((await result(...program, "register")).said).toContain("Wrote data/registration.yaml");
		expect(statSync(join(data, "registration.yaml")).uid).toBe(1000);

		const health = image.Healthcheck.Test.slice(1).map((word) =>
			word.replace("127.0.0.1:9995", `127.0.0.1:${ports.ports.health}`),
		);
		expect((await result(...health)).code).not.toBe(0);
		const ended = result(...program, ...image.Cmd);
		await expect.poll(async () => (await result(...health)).code, { timeout: 20_000 }).toBe(0);
		expect((await fetch(`http://127.0.0.1:${ports.ports.health}/live`)).status).toBe(200);

		const [pid] = bridges();
		const signalled = performance.now();
		process.kill(Number(pid), "SIGTERM");
		const { code, said } = await ended;
		expect(said).toContain('"msg":"stopping"');
		expect(code).toBe(0);
		// Docker sends SIGKILL ten seconds after SIGTERM.
		expect(performance.now() - signalled).toBeLessThan(9_000);
	}, 120_000);
});
