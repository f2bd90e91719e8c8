import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { NetworkName } from "../src/core/ids.ts";
import { createMetrics } from "../src/http/metrics.ts";

/** Resolves with the labels of each metric that the program exports, by its name in an expression of Prometheus. */
async function exported(): Promise<ReadonlyMap<string, readonly string[]>> {
	const all = createMetrics("1.2.3");
	const [from, to] = ["matrix" as NetworkName, "xmpp" as NetworkName];
	const { meter } = all;
	meter.received(from, "message", false);
	meter.delivered(from, to, "message", "shown", 1);
	meter.retried(from);
	meter.refused(from, "message");
	meter.limited(from, "message");
	meter.filtered(from, "changed");
	meter.merged(from);
	const stats = async () => ({ waiting: 0, oldest: undefined, dead: 0, held: 0 });
	all.watch({ networks: [{ name: from }], journal: { stats }, inDoubt: () => 0 });
	const found = new Map<string, string[]>();
	for (const line of (await all.text()).split("\n")) {
		const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
		if (name)
			found.set(
				name,
				[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label as string),
			);
	}
	return found;
}
/** The metrics that an expression or a page names. */
const named = (text: string) =>
	[...text.matchAll(/\b(?:trivium|process|nodejs)_\w+[a-z]\b/g)].map(([name]) => name);
const ofTarget = ["job", "instance"];

describe("the figures that the docs name are those that the program exports", () => {
	test("in the pages", async () => {
		const metrics = await exported();
		// A histogram is named without the ending of its parts.
		const known = new Set([...metrics.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, "")));
		for (const page of ["README.md", ...globSync("docs/*.md")])
			for (const name of named(readFileSync(page, "utf8"))) expect(known, page).toContain(name);
	});

	test("with their labels, in the table of figures, which leaves none of the bridge's own out", async () => {
		const metrics = await exported();
		const page = readFileSync("docs/operate.md", "utf8");
		const table = new Map(
			[...page.matchAll(/`(trivium_\w+)(?:\{([\w,]+)\})?`/g)].map(([, name = "", labels]) => [name, labels]),
		);
		for (const [name, labels] of metrics) {
			if (!name.startsWith("trivium_") || /_(sum|count)$/.test(name)) continue;
			const base = name.replace(/_bucket$/, "");
			expect([...table.keys()]).toContain(base);
			const own = labels.filter((one) => one !== "le").sort();
			expect(table.get(base)?.split(",").sort() ?? [], base).toEqual(own);
		}
	});

	test("in the alert rules, which are whole", async () => {
		const metrics = await exported();
		type Rule = {
			alert: string;
			expr: string;
			labels: { severity: string };
			annotations: { summary: string };
		};
		const { groups } = parse(readFileSync("docs/alerts.yaml", "utf8")) as { groups: { rules: Rule[] }[] };
		const rules = groups.flatMap((group) => group.rules);
		expect(rules.length).toBeGreaterThan(5);
		for (const { alert, expr, labels, annotations } of rules) {
			expect(alert).toMatch(/^Trivium[A-Z]\w+$/);
			expect(["critical", "warning", "info"], alert).toContain(labels.severity);
			expect(annotations.summary, alert).toMatch(/\.$/);
			const used = named(expr);
			for (const name of used) expect([...metrics.keys()], alert).toContain(name);
			if (used.length === 0) expect(expr).toContain("up{");
			const labelsOf = new Set([...ofTarget, "le", ...used.flatMap((name) => metrics.get(name) ?? [])]);
			const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label as string);
			const grouped = [...expr.matchAll(/by \(([\w, ]+)\)/g)].flatMap(([, list = ""]) => list.split(", "));
			for (const label of [...shown, ...grouped]) expect([...labelsOf], alert).toContain(label);
			expect(expr.split("(").length, alert).toBe(expr.split(")").length);
		}
	});

	test("in the dashboard", async () => {
		const metrics = await exported();
		type Panel = { title: string; targets: { expr: string; legendFormat: string }[] };
		const { panels } = JSON.parse(readFileSync("docs/grafana.json", "utf8")) as { panels: Panel[] };
		for (const { title, targets } of panels)
			for (const { expr, legendFormat } of targets) {
				const used = named(expr);
				expect(used.length, title).toBeGreaterThan(0);
				for (const name of used) expect([...metrics.keys()], title).toContain(name);
				const known = used.flatMap((name) => metrics.get(name) ?? []);
				for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
					expect(known, title).toContain(label);
			}
	});
});
