import type { RoomId } from "../core/ids.ts";
import { compilePattern } from "./pattern.ts";
import { type CompiledShape, compileShape, type Shape, shapeText } from "./shape.ts";
import { compileTopicTemplate, type TopicTemplate } from "./template.ts";

/** A room that shows a subscription, and how. */
export type Mirror = Readonly<
	{
		room: RoomId;
		shape?: CompiledShape;
		matches?(text: string): boolean;
		availability?: TopicTemplate;
	} & Pick<Shape, "only" | "show" | "retained" | "interval">
>;

/** Returns how a room shows values. */
export function compileMirror(room: RoomId, shape: Shape): Mirror {
	const { only, show, retained, interval, availability } = shape;
	return {
		room,
		...(shapeText(shape) !== "" && { shape: compileShape(shape) }),
		...(only && { only }),
		...(only?.matches !== undefined && { matches: compilePattern(only.matches) }),
		...(show && { show }),
		...(retained && { retained }),
		...(interval !== undefined && { interval }),
		...(availability !== undefined && { availability: compileTopicTemplate(availability) }),
	};
}
