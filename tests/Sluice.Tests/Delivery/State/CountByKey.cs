namespace Sluice.Tests.Delivery;

/// <summary>Counts the items of each key, and puts them out as they are.</summary>
internal sealed class CountByKey<T> : StatefulStageNode<T, T, int>
{
    protected override int InitialState(string key) => 0;

    protected override ValueTask ProcessAsync(T item, Output<T> output, CancellationToken cancellation)
    {
        State++;
        return output.PushAsync(item);
    }
}
