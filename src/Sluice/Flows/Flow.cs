using System.Collections.Frozen;

namespace Sluice;

/// <summary>Processors that are connected by the names of their inputs and outputs: a value that can be started many times.</summary>
/// <remarks>Immutable, but that <see cref="Resolve"/> adds the plan, which is always the same. Thread-safe without a lock: the plan is published by one volatile write.</remarks>
/// <example><code>
/// Flow flow = Flow.From(new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] }).Resolve();
/// </code></example>
public sealed class Flow
{
    private readonly FrozenDictionary<string, FlowStreamOptions> streams;
    private volatile Resolution? resolved;

    private Flow(IReadOnlyList<Processor> processors, FrozenDictionary<string, FlowStreamOptions> streams) => (Processors, this.streams) = (processors, streams);

    /// <summary>The processors, as they were given; equal ones once.</summary>
    public IReadOnlyList<Processor> Processors { get; }

    /// <summary>What <see cref="Resolve"/> has found.</summary>
    /// <exception cref="InvalidOperationException">The flow has not been resolved.</exception>
    public FlowPlan Plan => resolved?.Plan ?? throw Unresolved(nameof(Plan));

    /// <summary>The picture: processors, the inputs that are given, the results, and the streams between them. Drawn by <c>ToText</c>, <c>ToMermaid</c>, <c>ToDot</c>.</summary>
    /// <exception cref="InvalidOperationException">The flow has not been resolved.</exception>
    public Topology Topology => resolved?.Topology ?? throw Unresolved(nameof(Topology));

    /// <summary>A flow of these processors.</summary>
    public static Flow From(params IEnumerable<Processor> processors)
    {
        ArgumentNullException.ThrowIfNull(processors);
        Processor[] all = [.. processors.Distinct()];
        if (Array.IndexOf(all, null) >= 0) throw new ArgumentException("One of the processors is null.", nameof(processors));
        return new(Array.AsReadOnly(all), FrozenDictionary<string, FlowStreamOptions>.Empty);
    }

    /// <summary>A copy of the flow with other bounds for a stream. The copy has to be resolved; this flow stays as it is.</summary>
    /// <param name="stream">An input or output of one of the processors.</param>
    /// <param name="options">The bounds.</param>
    /// <exception cref="ArgumentException">There is no such stream.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A bound is out of its range.</exception>
    public Flow With(string stream, FlowStreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        string[] known = [.. Processors.SelectMany(processor => processor.Inputs.Concat(processor.Outputs)).Distinct().Order(StringComparer.Ordinal)];
        if (!known.Contains(stream)) throw new ArgumentException(NearNames.Explain("stream", stream, known), nameof(stream));
        options.Check(stream);
        return new(Processors, new Dictionary<string, FlowStreamOptions>(streams) { [stream] = options }.ToFrozenDictionary());
    }

    /// <summary>Checks the flow, and finds out what has to be given, what comes out, and what runs when.</summary>
    /// <returns>This flow, which has a <see cref="Plan"/> from now on: <c>flow.Resolve();</c> as a statement does the same. A second call changes nothing.</returns>
    /// <exception cref="InvalidTopologyException">No processors, two of one name, a stream written by two, cycles; names them all.</exception>
    public Flow Resolve()
    {
        resolved ??= FlowResolution.Of(Processors);
        return this;
    }

    /// <summary>A line for each processor.</summary>
    public override string ToString() => resolved?.Topology.ToText() ?? string.Join('\n', Processors);

    internal FlowStreamOptions OptionsOf(string stream) => streams.GetValueOrDefault(stream) ?? Default;

    private static readonly FlowStreamOptions Default = new();

    private static InvalidOperationException Unresolved(string property)
        => new($"The flow has not been resolved, so it has no {property}: call flow.Resolve() first.");

    /// <summary>What resolving has found, published as one.</summary>
    internal sealed record Resolution(FlowPlan Plan, Topology Topology);
}
