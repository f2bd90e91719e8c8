import { expect, test } from "vitest";
import type { LinkId, NetworkName, PortalId, RoomId } from "../../src/core/ids.ts";
import type { Link, Portal } from "../../src/core/mapping.ts";
import { createNetworkDirectory } from "../../src/matrix/network-directory.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { fakeNetwork, until } from "../fakes.ts";
import { matrixWorld } from "./world.ts";

const link = (network: string, room: string, more: Partial<Link> = {}): Link => ({
	id: `${network} ${room}` as LinkId,
	network: network as NetworkName,
	role: "joined",
	room: room as RoomId,
	in: true,
	out: true,
	...more,
});

/** A portal of a Matrix room and an XMPP room, and the requests to the homeserver that its directory has caused. */
function world(room: Partial<Link> = { ours: true }) {
	const ours = link("matrix", "!a", room);
	const portal: Portal = { id: "p" as PortalId, links: [ours, link("xmpp", "verona@muc.test")] };
	const asked: string[] = [];
	const state = { isPublic: true as boolean | undefined, failure: undefined as Error | undefined };
	const mapping = createMemoryMapping();
	const make = () =>
		createNetworkDirectory({
			mapping,
			client: {
				async listOnNetwork(network, room, listed) {
					if (state.failure) throw state.failure;
					asked.push(`${listed ? "list" : "remove"} ${room} ${network}`);
					return {};
				},
			},
			isPublic: ({ network }) => (network === "xmpp" ? state.isPublic : undefined),
		});
	return { ours, portal, asked, state, make, directory: make() };
}

test("the room of a public MUC is listed once, also over a restart, and removed when the MUC is public no more", async () => {
	const { ours, portal, asked, state, make, directory } = world();
	await directory.state(ours, portal);
	await make().state(ours, portal);
	expect(asked).toEqual(["list !a xmpp"]);
	state.isPublic = undefined;
	await directory.state(ours, portal);
	state.isPublic = false;
	await directory.state(ours, portal);
	await directory.state(ours, portal);
	expect(asked).toEqual(["list !a xmpp", "remove !a xmpp"]);
});

test("the end of a portal takes its room off the list, and asks nothing for one that was not on it", async () => {
	const { ours, portal, asked, directory } = world();
	await directory.retract(ours, portal);
	await directory.state(ours, portal);
	await directory.retract(ours, portal);
	expect(asked).toEqual(["list !a xmpp", "remove !a xmpp"]);
});

test("the directory follows a portal from its first join to its unlink", async () => {
	const xmpp = fakeNetwork("xmpp", { isPublic: () => true });
	const { hs, alice, stop } = await matrixWorld({ xmpp, permissions: { "*": "admin" } });
	try {
		await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
		const room = hs.find("#_xmpp_verona:hs.test");
		await hs.push([hs.member(room!, alice, "join", alice)]);
		const requests = () =>
			hs.asked("PUT", "/directory/list/appservice/xmpp/").map(({ body }) => body.visibility);
		await until(
			() => requests().length === 1,
			() => `${requests()}`,
		);
		await hs.push([
			hs.emit(room!, alice, "m.room.message", { msgtype: "m.text", body: "!bridge unlink xmpp" }),
		]);
		await until(
			() => requests().length === 2,
			() => `${requests()}`,
		);
		expect(requests()).toEqual(["public", "private"]);
	} finally {
		await stop();
	}
});

test("a room that the bridge did not make, and a chat of two, are never listed", async () => {
	const linked = world({});
	await linked.directory.state(linked.ours, linked.portal);
	const chat = world();
	await chat.directory.state(chat.ours, { ...chat.portal, between: [{}, {}] } as never);
	expect([...linked.asked, ...chat.asked]).toEqual([]);
});

test("a request that failed is made again at the next change", async () => {
	const { ours, portal, asked, state, directory } = world();
	state.failure = new Error("away");
	await expect(directory.state(ours, portal)).rejects.toThrow("away");
	state.failure = undefined;
	await directory.state(ours, portal);
	expect(asked).toEqual(["list !a xmpp"]);
});
