using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>The values that can be seen somewhere in a flow: nothing but where they are found, so there is no bag to fill in a run.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal abstract class BindingSources
{
    public static BindingSources Empty { get; } = new FlowResults([]);

    /// <summary>All of them; of two of one name the one that counts comes later.</summary>
    public abstract IEnumerable<BoundValue> Values { get; }

    public bool IsEmpty => !Values.Any();

    /// <summary>Whether there may be values whose names nobody knows yet.</summary>
    public bool IsOpen => Values.Any(value => value.IsOpen);

    /// <summary>The names that are known, each once, in the order in which they are given.</summary>
    public IEnumerable<string> Names => Values.Where(value => !value.IsOpen).Select(value => value.Name).Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where to look for a value, the first place first.</summary>
    /// <returns>Whether it will surely be found.</returns>
    public abstract bool Find(string name, List<BoundValue> places);

    /// <summary>Those of one that come later hide those of the other.</summary>
    public static BindingSources Over(BindingSources upper, BindingSources lower) => lower.IsEmpty ? upper : upper.IsEmpty ? lower : new Layers(upper, lower);

    /// <summary>Those of functions that run side by side: where two of them have one name, they are equal, or the run fails.</summary>
    public static BindingSources Beside(IReadOnlyList<BindingSources> members) => members switch { [] => Empty, [var only] => only, _ => new Union(members) };

    private sealed class Layers(BindingSources upper, BindingSources lower) : BindingSources
    {
        public override IEnumerable<BoundValue> Values => [.. lower.Values, .. upper.Values];

        public override bool Find(string name, List<BoundValue> places) => upper.Find(name, places) || lower.Find(name, places);
    }

    private sealed class Union(IReadOnlyList<BindingSources> members) : BindingSources
    {
        public override IEnumerable<BoundValue> Values => members.SelectMany(member => member.Values);

        public override bool Find(string name, List<BoundValue> places)
        {
            foreach (BindingSources member in members) if (member.Find(name, places)) return true;
            return false;
        }
    }
}

/// <summary>What a function gives, or a flow is given.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class FlowResults(IReadOnlyList<BoundValue> values) : BindingSources
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
