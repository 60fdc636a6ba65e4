namespace Sluice;

/// <summary>What resolving a flow has found. Immutable.</summary>
public sealed class FlowPlan
{
    internal FlowPlan(IReadOnlyList<IReadOnlyList<Processor>> partitions, IReadOnlyList<string> floating, IReadOnlyList<string> results)
        => (Partitions, FloatingInputs, Results) = (partitions, floating, results);

    /// <summary>
    /// The processors by when they can be at work: those of the first partition at once, those of the next when processors that wait have what they wait for. In each, upstream first.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<Processor>> Partitions { get; }

    /// <summary>The inputs that no processor of the flow writes: they are given when it is started. By name.</summary>
    public IReadOnlyList<string> FloatingInputs { get; }

    /// <summary>The outputs that no processor of the flow reads: who starts it gets them, unless all are wanted. By name.</summary>
    public IReadOnlyList<string> Results { get; }
}
