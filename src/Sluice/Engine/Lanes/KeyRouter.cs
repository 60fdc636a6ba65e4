namespace Sluice.Engine;

/// <summary>Routes each item to the lane of its key.</summary>
internal sealed class KeyRouter<T> : Inlet<T>
{
    private readonly StageContext context;
    private readonly Func<T, int> hash;
    private readonly Inlet<T>[] lanes;
    private readonly LaneWaits? waits;               // if the stage counts the time in which it can get items

    public KeyRouter(StageContext context, Func<T, int> hash, Inlet<T>[] lanes, LaneWaits? waits)
    {
        (this.context, this.hash, this.lanes, this.waits, Node) = (context, hash, lanes, waits, context.Node);
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
        return waits is null ? lanes[lane].PushAsync(item, ticket) : PushNotedAsync(waits, lanes[lane], item, ticket);
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

    // Without rings, the lane works on the item inside of the push, and may block the thread.
    private static ValueTask PushNotedAsync(LaneWaits waits, Inlet<T> lane, T item, Ticket? ticket)
    {
        if (!waits.HaveRings) waits.Begin();
        ValueTask pushed;
        try
        {
            pushed = lane.PushAsync(item, ticket);
        }
        catch
        {
            if (!waits.HaveRings) waits.End();
            throw;
        }
        if (!pushed.IsCompletedSuccessfully)
        {
            if (waits.HaveRings) waits.Begin();
            return EndLaterAsync(waits, pushed);
        }
        if (!waits.HaveRings) waits.End();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask EndLaterAsync(LaneWaits waits, ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        finally
        {
            waits.End();
        }
    }
}
