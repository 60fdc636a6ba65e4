namespace Sluice.Graphs;

/// <summary>Collects, in a run, all values that are visible at a place of the flow, with the function that gave each. Immutable.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class BindingCollector(BindingSources bag, BindingCompiler code)
{
    private readonly (BoundValue Value, Func<GraphContext, object?>? Read)[] values =
        [.. bag.Values.Select(value => (value, value.IsOpen ? null : code.Reader([value])))];

    public Dictionary<string, (object? Value, string Giver)> Collect(GraphContext run)
    {
        var seen = new Dictionary<string, (object?, string)>(StringComparer.OrdinalIgnoreCase);
        foreach (var (value, read) in values)
        {
            if (value.IsOpen)
                foreach (var (name, entry) in value.All(run, code.IsReflected).Entries) seen[name] = (entry, value.Giver);
            else if (read!(run) is var found && found != BoundValue.Absent) seen[value.Name] = (found, value.Giver);
        }
        return seen;
    }
}
