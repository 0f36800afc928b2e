// Examples for javascript.yaml, never run: `make audit` checks that each bad line is found and no good one is.

// ruleid: markup-of-text
element.innerHTML = answer;
// ruleid: markup-of-text
element.innerHTML += answer;
// ruleid: markup-of-text
element.outerHTML = answer;
// ruleid: markup-of-text
frame.srcdoc = answer;
// ruleid: markup-of-text
element.insertAdjacentHTML("beforeend", answer);
// ruleid: markup-of-text
document.write(answer);
// ruleid: markup-of-text
range.createContextualFragment(answer);
// ok: markup-of-text
element.textContent = answer;
// ok: markup-of-text
const shown = element.innerHTML.length;

// ruleid: message-to-anybody
parent.postMessage({ height }, "*");
// ruleid: message-to-anybody
parent.postMessage({ height }, { targetOrigin: "*" });
// ok: message-to-anybody
parent.postMessage({ height }, site);
// ok: message-to-anybody
worker.postMessage({ height });

// ruleid: text-as-code
eval(answer);
// ruleid: text-as-code
const run = new Function("a", answer);
// ruleid: text-as-code
setTimeout("go()", 100);
// ok: text-as-code
setTimeout(() => go(), 100);
// ok: text-as-code
const module = await import("./renderer.js");

// ruleid: handler-as-attribute
element.setAttribute("onclick", answer);
// ok: handler-as-attribute
element.setAttribute("aria-label", answer);

// ruleid: token-kept-by-the-page
localStorage.setItem("access_token", token);
// ok: token-kept-by-the-page
localStorage.setItem("theme", theme);
