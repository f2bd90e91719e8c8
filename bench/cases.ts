import type { Shape, Way } from "./world.ts";

/** A measured stream of messages in one direction: first all at once, then at a steady rate. */
export type Flow = Readonly<{
	title: string;
	way: Way;
	shape: Shape;
	/** Number of portals over which the messages are spread. */
	lanes?: number;
	burst: number;
	/** Adds the part at a steady rate. */
	paced?: true;
	/** Delay of the homeserver's answers in ms. */
	latency?: number;
	targets: Readonly<{ burst?: number; paced?: number }>;
}>;

export const flows: Readonly<Record<string, Flow>> = {
	"matrix-muc": {
		title: "Matrix→MUC",
		way: "to-muc",
		shape: { mucs: 1 },
		burst: 5_000,
		paced: true,
		targets: { burst: 8, paced: 2 },
	},
	"muc-matrix": {
		title: "MUC→Matrix",
		way: "from-muc",
		shape: { mucs: 1 },
		burst: 5_000,
		paced: true,
		targets: { burst: 2, paced: 2 },
	},
	"muc50-matrix": {
		title: "MUC→Matrix, 50 occupants of ours",
		way: "from-muc",
		shape: { mucs: 1, people: 50 },
		burst: 1_000,
		paced: true,
		targets: {},
	},
	"direct-to": {
		title: "1:1 Matrix→XMPP",
		way: "to-jid",
		shape: { direct: true },
		burst: 5_000,
		paced: true,
		targets: { burst: 8, paced: 2 },
	},
	"direct-back": {
		title: "1:1 XMPP→Matrix",
		way: "from-jid",
		shape: { direct: true },
		burst: 5_000,
		paced: true,
		targets: { burst: 2, paced: 2 },
	},
	portals: {
		title: "100 portals, MUC→Matrix",
		way: "from-muc",
		shape: { mucs: 100 },
		lanes: 100,
		burst: 5_000,
		paced: true,
		targets: { burst: 2, paced: 2 },
	},
	"portals-out": {
		title: "100 portals, Matrix→MUC",
		way: "to-muc",
		shape: { mucs: 100 },
		lanes: 100,
		burst: 5_000,
		paced: true,
		targets: { burst: 8, paced: 2 },
	},
	mqtt: {
		title: "MQTT→room",
		way: "from-mqtt",
		shape: { mirror: "message" },
		burst: 5_000,
		paced: true,
		targets: { burst: 2, paced: 2 },
	},
	"slow-1": {
		title: "homeserver at 50 ms, 1 room",
		way: "from-muc",
		shape: { mucs: 1 },
		burst: 100,
		latency: 50,
		targets: {},
	},
	"slow-50": {
		title: "homeserver at 50 ms, 50 rooms",
		way: "from-muc",
		shape: { mucs: 50 },
		lanes: 50,
		burst: 1_500,
		latency: 50,
		targets: {},
	},
};
