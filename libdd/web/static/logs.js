import { poll, showText } from "./rows.js";

poll(document.querySelector("main").dataset.log, (answer) => {
  showText("status", answer.status);
  showText("log", answer.lines.map((line) => line + "\n").join(""));
});
