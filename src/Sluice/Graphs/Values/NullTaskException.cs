namespace Sluice.Graphs;

/// <summary>A function was to return a task, and has returned null. Whoever reports the failure names the function.</summary>
internal sealed class NullTaskException(string function = "It")
    : InvalidOperationException($"{function} returned null instead of a task.");
