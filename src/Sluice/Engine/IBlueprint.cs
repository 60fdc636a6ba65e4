namespace Sluice;

/// <summary>What runs are built from: a pipeline, seen from the engine.</summary>
internal interface IBlueprint
{
    /// <summary>Builds everything, from the ends to the sources; the same way every time.</summary>
    void Build(RunBuilder builder);
}

/// <summary>Stands where a stage would be, when only the topology is wanted.</summary>
internal sealed class DrawnInlet<T> : Inlet<T>
{
    public DrawnInlet(int node) => Node = node;

    public override ValueTask PushAsync(T item, Ticket? ticket) => throw new InvalidOperationException("What is only drawn takes no items.");

    protected override ValueTask OnCompleteAsync() => default;
}
