/** Runs before the first paint, so that a chosen theme does not flash. A classic script; all else is a module. */
document.documentElement.dataset['theme'] = localStorage.getItem('zgpt.theme') ?? 'auto';
