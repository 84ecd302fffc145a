// A real browser at a real fleet: it signs in, opens an agent, reads a log, types in a terminal and signs out. Run by browser.py, which says in FLEET where everything is.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const fleet = JSON.parse(process.env.FLEET);
const browser = await chromium.launch({ executablePath: fleet.chromium, args: ["--no-sandbox"] });
let failed = 0;

/** Each case has a browser profile of its own. A dialog can only come from a script that was not ours. */
async function test(name, body) {
  const context = await browser.newContext();
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const dialogs = [];
  const refused = [];
  page.on("dialog", (dialog) => { dialogs.push(dialog.message()); dialog.dismiss(); });
  page.on("console", (message) => { if (message.text().includes("Content Security Policy")) refused.push(message.text()); });
  try {
    await body(page, context);
    assert.deepEqual(dialogs, [], "a script of somebody else's ran");
    assert.deepEqual(refused, [], "a page needs what its own policy forbids");
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`${error.stack}\nat ${page.url()}\nnot ok ${name}`);
  } finally {
    await context.close();
  }
}

async function signInWithPat(page) {
  await page.getByLabel("Personal access token of GitHub").fill(fleet.credential);
  await page.getByRole("button", { name: "Sign in" }).click();
}

await test("the one-time link signs in", async (page) => {
  await page.goto(fleet.sign_in_url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(fleet.cp_url + "/");
  await page.getByRole("link", { name: "vm-1" }).waitFor();
  assert.match(await page.locator(".banner").innerText(), /SIMULATED/);
});

await test("a PAT signs in, and a wrong one is told why", async (page) => {
  await page.goto(fleet.cp_url);
  await page.getByLabel("Personal access token of GitHub").fill("ghp_nobody");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await signInWithPat(page);
  await page.getByRole("link", { name: "vm-1" }).click();
  await page.getByText("What the policy says").waitFor();
});

await test("an agent opens through the control plane, and its log is text that grows by itself", async (page) => {
  await page.goto(`${fleet.agent_url}/workload/${fleet.talker}`);
  await signInWithPat(page);
  await page.waitForURL(`${fleet.agent_url}/workload/${fleet.talker}`);
  const log = page.locator("#log");
  assert.ok((await log.innerText()).includes(fleet.script));
  const before = (await log.innerText()).split("\n").length;
  await page.waitForFunction((lines) => document.getElementById("log").textContent.split("\n").length > lines + 1, before);
  assert.equal(await log.locator("*").count(), 0);
});

await test("a terminal answers what is typed, as text, and says how its shell ended", async (page) => {
  await page.goto(`${fleet.agent_url}/workload/${fleet.talker}`);
  await signInWithPat(page);
  await page.getByRole("link", { name: "Terminal" }).click();
  await page.getByText("Connected to vm-1").waitFor();
  assert.equal(await page.getByText("Connect again").isVisible(), false);
  const type = (line) => page.keyboard.type(line + "\n");
  const said = (text) => page.locator(".xterm-rows", { hasText: text }).waitFor();
  await type("echo $((6*7))'<b>'");
  await said("42<b>");
  await page.setViewportSize({ width: 900, height: 500 });
  await type('while [ "$(stty size)" = "$before" ]; do before=; done; stty size | tr " " x');
  await page.waitForFunction(() => /^\d+x\d+$/m.test([...document.querySelectorAll(".xterm-rows > div")].map((row) => row.textContent.trim()).join("\n")));
  await type("exit 3");
  await page.getByText("The shell ended with status 3").waitFor();
  await page.getByRole("button", { name: "Connect again" }).click();
  await page.getByText("Connected to vm-1").waitFor();
});

await test("a terminal opens on the control plane's own VM", async (page) => {
  await page.goto(fleet.cp_url);
  await signInWithPat(page);
  await page.getByRole("link", { name: "The control plane's own VM" }).click();
  const listed = page.waitForResponse((response) => response.url() === fleet.cp_url + "/api/control-plane/deployments");
  assert.equal((await listed).status(), 200);
  await page.getByRole("link", { name: "dd-cp" }).click();
  await page.locator("#log", { hasText: "control plane listening" }).waitFor();
  await page.getByRole("link", { name: "Workloads" }).click();
  await page.getByRole("link", { name: "Terminal" }).click();
  await page.getByText("Connected to dd-local-cp").waitFor();
  await page.keyboard.type("echo $((6*7))'<i>'\n");
  await page.locator(".xterm-rows", { hasText: "42<i>" }).waitFor();
});

await test("the fleet's page follows what happens", async (page) => {
  await page.goto(fleet.cp_url);
  await signInWithPat(page);
  await page.getByRole("link", { name: "vm-1" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "vm-2" }).count(), 0);
  console.log("want another VM");
  await page.locator("tr", { has: page.getByRole("link", { name: "vm-2" }) }).getByText("healthy").waitFor();
});

