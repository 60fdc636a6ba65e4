namespace Sluice.Flows;

/// <summary>The plan of a flow, made by <see cref="Flow.Resolve"/>. Immutable.</summary>
public sealed class FlowPlan
{
    internal FlowPlan(IReadOnlyList<IReadOnlyList<Processor>> partitions, IReadOnlyList<string> floating, IReadOnlyList<string> results)
        => (Partitions, FloatingInputs, Results) = (partitions, floating, results);

    /// <summary>
    /// The processors, grouped by when they can start. The first group starts at once; each later group starts once the inputs that its
    /// processors, or their writers, wait for are complete (<see cref="Processor.Wait"/>). Within a group, upstream processors come first.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<Processor>> Partitions { get; }

    /// <summary>The inputs that no processor of the flow writes, sorted by name. A start must provide values for them.</summary>
    public IReadOnlyList<string> FloatingInputs { get; }

    /// <summary>The outputs that no processor of the flow reads, sorted by name. The service that starts the flow reads them.</summary>
    public IReadOnlyList<string> Results { get; }
}
