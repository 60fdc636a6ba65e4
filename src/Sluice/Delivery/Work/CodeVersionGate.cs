namespace Sluice;

/// <summary>Which items are meant for code that this is not. They wait in the store until such code starts.</summary>
internal static class CodeVersionGate
{
    /// <returns>Why an item has to wait, for people; null if it has not.</returns>
    public static string? Why(ConsecutorCore core, int codeVersion, string? node)
    {
        if (codeVersion > core.Options.CodeVersion)
            return $"It was written by code version {codeVersion}, and this is {core.Options.CodeVersion}: it waits until code of that version starts.";
        if (string.IsNullOrEmpty(node) || core.Nodes.Find(node) is not null) return null;
        return $"This code has no node '{node}'. The item waits until a version that has one starts, or is renamed back.";
    }
}
