// What every page needs to stay true: ask the API again, and show the answer as text. Nothing here makes markup of data.

const PAUSE = 2000;

/** A cell is a text, {text, href} for a link, or a list of those, one a line. */
function fill(parent, cell) {
  if (Array.isArray(cell)) {
    for (const item of cell) {
      const line = document.createElement("div");
      fill(line, item);
      parent.append(line);
    }
  } else if (typeof cell === "object") {
    const link = document.createElement("a");
    link.href = cell.href;
    link.textContent = cell.text;
    parent.append(link);
  } else {
    parent.append(document.createTextNode(cell));
  }
}

/** Each row is a list of cells; [cell, more] under `also` goes below the cell's own text. */
export function showRows(body, rows, empty) {
  const made = rows.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) {
      const column = document.createElement("td");
      for (const part of cell) fill(column, part);
      row.append(column);
    }
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    const column = document.createElement("td");
    column.colSpan = 10;
    column.textContent = empty;
    row.append(column);
    made.push(row);
  }
  body.replaceChildren(...made);
}

/** The same for an element that is there already. */
export function showText(id, text) {
  document.getElementById(id).textContent = text;
}

/** What the policy said, as the server words it too (libdd/cp/fleet_view.cpp). */
export function verdictOf(agent) {
  const verdict = agent.verdict ?? {};
  const rules = verdict.rules ?? [];
  const words = verdict.accepted ? (verdict.tofu ? "accepted on first use" : "accepted") : "not accepted";
  const failed = rules.filter((rule) => !rule.passed).map((rule) => rule.explanation);
  return { words, remarks: [...failed, ...(verdict.notes ?? [])], rules };
}

export function attestationOf(agent) {
  return (agent.compat ? "NOT ATTESTED" : agent.simulated ? "SIMULATED" : "TDX") + (agent.tcb_status ? ", TCB " + agent.tcb_status : "");
}

/** Asks `url` again and again, and says so on the page while there is no answer. Ends when the session has. */
export async function poll(url, show) {
  const stale = document.getElementById("stale");
  for (;;) {
    await new Promise((wake) => setTimeout(wake, PAUSE));
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 403) {
        stale.textContent = "Signed out: reload the page to sign in again.";
        return;
      }
      if (!answer.ok) throw new Error("status " + answer.status);
      show(await answer.json());
      stale.textContent = "";
    } catch (error) {
      stale.textContent = "What you see may be old: " + error.message;
    }
  }
}
