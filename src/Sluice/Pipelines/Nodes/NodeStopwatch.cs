namespace Sluice.Diagnostics;

/// <summary>Measures a part of a node's work until it is disposed; see <see cref="StageNode{TIn, TOut}.Measure"/>.</summary>
/// <remarks>Immutable; dispose it once. It may be disposed on another thread.</remarks>
public readonly struct NodeStopwatch : IDisposable
{
    private readonly StageContext? context;
    private readonly string part;
    private readonly long began;

    internal NodeStopwatch(StageContext context, string part)
        => (this.context, this.part, began) = (context, part, context.Run.Time.GetTimestamp());

    /// <summary>Adds the time since it was made.</summary>
    public void Dispose() => context?.AddMeasured(part, context.Run.Time.GetTimestamp() - began);
}
