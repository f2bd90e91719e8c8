import * as phrases from "../phrases.ts";
import { child, clean, text, xml } from "../stream/xml.ts";
import { along, type MessageFeature, wordsOf } from "./feature.ts";

const ns = "http://jabber.org/protocol/geoloc";
// RFC 5870 §3.3
const uri = /^geo:(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:,-?\d+(?:\.\d+)?)?(?:;[\w=.;%~-]*)?$/i;
const degrees = /^-?\d{1,3}(\.\d+)?$/;

/**
 * Locations: the body is a geo: URI, which clients send and understand, below the description, and an XEP-0080 element goes
 * with it.
 */
export const places: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		const words = wordsOf(parsed).trim();
		const element = child(stanza, "geoloc", ns);
		const [lat, lon] = [element && text(element, "lat")?.trim(), element && text(element, "lon")?.trim()];
		const coordinates =
			lat && lon && degrees.test(lat) && degrees.test(lon) ? `geo:${lat},${lon}` : undefined;
		const described = element && (text(element, "description") || text(element, "text"));
		const place = (geo: string, description: string | undefined) => ({
			...parsed,
			body: [],
			location: { geo, ...(description && { description }) },
		});
		if (uri.test(words)) return place(words, described);
		if (coordinates === undefined) return parsed;
		if (words === "") return place(coordinates, described);
		// A description with the same place below it. Beside other text, XEP-0080 says only where the sender was.
		const above = words.endsWith(`\n${coordinates}`) ? words.slice(0, -coordinates.length).trim() : "";
		return above === "" ? parsed : place(coordinates, above);
	},
	write(event, draft) {
		const location = "location" in event ? event.location : undefined;
		if (!location) return draft;
		const { geo, description } = location;
		const [, lat, lon] = uri.exec(geo) ?? [];
		const body = [description && clean(description), phrases.placeLink(geo)].filter(Boolean).join("\n");
		return along(
			{ ...draft, body, mentions: [] },
			lat &&
				lon &&
				xml(
					"geoloc",
					{ xmlns: ns },
					xml("lat", {}, lat),
					xml("lon", {}, lon),
					description && xml("description", {}, description),
				),
		);
	},
};
