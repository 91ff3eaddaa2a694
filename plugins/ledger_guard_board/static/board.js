// Airflow shows this page in a sandboxed frame that may open no window and may not navigate the page around it.
// Links to other Airflow pages are therefore followed from within that page, which is of the same origin.
// Without a frame, or without this script, they are ordinary links.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-leave-frame]");
  if (!link || window.parent === window || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  let outer;
  try {
    outer = window.parent.document;
  } catch {
    return; // another origin frames the page: let the frame itself follow the link
  }
  const twin = outer.createElement("a");
  twin.href = link.href;
  event.preventDefault();
  twin.click();
});
