namespace Sluice.Engine;

/// <summary>The definition that runs are built from: a pipeline as the engine sees it.</summary>
internal interface IBlueprint
{
    /// <summary>Builds all stages, from the ends to the sources; in the same order every time.</summary>
    void Build(RunBuilder builder);
}

/// <summary>Takes the place of a stage when only the topology is built.</summary>
internal sealed class DrawnInlet<T> : Inlet<T>
{
    public DrawnInlet(int node) => Node = node;

    public override ValueTask PushAsync(T item, Ticket? ticket)
        => throw new InvalidOperationException("What is only drawn takes no items.");

    protected override ValueTask OnCompleteAsync() => default;
}