await test("a workload's page is sent no cookie of ours, and cannot sign anybody out", async (page, context) => {
  await page.goto(fleet.agent_url);
  await signInWithPat(page);
  await page.getByRole("link", { name: "talker" }).waitFor();
  const names = (await context.cookies()).map((cookie) => cookie.name);
  assert.ok(names.includes("dd_session"), names.join());
  await page.goto(fleet.listener_url);
  assert.equal(await page.locator("#cookie").innerText(), "none");
  assert.equal(await page.evaluate(() => document.cookie), "");
  for (const target of [fleet.cp_url, fleet.agent_url]) {
    await page.goto(fleet.listener_url);
    await page.evaluate((action) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = action;
      document.body.append(form);
      form.submit();
    }, target + "/auth/logout");
    await page.waitForURL(target + "/auth/logout");
    assert.equal((await page.goto(target + "/")).url(), target + "/");
  }
});

await test("cookies that a workload's page plants for its neighbours lock nobody out", async (page, context) => {
  const plant = async () => {
    await page.goto(fleet.listener_url);
    await page.evaluate(() => {
      const labels = location.hostname.split(".");
      for (let first = 1; first < labels.length - 1; ++first) {
        const rest = `Path=/; Domain=${labels.slice(first).join(".")}`;
        for (const name of ["dd_session", "dd_browser", "dd_github"]) document.cookie = `${name}=planted; ${rest}`;
        for (let number = 0; number < 5; ++number) document.cookie = `junk${number}=${"x".repeat(3500)}; ${rest}`;
      }
    });
    const cookies = await context.cookies(fleet.agent_url);
    assert.ok(cookies.filter((cookie) => cookie.value === "planted").length >= 3, JSON.stringify(cookies.map((cookie) => cookie.name)));
    assert.ok(cookies.reduce((total, cookie) => total + cookie.value.length, 0) > 17_000);
  };
  await plant();
  await page.goto(fleet.agent_url);
  await signInWithPat(page);
  await page.getByRole("link", { name: "talker" }).waitFor();
  await plant();
  await page.goto(fleet.agent_url);
  await page.getByRole("link", { name: "talker" }).waitFor();
  await page.goto(fleet.cp_url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Personal access token of GitHub").waitFor();
  await page.goto(fleet.cp_url);
  assert.ok(page.url().startsWith(fleet.cp_url + "/auth/pat"), page.url());
});

await test("signing out of the control plane and of an agent ends both", async (page) => {
  await page.goto(fleet.agent_url);
  await signInWithPat(page);
  await page.getByRole("link", { name: "talker" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Signed out of this agent").waitFor();
  await page.goto(fleet.cp_url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Personal access token of GitHub").waitFor();
  await page.goto(fleet.agent_url);
  assert.ok(page.url().startsWith(fleet.cp_url + "/auth/pat?next="), page.url());
});

await browser.close();
process.exit(failed ? 1 : 0);
