"use strict"
const frame = document.querySelector("iframe")
const widget = new URL(frame.dataset.src).origin

async function fetchToken() {
  const response = await fetch("/docs-token") // same origin, so the browser sends the session cookie
  if (response.status === 401) throw new Error("Please sign in again.")
  if (!response.ok) throw new Error("The widget did not get a token.")
  return (await response.json()).jwt // not kept: the widget asks again when it needs another one
}

// Any page with a reference to this window can send it a message, so check both the origin and the frame.
addEventListener("message", event => {
  if (event.origin !== widget || event.source !== frame.contentWindow || event.data !== "token needed") return
  // The target is the widget's origin, never an asterisk, because another page may be in the frame by then.
  fetchToken().then(jwt => frame.contentWindow.postMessage({jwt}, widget), show)
})

function show(error) {
  document.querySelector("p").textContent = error.message
}

frame.src = frame.dataset.src // not earlier, or the widget's first message would arrive before there is a listener
