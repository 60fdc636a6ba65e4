namespace Sluice;

/// <summary>What came out of a run of a <see cref="DataFlow"/>: values by name, and how each function ended.</summary>
/// <remarks>Does not change any more; may be read by any thread. Names are looked up without regard to case.</remarks>
public sealed class DataFlowResult
{
    private readonly CompiledDataFlow program;
    private readonly GraphContext context;
    private Dictionary<string, object?>? values;

    internal DataFlowResult(CompiledDataFlow program, GraphContext context) => (this.program, this.context) = (program, context);

    /// <summary>The value of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message lists names that are near.</exception>
    /// <exception cref="InvalidCastException">It is of another type; the message says which.</exception>
    public T Get<T>(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!program.TryFind(context, name, out object? value)) throw new KeyNotFoundException(NearNames.Explain("value", name, [.. Names]));
        if (value is T fits) return fits;
        if (value is null && default(T) is null) return default!;
        throw new InvalidCastException($"The value \"{name}\" is {(value is null ? "null" : TypeNames.Of(value.GetType()))}, not {TypeNames.Of(typeof(T))}.");
    }

    /// <summary>Whether there is a value of this name.</summary>
    public bool Has(string name) => program.TryFind(context, name, out _);

    /// <summary>The names of all values, in the order in which the flow gives them.</summary>
    public IEnumerable<string> Names => Values.Keys;

    /// <summary>All values that the visibility of the flow lets through to its end, by name.</summary>
    public IReadOnlyDictionary<string, object?> Values
        => values ??= new(program.Collect(context).Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Value)), StringComparer.OrdinalIgnoreCase);

    /// <summary>How each function ended, and when, if timings are recorded; in the order in which they could start. Those called <c>join</c> are the places where functions meet.</summary>
    public IReadOnlyList<NodeOutcome> Outcomes => context.Outcomes;

    /// <summary>How long the run took; zero unless timings are recorded.</summary>
    public TimeSpan Elapsed => context.Elapsed;

    /// <summary>The functions and who waits for whom.</summary>
    public Topology Topology => context.Topology;

    /// <summary>A line for each function: how it ended, and when, if timings are recorded; those on the critical path have a star.</summary>
    public override string ToString() => context.ToString();
}
