// Counts orders and adds up their amounts, as a step of weft. Nothing is installed: Node alone.
import { appendFileSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";

// A program finds two texts in its environment, where its context is and where its messages go: JSON, compressed, in base64.
const param = (name) => JSON.parse(inflateSync(Buffer.from(process.env[name], "base64")));
const place = param("DAGSTER_PIPES_CONTEXT");
const context = place.data ?? JSON.parse(readFileSync(place.path, "utf8"));
const messages = param("DAGSTER_PIPES_MESSAGES").path;

// A message is a line of JSON at the end of that file.
const say = (method, params) =>
  appendFileSync(messages, JSON.stringify({ __dagster_pipes_version: "0.1", method, params }) + "\n");

say("opened", { extras: {} });
const amounts = readFileSync(context.extras.orders, "utf8").trim().split("\n").slice(1).map((line) => Number(line.split(",")[1]));
say("log", { message: `${amounts.length} orders in ${context.extras.orders}`, level: "INFO" });
say("report_asset_materialization", {
  asset_key: context.asset_keys[0],
  data_version: null,
  metadata: {
    orders: { type: "int", raw_value: amounts.length },
    total: { type: "__infer__", raw_value: amounts.reduce((sum, amount) => sum + amount, 0) },
  },
});
say("closed", {});
