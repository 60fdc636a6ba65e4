using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>The result of a run of a <see cref="DataFlow"/>: values by name, and the outcome of each function.</summary>
/// <remarks>Immutable; thread-safe. Names ignore case.</remarks>
public sealed class DataFlowResult
{
    private readonly CompiledDataFlow program;
    private readonly GraphContext context;
    private Dictionary<string, object?>? values;

    internal DataFlowResult(CompiledDataFlow program, GraphContext context) => (this.program, this.context) = (program, context);

    /// <summary>Gets a value by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such value; the message lists similar names.</exception>
    /// <exception cref="InvalidCastException">The value has another type; the message says which.</exception>
    public T Get<T>(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!program.TryFind(context, name, out object? value))
            throw new KeyNotFoundException(NearNames.Explain("value", name, [.. Names]));
        if (value is T fits) return fits;
        if (value is null && default(T) is null) return default!;
        throw new InvalidCastException(
            $"The value \"{name}\" is {(value is null ? "null" : TypeNames.Of(value.GetType()))}, not {TypeNames.Of(typeof(T))}.");
    }

    /// <summary>Whether there is a value of this name.</summary>
    public bool Has(string name) => program.TryFind(context, name, out _);

    /// <summary>The names of all values, in the order of the flow.</summary>
    public IEnumerable<string> Names => Values.Keys;

    /// <summary>All values at the end of the flow, by name; the flow's visibility decides which.</summary>
    public IReadOnlyDictionary<string, object?> Values
        => values ??= new(program.Collect(context).Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Value)),
        StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// The outcome of each function, in the order of the plan, with times if timings are recorded. Nodes <c>join</c> are where functions
    /// meet.
    /// </summary>
    public IReadOnlyList<NodeOutcome> Outcomes => context.Outcomes;

    /// <summary>The duration of the run; zero unless timings are recorded.</summary>
    public TimeSpan Elapsed => context.Elapsed;

    /// <summary>The graph of the functions.</summary>
    public Topology Topology => context.Topology;

    /// <summary>One line per function with its outcome, and its times if recorded. A star marks the critical path.</summary>
    public override string ToString() => context.ToString();
}
