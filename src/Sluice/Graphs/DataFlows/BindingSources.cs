namespace Sluice.Graphs;

/// <summary>
/// The values that are visible at a place of a flow. It only says where to find them, so a run has no dictionary to fill.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal abstract class BindingSources(bool isEmpty, bool isOpen)
{
    public static BindingSources Empty { get; } = new FlowResults([]);

    /// <summary>All values; if two have the same name, the later one counts.</summary>
    public abstract IEnumerable<BoundValue> Values { get; }

    public bool IsEmpty { get; } = isEmpty;

    /// <summary>Whether some names are known only in a run.</summary>
    public bool IsOpen { get; } = isOpen;

    /// <summary>The known names, each once, in order.</summary>
    public IEnumerable<string> Names => Values.Where(value => !value.IsOpen).Select(value => value.Name)
        .Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds the values to try for a name, best first.</summary>
    /// <returns>Whether one of them is certain to be present.</returns>
    public abstract bool Find(string name, List<BoundValue> places);

    /// <summary>Puts values above others; an upper value hides a lower one of the same name.</summary>
    public static BindingSources Over(BindingSources upper, BindingSources lower)
        => lower.IsEmpty ? upper : upper.IsEmpty ? lower : new Layers(upper, lower);

    /// <summary>Combines the values of functions that run side by side; values of the same name must be equal, or the run fails.</summary>
    public static BindingSources Beside(IReadOnlyList<BindingSources> members)
        => members switch { [] => Empty, [var only] => only, _ => new Union(members) };

    /// <remarks>Loops instead of recursion, because each stage of a flow may put a layer above the others.</remarks>
    [RequiresUnreferencedCode(DataFlow.Untrimmed)]
    private sealed class Layers(BindingSources upper, BindingSources lower)
        : BindingSources(isEmpty: false, upper.IsOpen || lower.IsOpen)
    {
        private readonly BindingSources upper = upper;
        private readonly BindingSources lower = lower;

        public override IEnumerable<BoundValue> Values
        {
            get
            {
                Stack<BindingSources> parts = [];
                BindingSources at = this;
                for (; at is Layers layers; at = layers.lower) parts.Push(layers.upper);
                parts.Push(at);
                return parts.SelectMany(part => part.Values);
            }
        }

        public override bool Find(string name, List<BoundValue> places)
        {
            BindingSources at = this;
            for (; at is Layers layers; at = layers.lower)
                if (layers.upper.Find(name, places)) return true;
            return at.Find(name, places);
        }
    }

    [RequiresUnreferencedCode(DataFlow.Untrimmed)]
    private sealed class Union(IReadOnlyList<BindingSources> members)
        : BindingSources(members.All(member => member.IsEmpty), members.Any(member => member.IsOpen))
    {
        public override IEnumerable<BoundValue> Values => members.SelectMany(member => member.Values);

        public override bool Find(string name, List<BoundValue> places)
        {
            foreach (BindingSources member in members) if (member.Find(name, places)) return true;
            return false;
        }
    }
}

/// <summary>The results of a function, or the parameters of a flow.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class FlowResults(IReadOnlyList<BoundValue> values)
    : BindingSources(values.Count == 0, values.Any(value => value.IsOpen))
{
    public override IEnumerable<BoundValue> Values => values;

    public override bool Find(string name, List<BoundValue> places)
    {
        foreach (BoundValue value in values)
        {
            if (value.IsOpen) places.Add(value.At(name));
            else if (!value.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            else places.Add(value);
            if (places[^1].IsSure) return true;
        }
        return false;
    }
}
