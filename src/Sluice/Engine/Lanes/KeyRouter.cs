namespace Sluice.Engine;

/// <summary>Routes each item to the lane of its key.</summary>
internal sealed class KeyRouter<T> : Inlet<T>
{
    private readonly StageContext context;
    private readonly Func<T, int> hash;
    private readonly Inlet<T>[] lanes;

    public KeyRouter(StageContext context, Func<T, int> hash, Inlet<T>[] lanes)
    {
        (this.context, this.hash, this.lanes, Node) = (context, hash, lanes, context.Node);
        BranchStop.Attach(this, lanes);
    }

    /// <summary>The lane of a hash.</summary>
    /// <remarks>Fibonacci hashing: hash codes of integers are consecutive, and their pattern must not show in the lanes.</remarks>
    public static uint LaneOf(int hash, int lanes) => (uint)(((ulong)((uint)hash * 2654435769u) * (uint)lanes) >> 32);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        uint lane;
        try
        {
            lane = LaneOf(hash(item), lanes.Length);
        }
        catch (Exception e)
        {
            throw context.Failure(e, item, ticket);
        }
        return lanes[lane].PushAsync(item, ticket);
    }

    public override void ComesFrom(int from)
    {
        foreach (Inlet<T> lane in lanes) lane.ComesFrom(from);
    }

    public override void Flush()
    {
        foreach (Inlet<T> lane in lanes) lane.Flush();
    }

    protected override async ValueTask OnCompleteAsync()
    {
        foreach (Inlet<T> lane in lanes) await lane.CompleteAsync();
    }
}
