using System.Collections.Frozen;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>A flow: processors that are connected by the names of their inputs and outputs. One flow can be started many times.</summary>
/// <remarks>Thread-safe. Immutable, except that <see cref="Resolve"/> adds the plan, which depends only on the processors.</remarks>
/// <example><code>
/// Flow flow = Flow.From(new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] }).Resolve();
/// </code></example>
public sealed class Flow
{
    private readonly FrozenDictionary<string, FlowStreamOptions> streams;
    private volatile Resolution? resolved;

    private Flow(IReadOnlyList<Processor> processors, FrozenDictionary<string, FlowStreamOptions> streams, Resolution? resolved = null)
        => (Processors, this.streams, this.resolved) = (processors, streams, resolved);

    /// <summary>The processors in the order given, without duplicates.</summary>
    public IReadOnlyList<Processor> Processors { get; }

    /// <summary>
    /// The order of execution, the inputs that a start must provide, and the results. Available after <see cref="Resolve"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The flow has not been resolved.</exception>
    public FlowPlan Plan => resolved?.Plan ?? throw Unresolved(nameof(Plan));

    /// <summary>
    /// The graph of processors, given inputs, results, and the streams between them. Draw it with <c>ToText</c>, <c>ToMermaid</c> or
    /// <c>ToDot</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The flow has not been resolved.</exception>
    public Topology Topology => resolved?.Topology ?? throw Unresolved(nameof(Topology));

    /// <summary>Makes a flow of these processors.</summary>
    public static Flow From(params IEnumerable<Processor> processors)
    {
        ArgumentNullException.ThrowIfNull(processors);
        Processor[] all = [.. processors.Distinct()];
        if (Array.IndexOf(all, null) >= 0) throw new ArgumentException("One of the processors is null.", nameof(processors));
        return new(Array.AsReadOnly(all), FrozenDictionary<string, FlowStreamOptions>.Empty);
    }

    /// <summary>
    /// Returns a copy of the flow with other bounds for one stream; this flow does not change. The copy of a resolved flow is resolved.
    /// </summary>
    /// <param name="stream">An input or output of one of the processors.</param>
    /// <param name="options">The bounds.</param>
    /// <exception cref="ArgumentException">No processor has this stream.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A bound is out of its range.</exception>
    public Flow With(string stream, FlowStreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        string[] known = [.. Processors.SelectMany(processor => processor.Inputs.Concat(processor.Outputs)).Distinct()
            .Order(StringComparer.Ordinal)];
        if (!known.Contains(stream)) throw new ArgumentException(NearNames.Explain("stream", stream, known), nameof(stream));
        options.Check(stream);
        // The plan and the drawing depend on the processors only.
        return new(Processors, new Dictionary<string, FlowStreamOptions>(streams) { [stream] = options }.ToFrozenDictionary(), resolved);
    }

    /// <summary>Checks the flow and computes its plan. Calling it again changes nothing.</summary>
    /// <returns>This flow, whose <see cref="Plan"/> is set from now on.</returns>
    /// <exception cref="InvalidTopologyException">The flow has no processors, a duplicate name, a stream with two writers, or a cycle. The
    /// message lists all problems.</exception>
    public Flow Resolve()
    {
        resolved ??= FlowResolution.Of(Processors);
        return this;
    }

    /// <summary>The drawing of the flow as text, or one line per processor before <see cref="Resolve"/>.</summary>
    public override string ToString() => resolved?.Topology.ToText() ?? string.Join('\n', Processors);

    internal FlowStreamOptions OptionsOf(string stream) => streams.GetValueOrDefault(stream) ?? Default;

    private static readonly FlowStreamOptions Default = new();

    private static InvalidOperationException Unresolved(string property)
        => new($"The flow has not been resolved, so it has no {property}: call flow.Resolve() first.");

    /// <summary>Plan and drawing in one object, so that one volatile write publishes both.</summary>
    internal sealed record Resolution(FlowPlan Plan, Topology Topology);
}
