// Uses the explorer's page as a person would: load, filter, sort, brush, select, copy, keyboard, light and dark.
// Arguments: the folder that has playwright-core, the browser, the page, a folder for screenshots.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, browserPath, page_path, shots] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/package.json")("playwright-core");
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, colorScheme: "light", acceptDownloads: true });
const page = await context.newPage();
const faults = [];
page.on("console", (message) => { if (["error", "warning"].includes(message.type())) faults.push(message.text()); });
page.on("pageerror", (error) => faults.push(String(error)));
page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("blob:")) faults.push("asked the network for " + request.url()); });

await page.goto(pathToFileURL(page_path).href);
const status = async () => (await page.textContent("#status")).trim();
const counts = async () => (await status()).match(/\d+/g).map(Number);
const column = async (name) => {
  const names = await page.$$eval("#table th", (cells) => cells.map((cell) => cell.dataset.name));
  return page.$$eval("#table tbody tr", (lines, place) => lines.map((line) => line.children[place].textContent), names.indexOf(name));
};

// All points are there at first.
const [shown, all] = await counts();
assert.equal(shown, all);
assert.ok(all > 100, `${all} points`);
assert.equal((await page.$$("#table tbody tr")).length, Math.min(all, 100));
await page.screenshot({ path: shots + "/explorer-light.png" });

// A filter leaves fewer points, and only those.
const networks = await page.$$("#filters fieldset >> nth=0 >> input");
assert.equal(networks.length, 2);
await networks[0].uncheck();
const [fewer] = await counts();
assert.ok(fewer > 0 && fewer < all, `${fewer} of ${all}`);
assert.equal(new Set(await column("network")).size, 1);
await page.click("#reset");
assert.equal((await counts())[0], all);

// Sorting by a column, up and down.
for (const [direction, order] of [["ascending", (a, b) => a - b], ["descending", (a, b) => b - a]]) {
  await page.click('#table th[data-name="engines"] button');
  assert.equal(await page.getAttribute('#table th[data-name="engines"]', "aria-sort"), direction);
  const values = (await column("engines")).map(Number);
  assert.deepEqual(values, [...values].sort(order));
}
await page.click('#table th[data-name="point"] button');

// A row is selected: its configuration and the command that computes it again.
await page.click("#table tbody tr >> nth=3");
assert.equal(await page.textContent("#number"), (await column("point"))[3]);
const command = await page.textContent("#command");
assert.match(command, /^pisim simulate .*--set/);
await page.click("#copy");
await page.waitForFunction(() => /Copied|Marked/.test(document.getElementById("copy").textContent));

// A brush keeps the points inside of it; Escape takes it away.
const box = await (await page.$("#plot")).boundingBox();
await page.mouse.move(box.x + 80, box.y + 15);
await page.mouse.down();
await page.mouse.move(box.x + box.width / 2, box.y + box.height - 50, { steps: 5 });
await page.mouse.up();
const brushed = await counts();
assert.equal(brushed.length, 3, await status());
assert.ok(brushed[2] > 0 && brushed[2] < all, await status());
await page.screenshot({ path: shots + "/explorer-brushed.png" });
await page.focus("#plot");
await page.keyboard.press("Escape");
assert.equal((await counts()).length, 2);

// The keyboard alone: a point, then the button that copies its command.
await page.keyboard.press("ArrowRight");
const first = await page.textContent("#number");
await page.keyboard.press("ArrowRight");
assert.notEqual(await page.textContent("#number"), first);
await page.keyboard.press("Enter");
assert.equal(await page.evaluate(() => document.activeElement.id), "copy");

// Other axes, and the points as CSV.
await page.selectOption("#y", "latency_online_s");
await page.selectOption("#colour", "bottleneck_total");
assert.ok((await page.$$("#legend span")).length >= 1);
const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
assert.equal(download.suggestedFilename(), "points.csv");

// Dark.
await page.click("#theme");
assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
await page.screenshot({ path: shots + "/explorer-dark.png" });

assert.deepEqual(faults, []);
await browser.close();
console.log(`${all} points: loaded, filtered, sorted, brushed, selected`);
